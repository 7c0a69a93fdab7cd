"""``viodat check RAW``: what is wrong with a capture, before any work is done.

A check is a value in a registry: what it looks at, why it matters, how to mend what it finds, and a function that
gives findings. Adding one = one function and one entry in its module's ``CHECKS``.
"""

from __future__ import annotations

from viodat.build.checks.finding import Check, Finding, Level
from viodat.build.checks.registry import CHECKS, CheckReport
from viodat.build.checks.run import check_capture

__all__ = ["CHECKS", "Check", "CheckReport", "Finding", "Level", "check_capture"]
