import pytest
from hypothesis import given
from hypothesis import strategies as st

from viodat.dataset.splits import assign_splits
from viodat.errors import ConfigError


def test_published_test_participants_are_the_default_for_viodat_ids():
    splits = assign_splits([("P04T01", "P04"), ("P05T01", "P05"), ("P13T02", "P13")])
    assert splits.trials == {"P04T01": "train", "P05T01": "test", "P13T02": "test"}


def test_other_ids_have_no_default_and_a_note_says_so():
    splits = assign_splits([("HC002D02", "HC002D")])
    assert set(splits.trials.values()) == {"train"}
    assert "no test participants" in splits.notes[0]


def test_a_test_participant_without_trial_is_a_mistake():
    with pytest.raises(ConfigError, match="names P99, who has no trial; there are P04"):
        assign_splits([("P04T01", "P04")], test=["P99"])


TRIALS = st.sets(
    st.tuples(st.integers(1, 40), st.integers(1, 15)), min_size=1, max_size=80
).map(lambda pairs: [(f"P{p:02d}T{t:02d}", f"P{p:02d}") for t, p in pairs])  # fmt: skip


@given(trials=TRIALS, validation=st.floats(0, 1))
def test_no_participant_stands_on_both_sides(trials, validation):
    splits = assign_splits(trials, validation=validation)
    tested = {person for trial, person in trials if splits.trials[trial] == "test"}
    trained = {person for trial, person in trials if splits.trials[trial] != "test"}
    assert not tested & trained
    rest = [split for split in splits.trials.values() if split != "test"]
    assert rest.count("validation") == round(validation * len(rest))
    assert assign_splits(reversed(trials), validation=validation) == splits


@pytest.mark.parametrize(
    ("trials", "share", "note"),
    [
        (2, 0.1, "10 % of 2 training trials rounds to no validation trial"),
        (1, 0.25, "25 % of 1 training trial rounds to no validation trial"),
        (10, 0.1, None),
        (2, 0.0, None),
    ],
)
def test_no_validation_trial_by_rounding_is_said(trials, share, note):
    pairs = [(f"P04T{k:02d}", "P04") for k in range(trials)] + [("P05T01", "P05")]
    said = [text for text in assign_splits(pairs, validation=share).notes if "validation" in text]
    assert said == ([note] if note else [])
