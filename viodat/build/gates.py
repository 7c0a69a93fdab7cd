"""Quality gates: what a trial must show to be in the dataset. Every limit stands here.

A gate returns None, or the exclusion with the number that it found and the limit that it held it against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from viodat.body import JointTrial
from viodat.capture.participants import Participant

CONSENT: Final = "consent"
"""Stage of the exclusion of somebody who does not agree to be in the dataset."""

MIN_FRAMES: Final = 2
"""A trial of one frame is a picture: it has no velocity, and nothing can be interpolated in it."""

MIN_JOINTS: Final = 1
"""At least this many of the 18 joints must be determined in some frame."""


@dataclass(frozen=True)
class Exclusion:
    """One thing left out: a trial, or with ``recording`` one recording of it."""

    trial: str
    stage: str
    reason: str
    recording: str | None = None
    value: float | None = None
    limit: float | None = None


def gate_consent(trial: str, participant: Participant) -> Exclusion | None:
    """Refuse the trials of a participant who does not agree to be in the dataset."""
    if participant.consent is False:
        return Exclusion(trial, CONSENT, f"participant {participant.id} did not consent")
    return None


def gate_joints(trial: str, joints: JointTrial) -> Exclusion | None:
    """Refuse a trial in which there is nothing to learn from."""
    frames = joints.n_frames
    if frames < MIN_FRAMES:
        return Exclusion(
            trial, "gates", f"the trial has {frames} frame(s); at least {MIN_FRAMES} are needed",
            value=float(frames), limit=float(MIN_FRAMES),
        )  # fmt: skip
    determined = int(joints.valid.any(axis=0).sum())
    if determined < MIN_JOINTS:
        why = "; ".join(sorted(set(joints.method))[:3])
        return Exclusion(
            trial, "gates", f"no joint is determined in any frame ({why})",
            value=float(determined), limit=float(MIN_JOINTS),
        )  # fmt: skip
    return None
