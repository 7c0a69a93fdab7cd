"""The split certificate: what was checked so that no score on the test split is owed to having seen the test.

A certificate states of participants, sessions, pieces, near-duplicate trials and statistics whether they stay on their
side, how that was checked, and what speaks against it. A participant, session or piece must not stand on both sides of
the test split; training and validation share participants, since validation takes whole trials of those who train. A
near-duplicate must not stand in another split at all. Excluded trials do not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from viodat.dataset import schema
from viodat.dataset.fingerprints import Fingerprint
from viodat.dataset.near_duplicates import SHORTEST_S, By, NearDuplicate, comparable, near_duplicates
from viodat.dataset.sketches import TrialSketch
from viodat.dataset.splits import TEST, TRAIN
from viodat.dataset.statistics import training_statistics
from viodat.errors import counted

Row = Mapping[str, Any]

REQUIRED: Final = ("participants", "near_duplicates", "statistics")
"""Statements that must not be false; that a session or a piece is on both sides is told, and may be meant so."""

_SHOWN: Final = 3
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True)
class Statement:
    """One statement of a certificate.

    Attributes
    ----------
    holds
        None where it cannot be known.
    how
        How it was checked.
    counter_examples
        What speaks against it; empty unless ``holds`` is False.
    """

    holds: bool | None
    how: str
    counter_examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """What was checked of the splits.

    Attributes
    ----------
    trials_sha256
        Of the lines "trial split", sorted: the splits that it is about.
    statements
        By name: participants, sessions, pieces, near_duplicates, statistics.
    """

    trials_sha256: str
    statements: Mapping[str, Statement]

    @property
    def broken(self) -> tuple[str, ...]:
        """What speaks against the statements that must hold, as sentences."""
        return tuple(text for name in REQUIRED for text in self.statements[name].counter_examples)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is not known, and what speaks against the other statements, as sentences."""
        unknown = [f"{name} is not known: {one.how}" for name, one in self.statements.items() if one.holds is None]
        others = (one for name, one in self.statements.items() if name not in REQUIRED)
        return (*unknown, *(text for one in others for text in one.counter_examples))

    def to_json(self) -> dict[str, Any]:
        """Give dataset.json's ``certificate``."""
        statements = {name: asdict(one) for name, one in self.statements.items()}
        for one in statements.values():
            one["counter_examples"] = list(one["counter_examples"])
        return {"trials_sha256": self.trials_sha256, "statements": statements}


def certify(
    trials: Sequence[Row], sketches: Mapping[str, TrialSketch], statistics: Mapping[str, Any] | None
) -> Certificate:
    """Check the splits.

    Parameters
    ----------
    trials
        Rows of trials.parquet.
    sketches
        Of the trials that were built, by id.
    statistics
        What dataset.json holds as ``statistics``; None: nothing.
    """
    built = sorted((row for row in trials if row["status"] != schema.STATUS_EXCLUDED), key=lambda row: row["trial"])
    splits = {row["trial"]: row["split"] for row in built}
    people = {row["trial"]: row["participant"] for row in built}
    # A session that nobody named is that of its participant.
    sessions = {row["trial"]: row.get("session") or row["participant"] for row in built}
    named = sum(row.get("session") is not None for row in built)
    how_sessions = f"named in capture.toml for {named} of {counted(len(built), 'trial')}; else a participant is one"
    return Certificate(
        _digest(splits),
        {
            "participants": _one_side("participant", people, splits, "participant of each trial"),
            "sessions": _one_side("session", sessions, splits, how_sessions),
            "pieces": _pieces({row["trial"]: row.get("piece") for row in built}, splits),
            "near_duplicates": _near_duplicates(splits, sketches),
            "statistics": _statistics(splits, sketches, statistics),
        },
    )


def statistics_of(trials: Iterable[Row], sketches: Mapping[str, TrialSketch]) -> dict[str, Any]:
    """Give dataset.json's ``statistics``: those of the trials in the training split that were built."""
    chosen = [row["trial"] for row in trials if row["split"] == TRAIN and row["status"] != schema.STATUS_EXCLUDED]
    return training_statistics((name, sketches[name].sums) for name in chosen)


