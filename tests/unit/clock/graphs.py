"""Small graphs of observations with known answers, for the tests of what is made of them."""

from __future__ import annotations

import numpy as np

from viodat.clock.estimate import Evidence
from viodat.clock.observations import MOTION, Hypothesis, Observation, Stream, Windows


def sound(device):
    return Stream(device, "sound")


def picture(device):
    return Stream(device, "picture")


def seen(a, b=MOTION, lag_s=0.0, sigma_s=0.002, log_odds=20.0, *, method="playing", at_s=6.0, **more):
    """One observation with one hypothesis."""
    return Observation(method, a, b, (Hypothesis(lag_s, sigma_s, log_odds),), at_s=at_s, **more)


def in_windows(a, b, at_s, lag_s, sigma_s, *, common_sigma_s=0.0, log_odds=20.0, method="playing", **more):
    """One observation whose windows weigh together what its hypothesis does."""
    at, lag = np.asarray(at_s, dtype=float), np.asarray(lag_s, dtype=float)
    own = np.broadcast_to(sigma_s, at.shape).astype(float)
    known = np.isfinite(lag)
    together = 1 / np.sqrt(np.square(1 / own[known]).sum())
    best = Hypothesis(float(np.mean(lag[known])), float(np.hypot(together, common_sigma_s)), log_odds)
    return Observation(
        method,
        a,
        b,
        (best,),
        at_s=float(np.mean(at[known])),
        common_sigma_s=common_sigma_s,
        windows=Windows(at, lag, own),
        **more,
    )


def evidence_of(*observations, with_sound=None, with_picture=None, devices=()):
    """Evidence of the devices that the observations name; a device has what it was observed with."""
    streams = [stream for one in observations for stream in (one.a, one.b) if stream != MOTION]
    names = tuple(dict.fromkeys([*devices, *(stream.device for stream in streams)]))

    def having(kind):
        return frozenset(stream.device for stream in streams if stream.kind == kind)

    return Evidence(
        names,
        having("sound") if with_sound is None else frozenset(with_sound),
        having("picture") if with_picture is None else frozenset(with_picture),
        tuple(observations),
    )
