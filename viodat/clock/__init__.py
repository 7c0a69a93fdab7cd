"""When it happened: every device's clock against the mocap clock, with its uncertainty."""

from __future__ import annotations

from viodat.clock.estimate import Evidence, TrialClocks, estimate_clocks, gather, solve_trial
from viodat.clock.evidence.registry import evidence_names, register_evidence
from viodat.clock.hearing import Hearing
from viodat.clock.inputs import Claim, Device, Motion, Picture, TrialEvidence, motion_of
from viodat.clock.least_squares import DevicePrior
from viodat.clock.model import ClockMap
from viodat.clock.observations import MOTION, Curve, Hypothesis, Observation, Stream, Windows
from viodat.clock.session import neighbours_priors, session_priors, solve_session

__all__ = [
    "MOTION",
    "Claim",
    "ClockMap",
    "Curve",
    "Device",
    "DevicePrior",
    "Evidence",
    "Hearing",
    "Hypothesis",
    "Motion",
    "Observation",
    "Picture",
    "Stream",
    "TrialClocks",
    "TrialEvidence",
    "Windows",
    "estimate_clocks",
    "evidence_names",
    "gather",
    "motion_of",
    "neighbours_priors",
    "register_evidence",
    "session_priors",
    "solve_session",
    "solve_trial",
]
