"""Leaving one participant out, and the two ways to validate: one of them leaks, and says so."""

import numpy as np
import pytest

from tests.unit.dataset.played import played, write_played
from viodat import PoseWindows
from viodat.dataset.reader import open_dataset
from viodat.dataset.sketches import compute_statistics
from viodat.dataset.splits import leaking_windows, leave_one_out
from viodat.errors import DatasetError, ViodatWarning

FRAMES, RATE_HZ, HOP_S = 90, 30.0, 0.5


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    trials = [played(f"P{p:02d}T{t:02d}", "test" if p == 6 else "train", 8.0) for p in (4, 5, 6) for t in range(1, 6)]
    return write_played(tmp_path_factory.mktemp("folds"), trials, certified=False)


def frames_of(windows: PoseWindows) -> set[tuple[str, int]]:
    """Every frame of every window, by recording and time."""
    step = 1e9 / RATE_HZ
    found = set()
    for item in windows:
        for k in np.flatnonzero(item["valid"].any(-1).numpy()):
            found.add((item["recording"], round((item["start_ns"] + k * step) / step)))
    return found


def windows(out, **choice) -> PoseWindows:
    return PoseWindows(out, frames=FRAMES, rate_hz=RATE_HZ, hop_s=HOP_S, audio=None, **choice)


def test_each_participant_is_left_out_once():
    trials = [(f"P{p:02d}T{t:02d}", f"P{p:02d}") for p in (4, 5, 6) for t in range(10)]
    folds = leave_one_out(trials, validation=0.1)
    assert list(folds) == ["P04", "P05", "P06"]
    for left_out, fold in folds.items():
        tested = {trial for trial, split in fold.trials.items() if split == "test"}
        assert tested == {trial for trial, participant in trials if participant == left_out}
        assert sorted(fold.trials.values()).count("validation") == 2


@pytest.mark.parametrize("left_out", ["P04", "P05", "P06"])
def test_a_fold_tests_on_its_participant_alone(out, left_out):
    people = {
        split: {trial[:3] for trial in windows(out, fold=left_out, split=split).trials}
        for split in ("train", "validation", "test")
    }
    assert people["test"] == {left_out}
    assert left_out not in people["train"] | people["validation"]
    assert people["train"] == {"P04", "P05", "P06"} - {left_out}


def test_a_fold_of_somebody_unknown_names_who_is_there(out):
    with pytest.raises(DatasetError, match="no participant 'P07' to leave out; it has P04, P05, P06"):
        windows(out, fold="P07")


def test_validation_by_trials_shares_no_frame_with_training(out):
    train, validation = (windows(out, fold="P06", split=split) for split in ("train", "validation"))
    assert not train.leaks
    assert not set(train.trials) & set(validation.trials)
    assert frames_of(train)
    assert frames_of(validation)
    assert not frames_of(train) & frames_of(validation)


def test_validation_by_windows_leaks_and_says_so(out):
    with pytest.warns(ViodatWarning, match="validation='windows' leaks"):
        train = windows(out, fold="P06", split="train", validation="windows")
    with pytest.warns(ViodatWarning, match="validation='windows' leaks"):
        validation = windows(out, fold="P06", split="validation", validation="windows")
    assert train.leaks
    seen, held_out = frames_of(train), frames_of(validation)
    assert len(held_out & seen) > 0.9 * len(held_out)


def test_validation_by_windows_takes_a_tenth_of_all_training_windows(out):
    with pytest.warns(ViodatWarning):
        parts = {s: windows(out, fold="P06", split=s, validation="windows") for s in ("train", "validation")}
    whole = len(windows(out, fold="P06", split="train")) + len(windows(out, fold="P06", split="validation"))
    assert len(parts["validation"]) == round(0.1 * whole)
    assert len(parts["train"]) + len(parts["validation"]) == whole
    places = {s: {(i["recording"], i["start_ns"]) for i in part} for s, part in parts.items()}
    assert not places["train"] & places["validation"]


def test_the_test_split_does_not_leak(out):
    assert not windows(out, split="test", validation="windows").leaks


def test_a_seed_draws_other_windows():
    assert (leaking_windows(200, seed=0) == leaking_windows(200, seed=0)).all()
    assert (leaking_windows(200, seed=0) != leaking_windows(200, seed=1)).any()
    assert leaking_windows(204).sum() == 20


def test_statistics_of_a_fold_are_of_its_training_trials(out):
    train = windows(out, fold="P04", split="train")
    statistics = compute_statistics(open_dataset(out), train.trials)
    assert statistics["trials"] == list(train.trials)
    assert {trial[:3] for trial in train.trials} == {"P05", "P06"}


def test_a_way_that_there_is_not(out):
    with pytest.raises(ValueError, match="validation: expected one of 'trials', 'windows', but got 'frames'"):
        windows(out, validation="frames")
