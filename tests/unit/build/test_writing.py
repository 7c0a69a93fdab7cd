"""Rows of a dataset's tables, gathered trial by trial."""

from viodat.build.writing import Tables


def test_a_participant_has_the_measurements_of_the_first_trial():
    tables = Tables(trials=[{"trial": "T1"}], measurements={"P1": {"height_mm": 1.0}}, file_rows={"a": 1})
    other = Tables(
        trials=[{"trial": "T2"}],
        exclusions=[{"trial": "T2"}],
        measurements={"P1": {"height_mm": 2.0}, "P2": {"height_mm": 3.0}},
        file_rows={"b": 2},
        inputs={"x.c3d": "00"},
    )
    tables.add(other)
    assert tables.trials == [{"trial": "T1"}, {"trial": "T2"}]
    assert tables.exclusions == [{"trial": "T2"}]
    assert tables.measurements == {"P1": {"height_mm": 1.0}, "P2": {"height_mm": 3.0}}
    assert tables.file_rows == {"a": 1, "b": 2}
    assert tables.inputs == {"x.c3d": "00"}


def test_the_digest_of_inputs_does_not_depend_on_their_order():
    one, other = Tables(inputs={"a": "1", "b": "2"}), Tables(inputs={"b": "2", "a": "1"})
    assert one.inputs_digest() == other.inputs_digest() != Tables(inputs={"a": "1"}).inputs_digest()
