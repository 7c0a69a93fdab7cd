"""From a trial's estimated clocks to what its page tells of the evidence: views, lines and words.

Everything is set against the answer: a piece of evidence is apart from it by the lag that it states less the lag that
the estimated clocks have at that time, s. Where a device has no answer, its likeliest offset stands for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock import MOTION, ClockMap, Observation, Stream, TrialClocks
from viodat.clock.least_squares import SKEW_SIGMA_S
from viodat.report.clocks.values import EvidenceLine, Verdict
from viodat.report.clocks.views import BELIEVED, EvidenceRow, EvidenceView
from viodat.report.clocks.wording import evidence_title, listed

FloatArray = NDArray[np.float64]

_PARTLY: Final = 0.2
_MOST_WINDOWS, _LEAST_WINDOWS, _MOST_MARKS = 40, 6, 160
"""In a panel, of one piece of evidence and of all: more cannot be told apart, so neighbours are averaged."""
_LEAST_SHARE: Final = 0.005
_BAND_POINTS: Final = 40
_ROUNDS: Final = 3


class _Answer:
    """The clocks to which everything is relative: the estimated ones, or the likeliest."""

    def __init__(self, clocks: TrialClocks) -> None:
        self.clocks = clocks
        self.likeliest: dict[str, tuple[float, float]] = {}
        for one in clocks.evidence.observations:
            device, best = one.a.device, one.best
            if one.b != MOTION or best is None or device in clocks.clocks:
                continue
            if device not in self.likeliest or best.log_odds > self.likeliest[device][1]:
                self.likeliest[device] = best.lag_s, best.log_odds

    def map_of(self, stream: Stream) -> ClockMap | None:
        clock = self.clocks.clocks.get(stream.device)
        if clock is None:
            likeliest = self.likeliest.get(stream.device)
            return ClockMap(likeliest[0]) if likeliest else None
        # A device without sound has its pictures' clock.
        return clock.of_picture() if stream.kind == "picture" else clock

    def skew_variance(self, device: str) -> float:
        """Variance of a skew, s², by what is known of it from elsewhere; 0 without sound or pictures."""
        clock, alone = self.clocks.clocks.get(device), self.clocks.alone.get(device)
        if clock is None or not clock.skew_sigma_s > 0:
            return 0.0
        told = 1 / clock.skew_sigma_s**2 - (1 / alone.skew_sigma_s**2 if alone is not None else 0.0)
        return float(1 / max(told, 1 / SKEW_SIGMA_S**2))

    def answered(self, one: Observation) -> bool:
        devices = {stream.device for stream in (one.a, one.b) if stream != MOTION}
        return devices <= self.clocks.clocks.keys()

    def mocap_s(self, one: Observation, at_s: FloatArray) -> FloatArray:
        own = self.map_of(one.a)
        return own.apply(at_s) if own is not None else at_s

    def lag_s(self, one: Observation, at_s: FloatArray) -> FloatArray:
        """Give the lag that the clocks have at times on a's clock."""
        at = np.asarray(at_s, dtype=np.float64)
        a = self.map_of(one.a)
        b = ClockMap(0.0) if one.b == MOTION else self.map_of(one.b)
        if a is None or b is None or not (self.answered(one) or one.b == MOTION):
            best = one.best
            return np.full(at.shape, best.lag_s if best is not None else 0.0)
        return np.asarray(device_time(b, a.apply(at)) - at)


def device_time(clock: ClockMap, mocap_s: FloatArray) -> FloatArray:
    """Device time, s, at mocap times, s: the inverse of the clock, also where it is a broken line."""
    mocap = np.asarray(mocap_s, dtype=np.float64)
    slope = 1 + clock.drift_ppm * 1e-6
    at = (mocap - clock.offset_s) / slope
    # A broken line is hardly bent, so a few steps with the mean slope reach nanoseconds.
    for _ in range(_ROUNDS if clock.knots_s else 0):
        at = at + (mocap - clock.apply(at)) / slope
    return np.asarray(at)


