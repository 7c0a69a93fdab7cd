"""When it happened: every device's clock against the mocap clock, with its uncertainty."""

from __future__ import annotations

from viodat.clock.model import ClockMap

__all__ = ["ClockMap"]
