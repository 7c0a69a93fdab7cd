"""What is wrong with a trial's labels, as values: one fault each, with its frames and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LabelFaultKind = Literal["sides", "swap", "ghost", "duplicate", "spike"]

_SAYS: dict[LabelFaultKind, str] = {
    "sides": "left and right are exchanged",
    "swap": "labels are exchanged",
    "ghost": "the label sits on something else",
    "duplicate": "two labels sit on one marker",
    "spike": "the label leaves its path",
}


@dataclass(frozen=True)
class LabelFault:
    """One stretch of frames in which labels are wrong.

    Attributes
    ----------
    kind
        ``sides``: left and right partners exchanged. ``swap``: other labels exchanged, two or more in a cycle.
        ``ghost``: a label on a reflection or another object. ``duplicate``: two labels on one marker. ``spike``: a few
        frames away from the path.
    labels
        The labels concerned. In a ``duplicate`` the last one is the one that is wrong, where that is known.
    start_frame, end_frame
        C3D frame numbers, first and last, both included.
    repaired
        Whether the returned trial is free of it; False leaves the frames as measured.
    evidence
        Half a sentence with the numbers.
    """

    kind: LabelFaultKind
    labels: tuple[str, ...]
    start_frame: int
    end_frame: int
    repaired: bool
    evidence: str

    def __str__(self) -> str:
        """Say it in one sentence."""
        names = ", ".join(self.labels)
        frames = (
            f"frame {self.start_frame}"
            if self.start_frame == self.end_frame
            else f"frames {self.start_frame} to {self.end_frame}"
        )
        done = "repaired" if self.repaired else "left as measured"
        return f"{names}: {_SAYS[self.kind]} in {frames}: {self.evidence}; {done}"


@dataclass(frozen=True)
class LabelReport:
    """All faults of a trial's labels, by first frame, and what could not be tested."""

    faults: tuple[LabelFault, ...] = ()
    limits: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence per fault, then one for each thing that could not be tested."""
        return (*(str(fault) for fault in self.faults), *self.limits)