def _digest(splits: Mapping[str, str]) -> str:
    lines = "".join(f"{trial} {split}\n" for trial, split in sorted(splits.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _one_side(what: str, groups: Mapping[str, str], splits: Mapping[str, str], how: str) -> Statement:
    """Check that no group has trials on both sides of the test split."""
    against = []
    for group in sorted(set(groups.values())):
        members = [trial for trial, of in groups.items() if of == group]
        tested = [trial for trial in members if splits[trial] == TEST]
        if tested and len(tested) < len(members):
            others = [trial for trial in members if splits[trial] != TEST]
            against.append(f"{what} {group} is in the test split ({_some(tested)}) and outside it ({_some(others)})")
    return Statement(not against, how, tuple(against))


def _pieces(pieces: Mapping[str, str | None], splits: Mapping[str, str]) -> Statement:
    named = {trial: piece for trial, piece in pieces.items() if piece is not None}
    if not named:
        return Statement(None, "capture.toml names no pieces")
    how = f"named in capture.toml for {len(named)} of {counted(len(pieces), 'trial')}"
    found = _one_side("piece", named, splits, how)
    return Statement(None, how) if found.holds and len(named) < len(pieces) else found


def _near_duplicates(splits: Mapping[str, str], sketches: Mapping[str, TrialSketch]) -> Statement:
    kinds: dict[By, dict[str, Fingerprint]] = {"motion": {}, "sound": {}}
    for trial in splits:
        for by, fingerprints in kinds.items():
            found = sketches[trial].motion if by == "motion" else sketches[trial].sound
            if found is not None:
                fingerprints[trial] = found
    long = {by: sum(comparable(one, by) for one in found.values()) for by, found in kinds.items()}
    how = "every trial against every other: " + ", ".join(
        f"{by} of {long[by]} of {counted(len(splits), 'trial')}" for by in kinds
    )
    pairs: list[NearDuplicate] = [pair for by, found in kinds.items() for pair in near_duplicates(found, by)]
    against = tuple(
        f"{pair}; {pair.a} is in {splits[pair.a]}, {pair.b} in {splits[pair.b]}"
        for pair in pairs
        if splits[pair.a] != splits[pair.b]
    )
    inside = sum(splits[pair.a] == splits[pair.b] for pair in pairs)
    if inside:
        how += f"; {counted(inside, 'pair')} within a split"
    # Motion is of every trial; sound alone would miss what no microphone recorded.
    moving = kinds["motion"]
    short = [trial for trial in splits if trial not in moving or not comparable(moving[trial], "motion")]
    if short:
        how += (
            f"; {counted(len(short), 'trial')} without motion of {SHORTEST_S['motion']:g} s and the filter's ends "
            f"({_some(short)}), known only if equal number for number"
        )
    return Statement(False if against else None if short and len(set(splits.values())) > 1 else True, how, against)


def _statistics(
    splits: Mapping[str, str], sketches: Mapping[str, TrialSketch], statistics: Mapping[str, Any] | None
) -> Statement:
    if statistics is None:
        return Statement(None, "dataset.json has none")
    how = "computed again from the trials of the training split alone, and compared"
    right = training_statistics((trial, sketches[trial].sums) for trial, split in splits.items() if split == TRAIN)
    against = []
    listed, streams = statistics.get("trials"), statistics.get("streams")
    used, expected = set(map(str, listed if isinstance(listed, list) else ())), set(right["trials"])
    if strangers := sorted(used - expected):
        against.append(f"statistics are from {_some(strangers)}, which are not in the training split")
    if missing := sorted(expected - used):
        against.append(f"statistics lack {_some(missing)} of the training split")
    streams = streams if isinstance(streams, dict) else {}
    for name in sorted({*right["streams"], *streams}):
        if not against and not _same(right["streams"].get(name), streams.get(name)):
            against.append(f"statistics of {name} are not those of the training split")
    return Statement(not against, how, tuple(against))


def _same(right: Row | None, found: Row | None) -> bool:
    if right is None or found is None:
        return False
    try:
        pairs = [(np.array(right[key], float), np.array(found[key], float)) for key in ("count", "mean", "std")]
    except (KeyError, TypeError, ValueError):
        return False
    return all(a.shape == b.shape and np.allclose(a, b, _TOLERANCE, _TOLERANCE, equal_nan=True) for a, b in pairs)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
