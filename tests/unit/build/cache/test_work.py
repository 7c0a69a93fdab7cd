"""Running a step: once for the same inputs, again for others, and never past a fault of ours as if there were none."""

import errno

import pytest

from viodat.build.cache import work as working
from viodat.build.cache.digests import FileDigests
from viodat.build.cache.store import Store
from viodat.build.cache.work import Stage, Step, Work
from viodat.build.faults import UnwritableError, disk_fault, reason_of
from viodat.errors import CaptureError

STAGE = Stage("joints", ("viodat.errors",), ("numpy",))
OTHER = Stage("evidence", ("viodat.errors",))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


def step(stage=STAGE, **inputs):
    return Step(stage, "P05T28", inputs)


def counting(value=1.0):
    calls = []

    def compute(folder):
        calls.append(folder)
        (folder / "x.txt").write_text("x")
        return value

    return compute, calls


def test_the_same_inputs_are_worked_on_once(store):
    compute, calls = counting()
    first = Work(store, "T").run(step(a=1), compute)
    again = Work(store, "T").run(step(a=1), compute)
    assert len(calls) == 1
    assert (first.value, first.key) == (again.value, again.key)
    assert again.files["x.txt"].read_text() == "x"


@pytest.mark.parametrize("changed", ["input", "library", "code"])
def test_whatever_changes_it_is_worked_on_again(store, monkeypatch, changed):
    compute, calls = counting()
    Work(store, "T").run(step(a=1), compute)
    if changed == "library":
        monkeypatch.setattr(working, "library_version", lambda name: "99.0")
    if changed == "code":
        monkeypatch.setattr(working, "code_digest", lambda module: "f" * 64)
    Work(store, "T").run(step(a=2 if changed == "input" else 1), compute)
    assert len(calls) == 2


def test_a_file_that_cannot_be_used_is_remembered(store):
    calls = []

    def compute(folder):
        calls.append(folder)
        raise CaptureError("is damaged", where="P05T28.c3d")

    for _ in range(2):
        with pytest.raises(CaptureError, match=r"P05T28.c3d: is damaged"):
            Work(store, "T").run(step(), compute)
    assert len(calls) == 1


def test_a_disk_that_does_not_read_is_asked_again(store):
    calls = []

    def compute(folder):
        calls.append(folder)
        raise CaptureError("cannot be read", where="P05T28.c3d") from OSError(5, "Input/output error")

    for _ in range(2):
        with pytest.raises(CaptureError):
            Work(store, "T").run(step(), compute)
    assert len(calls) == 2


def test_a_fault_of_ours_is_met_again_by_the_next_build(store):
    calls = []

    def compute(folder):
        calls.append(folder)
        raise ValueError("a bug")

    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            Work(store, "T").run(step(), compute)
    assert len(calls) == 2


def test_what_follows_a_fault_is_not_taken_for_the_real_thing(store):
    wrong, _ = counting("unexpected ValueError")
    right, after_fault = counting("in spite of it")
    work = Work(store, "T")
    found = work.run(step(), wrong, faulty=lambda value: (value,))
    work.run(step(OTHER, joints=found.key), right)
    # The bug is mended: nothing of the above counts.
    mended, calls = counting("well")
    work = Work(store, "T")
    found = work.run(step(), mended, faulty=lambda value: ())
    assert found.value == "well"
    assert work.run(step(OTHER, joints=found.key), mended).value == "well"
    assert (len(calls), len(after_fault)) == (2, 1)


def test_a_step_by_itself_does_not_mind_faults_elsewhere(store):
    work = Work(store, "T")
    work.faults = ("a bug",)
    compute, _ = counting()
    alone = Step(STAGE, "P05C01T28", {}, by_itself=True)
    assert work.run(alone, compute).key == alone.key
    assert work.run(step(), compute).key != step().key


def test_a_process_that_dies_leaves_word(store):
    def compute(folder):
        assert store.noted("P05T28") == "joints of P05T28"
        return 1

    Work(store, "P05T28").run(step(), compute)


def reading(path, state):
    return Step(STAGE, "P05T28", {"a": 1}, files={path: state})


@pytest.mark.parametrize("found", ["a value", "an error"])
def test_what_was_read_of_a_changed_file_is_not_kept(store, tmp_path, found):
    """A disk that was away for a moment must not cost a trial for ever."""
    path = tmp_path / "P05T28.c3d"
    path.write_bytes(b"whole")
    digests = FileDigests(None)
    digests.of([path])
    one = reading(path, digests.states([path])[path])

    def compute(folder):
        if path.exists():
            return "read"
        if found == "a value":
            return "nothing there"
        raise CaptureError("no such file", where=path)

    path.rename(tmp_path / "away")
    work = Work(store, "T")
    with pytest.raises(CaptureError, match="changed or removed while" if found == "a value" else "no such file"):
        work.run(one, compute)
    # Nor is what follows from it taken for the real thing.
    after = work.run(step(OTHER, joints=one.key), lambda folder: "without it")
    (tmp_path / "away").rename(path)
    again = Work(store, "T")
    assert again.run(one, compute).value == "read"
    assert again.run(step(OTHER, joints=one.key), lambda folder: "with it").value == "with it"
    assert after.value == "without it"


def test_a_damaged_file_of_an_entry_is_written_again(store):
    compute, calls = counting()
    done = Work(store, "T").run(step(a=1), compute)
    done.files["x.txt"].write_text("y")
    assert Work(store, "T").run(step(a=1), compute).files["x.txt"].read_text() == "x"
    assert len(calls) == 2


def test_a_full_disk_is_not_a_fault_of_the_trial(store):
    def compute(folder):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("cannot draw") from error

    with pytest.raises(RuntimeError) as caught:
        Work(store, "T").run(step(a=1), compute)
    with pytest.raises(OSError, match="No space left"):
        reason_of(caught.value)


def test_a_cache_that_cannot_be_written_is_told_from_a_raw_file_that_cannot_be_read(store, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "joints").write_text("")
    with pytest.raises(UnwritableError) as caught:
        Work(store, "T").run(step(a=1), lambda folder: 1)
    assert disk_fault(caught.value) is caught.value
    assert disk_fault(PermissionError(errno.EACCES, "Permission denied", "P05T28.c3d")) is None
