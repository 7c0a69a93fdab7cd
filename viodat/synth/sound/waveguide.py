"""One bowed string as a digital waveguide, sample by sample.

Two delay lines carry the travelling waves of transverse velocity from the bow to the bridge and to the nut or
finger and back, joined where the bow's friction acts (McIntyre, Schumacher & Woodhouse 1983, "On the oscillations
of musical instruments", J. Acoust. Soc. Am. 74, 1325–1345). The friction curve is a hyperbola, so that its meeting
with the string's load line is a quadratic; where they meet three times, the contact stays in the state it was in
(the same paper: hysteresis, which makes heavy bowing flat). Torsional waves return from either end smeared over
their travelling time, not as a sharp pulse, which is enough for what they do here: soften the contact, take energy
from it, and hold the string at rest in the mean. SI units; delays in samples of the inner rate, which is four
times the audio rate, or the bridge side of a high note would be shorter than the interpolation.
"""

from __future__ import annotations

import math

import numpy as np

from viodat.synth.compiled import compiled
from viodat.synth.vectors import FloatArray

OVERSAMPLING = 4
SHORTEST = 2.0  # samples at the inner rate that four-point interpolation needs
# Hyperbolic friction mu(v) = DYNAMIC + (STATIC - DYNAMIC) * SCALE / (SCALE + |v|): viodat's choice, values
# usual in simulations of bowed strings.
STATIC, DYNAMIC, _SCALE_M_S = 0.8, 0.3, 0.05
# Torsional over transverse impedance and wave speed, and reflection at the ends: viodat's choice.
_TORSION_IMPEDANCE, _TORSION_SPEED, _TORSION_REFLECTION = 3.0, 5.0, 0.8
_SILENCE = 1e-14  # (m/s)²: a string this quiet is at rest


@compiled
def _read(line: FloatArray, newest: int, delay: float) -> float:
    """Third-order Lagrange interpolation in a ring of 2ⁿ samples, ``delay`` ≥ 2 samples before the next one."""
    whole = int(delay)
    x = delay - whole
    mask = line.size - 1
    before = line[(newest - whole + 2) & mask]
    here = line[(newest - whole + 1) & mask]
    after = line[(newest - whole) & mask]
    beyond = line[(newest - whole - 1) & mask]
    return float(
        -x * (x - 1) * (x - 2) / 6 * before
        + (x + 1) * (x - 1) * (x - 2) / 2 * here
        - (x + 1) * x * (x - 2) / 2 * after
        + (x + 1) * x * (x - 1) / 6 * beyond
    )


@compiled
def _slip(relative: float, force: float, softness: float) -> float:
    """Speed of hair against string in m/s (> 0) where the load line meets the sliding curve; 0: they do not meet.

    ``relative`` > 0 is the speed that the string would have without friction, relative to the bow.
    """
    offset = relative - softness * force * DYNAMIC
    root = (offset + _SCALE_M_S) ** 2 - 4 * _SCALE_M_S * softness * force * (STATIC - DYNAMIC)
    if root < 0:
        return 0.0
    return max(0.0, (offset - _SCALE_M_S + math.sqrt(root)) / 2)


@compiled
def run_string(
    out: FloatArray,
    nut_delay: FloatArray,
    bridge_delay: FloatArray,
    gain: FloatArray,
    speed: FloatArray,
    force: FloatArray,
    taps: FloatArray,
    impedance: float,
    pole: float,
) -> None:
    """Add the force on the bridge to ``out`` (4 N,); controls are (N,), ramped linearly in between, SI and samples."""
    size = 1
    longest = float(nut_delay.max())
    while size < longest + 4:
        size *= 2
    to_nut, to_bridge = np.zeros(size), np.zeros(size)
    mask = size - 1
    softness = (1 + 1 / _TORSION_IMPEDANCE) / (2 * impedance)
    newest, filtered, power = 0, 0.0, 0.0
    twist_nut, twist_bridge = 0.0, 0.0  # torsional waves that arrive at the bow, m/s of surface
    slipping = 0  # -1, 0 or 1: the direction in which the string slips past the hair
    for n in range(force.size):
        p = n - 1 if n > 0 else 0
        if force[n] == 0.0 and force[p] == 0.0 and power < _SILENCE and taps[n] == 0.0:
            if filtered != 0.0:
                to_nut[:] = 0.0
                to_bridge[:] = 0.0
                filtered, power, slipping = 0.0, 0.0, 0
                twist_nut, twist_bridge = 0.0, 0.0
            continue
        fresh_nut = 1 / (1 + nut_delay[n] / _TORSION_SPEED)  # a one-pole whose delay is the travelling time
        fresh_bridge = 1 / (1 + bridge_delay[n] / _TORSION_SPEED)
        for k in range(OVERSAMPLING):
            w = (k + 1) / OVERSAMPLING
            from_nut = -(gain[n]) * _read(to_nut, newest, nut_delay[p] + w * (nut_delay[n] - nut_delay[p])) + taps[n]
            arrived = _read(to_bridge, newest, bridge_delay[p] + w * (bridge_delay[n] - bridge_delay[p]))
            filtered = (1 - pole) * arrived + pole * filtered
            incoming = from_nut - filtered
            pressed = force[p] + w * (force[n] - force[p])
            friction = 0.0
            if pressed > 0:
                relative = incoming + twist_nut + twist_bridge - (speed[p] + w * (speed[n] - speed[p]))
                way = 1 if relative > 0 else -1
                holds = abs(relative) <= softness * STATIC * pressed
                if holds and slipping != way:
                    slipping = 0
                else:
                    slide = _slip(abs(relative), pressed, softness)
                    slipping = way if slide > 0 else 0
                    relative -= way * slide
                friction = -relative / softness
            else:
                slipping = 0
            kick = friction / (2 * impedance)
            twist = kick / _TORSION_IMPEDANCE
            # What the bow sends to one side is what comes from the other plus what it adds.
            nut_bound, bridge_bound = twist_bridge + twist, twist_nut + twist
            twist_nut += fresh_nut * (-_TORSION_REFLECTION * nut_bound - twist_nut)
            twist_bridge += fresh_bridge * (-_TORSION_REFLECTION * bridge_bound - twist_bridge)
            newest = (newest + 1) & mask
            to_bridge[newest] = from_nut + kick
            to_nut[newest] = kick - filtered
            out[OVERSAMPLING * n + k] += 2 * impedance * filtered
            power += 0.001 * (filtered * filtered + from_nut * from_nut - power)
