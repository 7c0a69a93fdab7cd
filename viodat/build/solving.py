"""What one trial says of its devices by itself, and its clocks with what others say, or where that fails without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from viodat.build.faults import reason_of
from viodat.clock import DevicePrior, Evidence, TrialClocks, solve_trial


@dataclass(frozen=True)
class Drift:
    """Drift and skew by device as a trial alone has them, and why that cannot be told."""

    devices: Mapping[str, DevicePrior] = field(default_factory=dict)
    fault: str = ""


def drift_of(evidence: Evidence) -> Drift:
    """Tell drift and skew of a trial's devices by this trial alone."""
    try:
        return Drift(solve_trial(evidence).alone)
    except Exception as error:
        return Drift(fault=reason_of(error))


@dataclass(frozen=True)
class Estimated:
    """The clocks of a trial; None where they are not estimated, and why they cannot be."""

    clocks: TrialClocks | None = None
    fault: str = ""


def estimate(evidence: Evidence, priors: Mapping[str, DevicePrior], why_alone: str = "") -> Estimated:
    """Estimate the clocks with what other trials say; where that fails, with a note, from this trial alone.

    Parameters
    ----------
    evidence
        Of the trial.
    priors
        What the trials recorded around it say of each device.
    why_alone
        Why nothing is known of those; else empty.
    """
    why = why_alone
    if not why:
        try:
            return Estimated(_light(solve_trial(evidence, priors)))
        except Exception as error:
            why = reason_of(error)
    try:
        clocks = solve_trial(evidence)
    except Exception as error:
        return Estimated(fault=reason_of(error))
    note = f"its clocks are less certain, estimated without the other trials, because together they cannot be: {why}"
    return Estimated(_light(replace(clocks, notes={**clocks.notes, "": (*clocks.notes.get("", ()), note)})), why)


def _light(clocks: TrialClocks) -> TrialClocks:
    """Leave the evidence to the step that has it."""
    return replace(clocks, evidence=replace(clocks.evidence, observations=()))
