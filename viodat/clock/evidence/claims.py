"""What somebody or a file says of a clock: an offset in capture.toml, MOVIE_DELAY of the C3D, a time code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from viodat.clock.inputs import TrialEvidence
from viodat.clock.observations import MOTION, Hypothesis, Observation, Stream

_SPAN_S: Final = 20.0
_MEANT: Final = 6.0
"""Nobody states the offset of a recording of something else: that somebody does says that the two belong together."""
_WRONG: Final = 0.05
"""Share of such statements that are wrong altogether: a sign, a copied line, another trial's."""


def claims(trial: TrialEvidence) -> Iterator[Observation]:
    """Give each claim as one hypothesis with its own sigma."""
    for device in trial.devices:
        if device.sound is None and device.picture is None:
            continue
        for claim in device.claims:
            heard = device.sound is not None and (device.picture is None or not claim.of_picture)
            yield Observation(
                claim.source,
                Stream(device.name, "sound" if heard else "picture"),
                MOTION,
                (Hypothesis(claim.offset_s, claim.sigma_s, _MEANT),),
                span_s=_SPAN_S,
                miss=_WRONG,
                common_sigma_s=0.0,
            )
