"""Kinds of evidence by name.

To add one: a function from a trial to observations, and its entry here or by :func:`register_evidence`; the contract
tests and the joint estimate take it up by themselves.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Final

from viodat.clock.inputs import TrialEvidence
from viodat.clock.observations import Observation
from viodat.errors import ConfigError

Evidence = Callable[[TrialEvidence], Iterable[Observation]]
"""Looks at a trial and says what it finds; it raises nothing for a trial that offers nothing."""

_BUILT_IN: Final = {
    "claims": "viodat.clock.evidence.claims:claims",
    "sound": "viodat.clock.evidence.sound:sound",
    "analog": "viodat.clock.evidence.analog:analog",
    "clap": "viodat.clock.evidence.clap:clap",
    "playing": "viodat.clock.evidence.playing:playing",
    "vibrato": "viodat.clock.evidence.vibrato:vibrato",
    "picture": "viodat.clock.evidence.picture:picture",
    "cameras": "viodat.clock.evidence.cameras:cameras",
}
_ADDED: dict[str, Evidence] = {}


def register_evidence(name: str, evidence: Evidence) -> None:
    """Add a kind of evidence.

    Raises
    ------
    ConfigError
        The name is taken.
    """
    if name in evidence_names():
        raise ConfigError(f"there is evidence named {name!r} already", mend="Choose another name.")
    _ADDED[name] = evidence


def evidence_names() -> tuple[str, ...]:
    """Give the names of all kinds of evidence, in the order in which they are asked."""
    return (*_BUILT_IN, *_ADDED)


def find_evidence(name: str) -> Evidence:
    """Give a kind of evidence.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    if name in _ADDED:
        return _ADDED[name]
    if name not in _BUILT_IN:
        raise ConfigError(f"there is no evidence {name!r}", mend=f"Known are {', '.join(evidence_names())}.")
    module, _, function = _BUILT_IN[name].partition(":")
    found: Evidence = getattr(importlib.import_module(module), function)
    return found
