"""A simulated lab: a violinist with known truth, recorded in the real file formats.

It imports none of the estimators nor the readers, so what is measured against its truth is measured against
code that knows nothing of them.
"""

from __future__ import annotations

from viodat.synth.demo import write_demo_capture

__all__ = ["write_demo_capture"]
