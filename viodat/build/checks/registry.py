"""All checks, and the report that running them gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from viodat.build.checks import (
    capture,
    files,
    markers,
    participant,
    pictures,
    recording,
    session,
    sounds,
    take,
    trial,
)
from viodat.build.checks.finding import Check, Finding, Level, Problem


def _told_by_the_run(view: object) -> Iterator[Problem]:
    return iter(())


FAILED: Final[Check[Any]] = Check(
    "check-failed",
    Level.WARNING,
    "What this check looks for may be there: it could not finish.",
    "Please report this with the text above: it is a fault of viodat.",
    _told_by_the_run,
)
"""What the run finds of another check that raised an exception."""

ON_CAPTURE: Final = (*capture.CHECKS, *files.CHECKS)
ON_PARTICIPANT: Final = participant.CHECKS
ON_TRIAL: Final = (*trial.CHECKS, *markers.CHECKS)
ON_RECORDING: Final = (*recording.CHECKS, *pictures.CHECKS, *sounds.CHECKS)
ON_TAKE: Final = take.CHECKS
ON_SESSION: Final = session.CHECKS

CHECKS: Final[dict[str, Check[Any]]] = {
    check.id: check
    for group in (ON_CAPTURE, ON_PARTICIPANT, ON_TRIAL, ON_RECORDING, ON_TAKE, ON_SESSION, (FAILED,))
    for check in group
}
"""Every check by its id."""


@dataclass(frozen=True)
class CheckReport:
    """What was understood and what was found.

    Attributes
    ----------
    understood
        What the capture was taken for, a line each.
    findings
        Errors first, then warnings, then notes.
    ignored
        Findings that capture.toml [[check.ignore]] knows of, with the lab's reason.
    """

    understood: tuple[str, ...]
    findings: tuple[Finding, ...]
    ignored: tuple[tuple[Finding, str], ...] = ()

    def having(self, level: Level) -> Sequence[Finding]:
        """Return the findings of one level."""
        return [finding for finding in self.findings if finding.level is level]

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "understood": list(self.understood),
            "findings": [asdict(finding) for finding in self.findings],
            "ignored": [{**asdict(finding), "reason": reason} for finding, reason in self.ignored],
        }
