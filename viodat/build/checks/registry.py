"""All checks, and the report that running them gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from viodat.build.checks import capture, recording, trial
from viodat.build.checks.finding import Check, Finding, Level

CHECKS: Final[dict[str, Check[Any]]] = {
    check.id: check for module in (capture, trial, recording) for check in module.CHECKS
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
