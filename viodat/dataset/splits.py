"""Who is trained on and who is tested: splits by participant, validation by whole trials.

A participant stands in one split only. Validation takes whole trials of the training participants, never windows,
so that no frame of a validation trial has a neighbour in training. Leaving one participant out gives as many folds as
there are participants. :func:`leaking_windows` is what the VioPose paper does instead, to compare with its figures.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.errors import ConfigError

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
SPLITS: Final = (TRAIN, VALIDATION, TEST)

VIODAT_TEST: Final = frozenset({"P05", "P08", "P13"})
"""Test participants of the published VioDat; used where capture.toml names none and the ids are VioDat's."""

VALIDATION_SHARE: Final = 0.1
"""Share of training that validates, of trials or of windows."""

_VIODAT_ID = re.compile(r"P\d\d")


@dataclass(frozen=True)
class Splits:
    """The split of every trial and participant, and what a reader should know about it."""

    trials: Mapping[str, str]
    participants: Mapping[str, str]
    notes: tuple[str, ...] = ()


def assign_splits(
    trials: Iterable[tuple[str, str]],
    *,
    test: Collection[str] | None = None,
    train: Collection[str] | None = None,
    validation: float = VALIDATION_SHARE,
) -> Splits:
    """Assign each trial to train, validation or test.

    Parameters
    ----------
    trials
        (trial id, participant id) pairs.
    test
        Test participants. None: all but ``train`` if that is given; else those of the published VioDat if every
        participant id looks like ``P05``; else nobody.
    train
        Training participants. If given, whoever is in neither list is in no split, which is a mistake.
    validation
        Share of the training trials, 0 to 1. Their number is rounded, to none with a note; which ones is decided by
        a digest of their ids, so that a trial added later moves as few as possible.

    Raises
    ------
    ConfigError
        If a participant is named who has no trial, or two lists are given and somebody is in neither.
    """
    pairs = sorted(trials)
    people = sorted({participant for _, participant in pairs})
    notes: list[str] = []
    for key, named in (("test", test), ("train", train)):
        if unknown := sorted(set(named or ()) - set(people)):
            raise ConfigError(
                f"[splits] {key} names {', '.join(unknown)}, who has no trial; there are {', '.join(people)}",
                where="capture.toml",
                mend="Correct the id, or leave it out.",
            )
    if train is not None:
        if test is None:
            test = set(people) - set(train)
        elif left := sorted(set(people) - set(test) - set(train)):
            raise ConfigError(
                f"[splits] names {', '.join(left)} neither in test nor in train",
                where="capture.toml",
                mend="Add them to one of the two, or leave one of the lists out: it takes the rest.",
            )
    elif test is None:
        test = VIODAT_TEST & set(people) if all(map(_VIODAT_ID.fullmatch, people)) else frozenset()
        if test:
            notes.append(
                f"in the test split: {', '.join(sorted(test))}, because the published VioDat tests on participants of "
                "these ids; capture.toml [splits] test changes it"
            )
        else:
            notes.append("no test participants: all trials are in training; name some in capture.toml [splits] test")
    training = [trial for trial, participant in pairs if participant not in test]
    held_out = set(sorted(training, key=_digest)[: round(validation * len(training))])
    if training and validation > 0 and not held_out:
        trials_are = "training trial" if len(training) == 1 else "training trials"
        notes.append(f"{100 * validation:g} % of {len(training)} {trials_are} rounds to no validation trial")
    return Splits(
        trials={
            trial: TEST if participant in test else VALIDATION if trial in held_out else TRAIN
            for trial, participant in pairs
        },
        participants={participant: TEST if participant in test else TRAIN for participant in people},
        notes=tuple(notes),
    )


def leave_one_out(trials: Iterable[tuple[str, str]], *, validation: float = VALIDATION_SHARE) -> dict[str, Splits]:
    """Give a fold for each participant, who is tested there and nowhere else; all others train.

    Parameters
    ----------
    trials
        (trial id, participant id) pairs.
    validation
        As in :func:`assign_splits`, in each fold.

    Returns
    -------
    dict
        Splits by the participant who is left out.

    Examples
    --------
    >>> folds = leave_one_out([("P04T01", "P04"), ("P05T01", "P05"), ("P05T02", "P05")])
    >>> folds["P05"].trials
    {'P04T01': 'train', 'P05T01': 'test', 'P05T02': 'test'}
    """
    pairs = sorted(trials)
    people = sorted({participant for _, participant in pairs})
    return {name: assign_splits(pairs, test=(name,), validation=validation) for name in people}


def leaking_windows(count: int, *, share: float = VALIDATION_SHARE, seed: int = 0) -> NDArray[np.bool_]:
    """Draw windows to validate on, as the VioPose paper does. They leak.

    Windows overlap, and a window's neighbours in time go to training: nearly every frame of such a validation was
    trained on. Use whole trials (:func:`assign_splits`), and this only to repeat published figures.

    Parameters
    ----------
    count
        How many windows there are.
    share
        Of them that validate; their number is rounded.
    seed
        Of the draw.

    Returns
    -------
    (count,) bool array
        True where a window validates.
    """
    held_out = np.zeros(count, bool)
    held_out[np.random.default_rng(seed).permutation(count)[: round(share * count)]] = True
    return held_out


def _digest(trial: str) -> str:
    return hashlib.sha256(trial.encode()).hexdigest()