def evidence_rows(clocks: TrialClocks, span_s: tuple[float, float]) -> tuple[EvidenceRow, ...]:
    """Make one row of views per kind of evidence that says anything, in the order of the registry.

    Parameters
    ----------
    clocks
        With the evidence's curves.
    span_s
        First and last frame of the motion, s.
    """
    answer = _Answer(clocks)
    rows: dict[tuple[str, str, bool], list[EvidenceView]] = {}
    streams: dict[tuple[str, str, bool], list[Stream]] = {}
    alike = Counter(_kind(one) for one in clocks.evidence.observations)
    for number, one in enumerate(clocks.evidence.observations):
        key = _kind(one)
        view = _view(answer, number, one, min(_MOST_WINDOWS, max(_MOST_MARKS // alike[key], _LEAST_WINDOWS)))
        if view.speaks:
            rows.setdefault(key, []).append(view)
            streams.setdefault(key, []).append(one.a)
    return tuple(
        EvidenceRow(*evidence_title(*key), tuple(views), *_band(answer, streams[key] if key[2] else [], span_s))
        for key, views in rows.items()
    )


def _kind(one: Observation) -> tuple[str, str, bool]:
    return one.method, one.a.kind, one.b == MOTION


def _view(answer: _Answer, number: int, one: Observation, most: int) -> EvidenceView:
    chosen = answer.clocks.believed.get(number)
    at = np.array(one.at_s)
    expected = float(answer.lag_s(one, at))
    hypotheses = one.hypotheses
    times, left, sigma = _left(answer, one, chosen, most)
    curve = one.curve
    return EvidenceView(
        device=one.a.device,
        other=one.b.device,
        answered=answer.answered(one),
        lags_s=curve.lag_s - expected if curve is not None else np.empty(0),
        log_likelihood=curve.log_likelihood if curve is not None else np.empty(0),
        apart_s=np.array([each.lag_s - expected for each in hypotheses]),
        sigma_s=np.array([each.sigma_s for each in hypotheses]),
        log_odds=np.array([each.log_odds for each in hypotheses]),
        chosen=chosen,
        belief=answer.clocks.used.get(number, 0.0),
        times_s=times,
        left_s=left,
        left_sigma_s=sigma,
    )


def _left(
    answer: _Answer, one: Observation, chosen: int | None, most: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the windows' times on the mocap clock, what is left there, and its sigma.

    Windows belong to the best hypothesis; where another one was believed, it stands alone in the middle.
    """
    windows = one.windows
    if not one.hypotheses or (windows is None and chosen is None):
        return np.empty(0), np.empty(0), np.empty(0)
    if windows is None or chosen not in (None, 0):
        said, at = one.hypotheses[chosen or 0], np.array([one.at_s])
        return answer.mocap_s(one, at), said.lag_s - answer.lag_s(one, at), np.array([said.sigma_s])
    known = np.isfinite(windows.lag_s) & (windows.sigma_s > 0)
    at = windows.at_s[known]
    return _fewer(answer.mocap_s(one, at), windows.lag_s[known] - answer.lag_s(one, at), windows.sigma_s[known], most)


def _fewer(
    times_s: FloatArray, left_s: FloatArray, sigma_s: FloatArray, most: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Average neighbouring windows by their precision where there are more than can be seen."""
    if len(times_s) <= most:
        return times_s, left_s, sigma_s
    first = np.unique(np.linspace(0, len(times_s), most, endpoint=False).astype(int))
    weight = 1 / np.square(sigma_s)
    total = np.add.reduceat(weight, first)
    return (
        np.add.reduceat(weight * times_s, first) / total,
        np.add.reduceat(weight * left_s, first) / total,
        1 / np.sqrt(total),
    )


def _band(answer: _Answer, streams: list[Stream], span_s: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    maps = [clock for stream in streams if stream.device in answer.clocks.clocks and (clock := answer.map_of(stream))]
    if not maps:
        return np.empty(0), np.empty(0)
    times = np.linspace(*span_s, _BAND_POINTS)
    sigmas = np.array([clock.sigma_s(device_time(clock, times)) for clock in maps])
    return times, np.median(sigmas, axis=0)


def evidence_lines(clocks: TrialClocks) -> tuple[EvidenceLine, ...]:
    """One line per piece of evidence, in the order in which they were asked."""
    answer = _Answer(clocks)
    lines = []
    for number, one in enumerate(clocks.evidence.observations):
        title, _ = evidence_title(one.method, one.a.kind, one.b == MOTION)
        chosen = clocks.believed.get(number)
        if not one.hypotheses:
            lines.append(EvidenceLine(title, str(one.a), str(one.b), notes=one.notes))
            continue
        said = one.hypotheses[chosen or 0]
        apart = said.lag_s - float(answer.lag_s(one, np.array(one.at_s))) if answer.answered(one) else float("nan")
        belief = clocks.used.get(number, float("nan"))
        lines.append(
            EvidenceLine(
                title,
                str(one.a),
                str(one.b),
                said.lag_s,
                said.sigma_s,
                said.log_odds,
                apart,
                belief,
                _verdict(belief, contradicts=number in clocks.contradicting),
                one.notes,
            )
        )
    return tuple(lines)


def _verdict(belief: float, *, contradicts: bool) -> Verdict:
    if belief == belief:
        if belief >= BELIEVED:
            return "used"
        return "used in part" if belief >= _PARTLY else "hardly believed"
    return "contradicts" if contradicts else "not used"


def rests_on(clocks: TrialClocks) -> dict[str, str]:
    """Say of each device with an answer what it follows from, in words.

    Parameters
    ----------
    clocks
        As estimated with the other trials of the session.

    Returns
    -------
    dict
        Device -> for its offset each kind of evidence with its share of the information (the inverse variance of what
        all devices of a tied group brought, what they err by alike counted once); to which devices it is tied, and
        which share of what is known of its drift and skew this trial brought.
    """
    answer = _Answer(clocks)
    observations = clocks.evidence.observations
    groups = _tied(clocks)
    words = {}
    for device, clock in clocks.clocks.items():
        group = groups[device]
        used = {n: observations[n] for n in clocks.used if observations[n].a.device in group}
        parts = [said] if (said := _said_of_offset(_shares(answer, used), used, device, len(group))) else []
        if others := sorted(group - {device}):
            ties = {
                observations[n].a.kind
                for n, belief in clocks.used.items()
                if belief > _PARTLY
                and observations[n].b != MOTION
                and device in (observations[n].a.device, observations[n].b.device)
            }
            parts.append(f"tied by {listed(sorted(ties, reverse=True)) or 'others'} to {listed(others)}")
        own = clocks.alone.get(device)
        if own is not None:
            shares_of = {"drift": _own_share(clock.drift_sigma_ppm, own.drift_sigma_ppm)}
            if clock.skew_sigma_s > 0:
                shares_of["skew"] = _own_share(clock.skew_sigma_s, own.skew_sigma_s)
            told = [f"{_percent(share)} of its {what}" for what, share in shares_of.items()]
            parts.append(f"this trial tells {' and '.join(told)}, other trials and what is usual the rest")
        words[device] = "; ".join(parts)
    return words


def _said_of_offset(
    shares: Mapping[tuple[str, str], float], used: Mapping[int, Observation], device: str, together: int
) -> str:
    """Say what an offset rests on, the most first; of a tied group all kinds count, also those that others brought."""
    own = {(one.method, one.a.kind) for one in used.values() if one.a.device == device}
    told = []
    for key, share in sorted(shares.items(), key=lambda one: -one[1]):
        title = evidence_title(*key, True)[0]
        told.append(f"{title[0].lower()}{title[1:]} {_percent(share)}{'' if key in own else ' (not its own)'}")
    counted = ", all devices that are tied counted together" if together > 1 else ""
    return f"its offset rests on {', '.join(told)}{counted}" if told else ""


def _own_share(sigma: float, alone: float) -> float:
    """Share of what is known that the trial brought by itself, in terms of precision."""
    return min((sigma / alone) ** 2, 1.0) if alone > 0 else 0.0


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %") if share >= _LEAST_SHARE else "hardly any"


def _tied(clocks: TrialClocks) -> dict[str, set[str]]:
    """Device -> all devices of its group, itself among them: those that believed evidence ties together."""
    groups = {device: {device} for device in clocks.evidence.devices}
    for number, belief in clocks.used.items():
        one = clocks.evidence.observations[number]
        if one.b == MOTION or belief <= _PARTLY:
            continue
        together = groups[one.a.device] | groups[one.b.device]
        for device in together:
            groups[device] = together
    return groups


def _shares(answer: _Answer, used: Mapping[int, Observation]) -> dict[tuple[str, str], float]:
    """Give kinds of evidence against the motion, (method, stream), and their shares of what is known of the offset."""
    own: dict[tuple[str, Stream], float] = {}
    common: dict[tuple[str, str], float] = {}
    for number, one in used.items():
        chosen, belief = answer.clocks.believed.get(number), answer.clocks.used[number]
        if one.b != MOTION or chosen is None or belief <= _PARTLY:
            continue
        least = 1e-4 * one.hypotheses[chosen].sigma_s
        variance = max(one.hypotheses[chosen].sigma_s ** 2 - one.common_sigma_s**2, least**2)
        own[one.method, one.a] = own.get((one.method, one.a), 0.0) + belief / variance
        key = one.method, one.a.kind
        common[key] = max(common.get(key, 0.0), one.common_sigma_s**2)
    by_kind: dict[tuple[str, str], float] = {}
    for (method, stream), precision in own.items():
        if stream.kind == "picture":
            # The clock is that of the sound, from which all that is seen by a device is as far as its skew.
            seen = sum(each for (_, other), each in own.items() if other == stream)
            precision /= 1 + answer.skew_variance(stream.device) * seen
        by_kind[method, stream.kind] = by_kind.get((method, stream.kind), 0.0) + precision
    information = {key: 1 / (common[key] + 1 / each) for key, each in by_kind.items() if each > 0}
    whole = sum(information.values())
    return {key: value / whole for key, value in information.items()}
