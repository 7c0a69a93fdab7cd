"""Which recordings a model is trained on, chosen by and scored on.

The dataset's own split is by participant. Leaving each participant out in turn scores all of them, by models whose
training data overlap; leaving each camera out asks what a model does with a view that it never saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from viodat.bench.store import GridStore, StoredRecording
from viodat.dataset.splits import TEST, TRAIN, VALIDATION, leave_one_out
from viodat.errors import DatasetError

Recordings = tuple[StoredRecording, ...]
Held = Literal["trial", "participant", "window"]
Folds = Literal["dataset", "participant", "camera"]
HELD_SHARE: Final = 0.1
"""Share of the training windows that validate with ``window``, as VioPose has it."""


@dataclass(frozen=True)
class Division:
    """Recordings by what they are for.

    Attributes
    ----------
    name
        Which fold it is; empty for the dataset's own.
    train, validation, test
        Disjoint. Trials of one participant may be in both train and validation.
    held_windows
        Share of the training windows that are held back for validation, in place of ``validation``.
    by, held
        How it came about: as in :func:`folds`.
    """

    name: str
    train: Recordings
    validation: Recordings
    test: Recordings
    held_windows: float = 0.0
    by: Folds = "dataset"
    held: Held = "trial"

    @property
    def validates(self) -> bool:
        """Whether there is anything to choose by."""
        return bool(self.validation) or self.held_windows > 0


def divided(store: GridStore, held: Held = "trial") -> Division:
    """Divide by the dataset's splits.

    Parameters
    ----------
    store
        The dataset's.
    held
        What validates: ``trial``: the dataset's validation trials; ``participant``: all trials of the last training
        participant, the other validation trials being trained on; ``window``: a tenth of all training windows, which
        overlap with those that are trained on: optimistic.

    Raises
    ------
    DatasetError
        A split has no recording.
    """
    parts = {split: store.of_split(split) for split in (TRAIN, VALIDATION, TEST)}
    for split in (TRAIN, TEST):
        _require(parts[split], f"no recording of split {split!r} has clock, calibration and keypoints")
    return replace(_held("", parts[TRAIN], parts[VALIDATION], parts[TEST], held), held=held)


def folds(store: GridStore, by: Folds, held: Held = "trial") -> tuple[Division, ...]:
    """Give all divisions of a way to fold.

    Parameters
    ----------
    store
        The dataset's.
    by
        ``dataset``: one, of its splits; ``participant``: each one's recordings are the test once
        (:func:`viodat.dataset.splits.leave_one_out`); ``camera``: the test participants as seen by one camera, by
        models that were trained on all others.
    held
        As in :func:`divided`.

    Raises
    ------
    DatasetError
        A fold would have nothing to train on, or nothing to test.
    """
    return tuple(replace(one, by=by, held=held) for one in _folds(store, by, held))


def _folds(store: GridStore, by: Folds, held: Held) -> tuple[Division, ...]:
    if by == "dataset":
        return (divided(store, held),)
    if by == "camera":
        whole = divided(store, held)
        return tuple(
            Division(
                f"without {device}",
                _require(_but(whole.train, device), f"without camera {device} there is nothing to train on"),
                _but(whole.validation, device),
                tuple(one for one in whole.test if one.device == device),
                whole.held_windows,
            )
            for device in sorted({one.device for one in whole.test})
        )
    found = []
    for person, fold in leave_one_out((one.trial, one.participant) for one in _by_trial(store)).items():
        train = _require(store.of_split(TRAIN, fold.trials), f"without {person} there is nothing to train on")
        validation, test = (store.of_split(split, fold.trials) for split in (VALIDATION, TEST))
        found.append(_held(f"without {person}", train, validation, test, held))
    return tuple(found)


def _by_trial(store: GridStore) -> Recordings:
    return tuple({one.trial: one for one in store.recordings}.values())


def _held(name: str, train: Recordings, validation: Recordings, test: Recordings, held: Held) -> Division:
    if held == "trial":
        return Division(name, train, validation, test)
    together = tuple(sorted((*train, *validation), key=lambda one: one.recording))
    if held == "window":
        return Division(name, together, (), test, HELD_SHARE)
    people = sorted({one.participant for one in together})
    if len(people) < 2:
        raise DatasetError(
            f"only {people[0]} is there to train on: none can be held back to validate",
            mend="Use --validation trial or window.",
        )
    return Division(
        name,
        tuple(one for one in together if one.participant != people[-1]),
        tuple(one for one in together if one.participant == people[-1]),
        test,
    )


def _but(recordings: Recordings, device: str) -> Recordings:
    return tuple(one for one in recordings if one.device != device)


def _require(recordings: Recordings, otherwise: str) -> Recordings:
    if not recordings:
        raise DatasetError(otherwise, mend="Set [splits] in capture.toml and build again.")
    return recordings


def trained_and_tested(division: Division) -> Mapping[str, list[str]]:
    """Give the ids of a division's recordings: what a run's identity is made from."""
    return {name: [one.recording for one in getattr(division, name)] for name in ("train", "validation", "test")}
