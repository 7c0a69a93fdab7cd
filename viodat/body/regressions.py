"""Hip and shoulder centres from published regressions: where the joint is in people of this size, not in this person.

A regression gives the centre in an anatomical frame of the trunk, and the frame's markers carry it along, frame by
frame. Positions are mm, NaN where a marker of the frame is missing. Frames: x forward, y to the left, z up. Pelvis:
origin midway between the anterior superior iliac spines, axes of Plug-in Gait. Thorax: axes of Plug-in Gait, origin
the marker on the acromion.

Published regressions begin at the bone or the skin over it, markers stand on it: a landmark lies one marker radius
under its marker's centre, straight back for the anterior spines and straight forwards for the posterior ones. So the
pelvis' origin is moved back by a radius and its depth is shorter than the distance of the markers by two. The
tissue between skin and bone (10 ± 7 mm in front, 20 ± 11 mm behind; Mantovani 2016) is not known and not corrected.

Sources: Davis et al. 1991 (Hum Mov Sci 10:575); Harrington et al. 2007 (J Biomech 40:595); Hara et al. 2016 (Sci Rep
6:37707); Rab et al. 2002 (Gait Posture 15:113); Mantovani et al. 2016 (Gait Posture 44:48) for what to expect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray, finite_or_nan, midpoint, pelvis_axes, thorax_axes
from viodat.body.plug_in_gait import SIDES, Side, listed, marker_diameter, measured_length, plug_in_gait
from viodat.capture.markers import MarkerTrial
from viodat.capture.spelling import did_you_mean
from viodat.errors import BodyError, ConfigError, counted

RAB_SHARE: Final = 0.17
"""How far the shoulder's centre is under the acromion, in distances of the two acromia (Rab et al. 2002)."""


@dataclass(frozen=True)
class RegressedCentre:
    """A joint centre by a regression.

    Attributes
    ----------
    joint
        One of :data:`viodat.joints.JOINTS`: ``left_pelvis`` is the left hip.
    method
        Such as ``regression:harrington``.
    position_mm
        (F, 3) mm, the trial's world frame; NaN where a marker of the anatomical frame is missing.
    local_mm
        (3,) mm in the anatomical frame, from its origin: x forward, y to the left, z up. For Davis' hip, whose origin
        is between the markers themselves, from there.
    sigma_mm
        (3,) mm: error to expect against imaging, one standard deviation along x, y, z, bias included.
    sigma_source
        Where that comes from.
    """

    joint: str
    method: str
    position_mm: FloatArray
    local_mm: FloatArray
    sigma_mm: FloatArray
    sigma_source: str


@dataclass(frozen=True)
class Pelvis:
    """What a regression of the hip needs to know of one side.

    Attributes
    ----------
    depth_mm
        From the middle of the anterior to that of the posterior iliac spines (or the sacral marker), on the skin.
    width_mm
        Between the anterior iliac spines.
    leg_mm
        Leg length of this side; NaN where it was not measured.
    """

    depth_mm: float
    width_mm: float
    leg_mm: float


@dataclass(frozen=True)
class HipRegression:
    """A regression of the hip.

    Attributes
    ----------
    place
        Gives x forward, lateral (away from the midline) and z up, mm, from the middle of the anterior iliac spines;
        None for Davis', which Plug-in Gait computes with its own marker correction.
    needs_leg
        Whether it uses leg lengths.
    sigma_mm, sigma_source
        As in :class:`RegressedCentre`.
    source
        Paper.
    """

    place: Callable[[Pelvis], tuple[float, float, float]] | None
    needs_leg: bool
    sigma_mm: tuple[float, float, float]
    sigma_source: str
    source: str


@dataclass(frozen=True)
class ShoulderRegression:
    """A rule for the shoulder: how far its centre lies under the acromion marker along the thorax's vertical.

    Attributes
    ----------
    drop
        From (trial, static or None, measurements, side): mm, or NaN with the reason in words.
    sigma_mm, sigma_source
        As in :class:`RegressedCentre`.
    source
        Paper.
    """

    drop: Callable[[MarkerTrial, MarkerTrial | None, Mapping[str, float], Side], tuple[float, str]]
    sigma_mm: tuple[float, float, float]
    sigma_source: str
    source: str


def _harrington(pelvis: Pelvis) -> tuple[float, float, float]:
    depth, width, leg = pelvis.depth_mm, pelvis.width_mm, pelvis.leg_mm
    return -0.24 * depth - 9.9, 0.28 * depth + 0.16 * width + 7.9, -0.16 * width - 0.04 * leg - 7.1


def _harrington_width(pelvis: Pelvis) -> tuple[float, float, float]:
    return -0.24 * pelvis.depth_mm - 9.9, 0.33 * pelvis.width_mm + 7.3, -0.30 * pelvis.width_mm - 10.9


def _hara(pelvis: Pelvis) -> tuple[float, float, float]:
    leg = pelvis.leg_mm
    return 11.0 - 0.063 * leg, 8.0 + 0.086 * leg, -9.0 - 0.078 * leg


def _interacromial_share(
    trial: MarkerTrial, static: MarkerTrial | None, measurements: Mapping[str, float], side: Side
) -> tuple[float, str]:
    apart = _median_length(trial, static, lambda t: t.marker("LSHO") - t.marker("RSHO"))
    return RAB_SHARE * apart + marker_diameter(measurements) / 2, "markers LSHO and RSHO are never there together"


def _measured_offset(
    trial: MarkerTrial, static: MarkerTrial | None, measurements: Mapping[str, float], side: Side
) -> tuple[float, str]:
    name = f"shoulder_offset_{side}_mm"
    return measured_length(measurements, name) + marker_diameter(measurements) / 2, f"measurement {name} is missing"


HIP_REGRESSIONS: Final[Mapping[str, HipRegression]] = {
    "davis": HipRegression(
        None,
        needs_leg=True,
        sigma_mm=(14.9, 14.9, 14.9),
        sigma_source="25.0 ± 6.7 mm against CT of 67 adults (Mantovani 2016); root mean square, shared by the axes",
        source="Davis et al. 1991",
    ),
    "harrington": HipRegression(
        _harrington,
        needs_leg=True,
        sigma_mm=(7.9, 7.9, 7.9),
        sigma_source="12.3 ± 5.9 mm against CT of 67 adults (Mantovani 2016); root mean square, shared by the axes",
        source="Harrington et al. 2007",
    ),
    "harrington-width": HipRegression(
        _harrington_width,
        needs_leg=False,
        sigma_mm=(7.9, 7.9, 7.9),
        sigma_source="taken to be that of 'harrington': no figure of its own found",
        source="Harrington et al. 2007, the equations of one variable each",
    ),
    "hara": HipRegression(
        _hara,
        needs_leg=True,
        sigma_mm=(9.9, 7.2, 8.4),
        sigma_source=(
            "5.2, 3.8, 4.4 mm in cross-validation on its own CT scans, times 1.9: as much worse as Harrington's "
            "regression is on Mantovani's scans than in its own cross-validation"
        ),
        source="Hara et al. 2016",
    ),
}
"""Every regression of the hip, by the name that :func:`hip_centres` takes."""

_NO_FIGURE: Final = "no figure against imaging found: 10 mm on each axis is viodat's assumption"

SHOULDER_REGRESSIONS: Final[Mapping[str, ShoulderRegression]] = {
    "rab": ShoulderRegression(_interacromial_share, (10.0, 10.0, 10.0), _NO_FIGURE, "Rab et al. 2002"),
    "offset": ShoulderRegression(
        _measured_offset, (10.0, 10.0, 10.0), _NO_FIGURE, "Vicon, Plug-in Gait Reference Guide (the measurement)"
    ),
}
"""Every rule for the shoulder, by the name that :func:`shoulder_centres` takes."""


def hip_centres(
    trial: MarkerTrial, measurements: Mapping[str, float], method: str, *, static: MarkerTrial | None = None
) -> dict[Side, RegressedCentre]:
    """Give both hip joint centres by a published regression.

    Parameters
    ----------
    trial
        Markers LASI, RASI, and LPSI with RPSI or SACR in their place.
    measurements
        ``leg_length_left_mm`` and ``leg_length_right_mm``, save for ``harrington-width``; ``marker_diameter_mm`` (14
        where absent); for ``davis`` all that :func:`viodat.body.plug_in_gait.plug_in_gait` uses.
    method
        A key of :data:`HIP_REGRESSIONS`.
    static
        A static trial of the same session: there the pelvis is measured, else in ``trial``.

    Returns
    -------
    dict
        ``left`` and ``right``.

    Raises
    ------
    BodyError
        A marker is missing in all frames, or a measurement is missing.
    ConfigError
        There is no such method.

    Notes
    -----
    Width and depth of the pelvis are medians of the markers' distances, also where an inter-ASIS distance was
    measured: the depth can only come from the markers, and the origin is between them. ``davis`` uses the measured
    one, as Vicon does.
    """
    if method not in HIP_REGRESSIONS:
        raise ConfigError(
            f"there is no hip regression {method!r}", mend=did_you_mean(method, HIP_REGRESSIONS, "hip regressions")
        )
    regression = HIP_REGRESSIONS[method]
    back = _pelvis_back(trial)
    _present(trial, ("LASI", "RASI"), f"hip regression {method!r}")
    if not np.isfinite(back(trial)).any():
        raise BodyError(
            f"markers LPSI and RPSI (or SACR in their place) are missing in all {counted(trial.n_frames, 'frame')}; "
            f"hip regression {method!r} needs them",
            where=trial.source,
            mend="Map the labels in capture.toml [markers.labels], or use another method.",
        )
    legs = {side: measured_length(measurements, f"leg_length_{side}_mm") for side in SIDES}
    unmeasured = [f"leg_length_{side}_mm" for side in SIDES if np.isnan(legs[side])]
    if unmeasured and regression.needs_leg:
        raise _unmeasured(unmeasured, f"hip regression {method!r}", trial)
    origin, *axes = pelvis_axes(trial.marker("LASI"), trial.marker("RASI"), back(trial))
    radius = marker_diameter(measurements) / 2
    depth = _median_length(trial, static, lambda t: midpoint(t.marker("LASI"), t.marker("RASI")) - back(t)) - 2 * radius
    width = _median_length(trial, static, lambda t: t.marker("LASI") - t.marker("RASI"))
    found: dict[Side, RegressedCentre] = {}
    davis = plug_in_gait(trial, measurements, static).centres if regression.place is None else {}
    for side in SIDES:
        joint = f"{side}_pelvis"
        if regression.place is None:
            position = davis[joint]
            local = _median_local(position - origin, axes)
        else:
            forward, lateral, up = regression.place(Pelvis(depth, width, legs[side]))
            local = np.array([forward, lateral if side == "left" else -lateral, up])
            position = _placed(origin - radius * axes[0], axes, local)
        found[side] = RegressedCentre(
            joint, f"regression:{method}", position, local, np.array(regression.sigma_mm), regression.sigma_source
        )
    return found


def shoulder_centres(
    trial: MarkerTrial, measurements: Mapping[str, float], method: str, *, static: MarkerTrial | None = None
) -> dict[Side, RegressedCentre]:
    """Give both shoulder joint centres by a rule that starts from the acromion.

    Parameters
    ----------
    trial
        Markers C7, T10, CLAV, STRN, LSHO and RSHO.
    measurements
        ``marker_diameter_mm`` (14 where absent); for ``offset`` also ``shoulder_offset_left_mm`` and
        ``shoulder_offset_right_mm``.
    method
        A key of :data:`SHOULDER_REGRESSIONS`. ``rab``: under the skin of the acromion by 0.17 distances of the
        acromia; ``offset``: under it by the measured shoulder offset; both along the thorax's vertical.
    static
        A static trial of the same session: there the distance of the acromia is measured, else in ``trial``.

    Returns
    -------
    dict
        ``left`` and ``right``.

    Raises
    ------
    BodyError
        A marker is missing in all frames, or a measurement is missing.
    ConfigError
        There is no such method.

    Notes
    -----
    The rule holds for a hanging arm. As the arm is raised the acromion turns with the scapula and the thorax' vertical
    no longer points from it to the joint: take the place from a static pose and carry it along with a cluster on the
    shoulder, where there is one.
    """
    if method not in SHOULDER_REGRESSIONS:
        raise ConfigError(
            f"there is no shoulder regression {method!r}",
            mend=did_you_mean(method, SHOULDER_REGRESSIONS, "shoulder regressions"),
        )
    regression, user = SHOULDER_REGRESSIONS[method], f"shoulder regression {method!r}"
    _present(trial, ("C7", "T10", "CLAV", "STRN", "LSHO", "RSHO"), user)
    drops = {side: regression.drop(trial, static, measurements, side) for side in SIDES}
    reasons = sorted({reason for drop, reason in drops.values() if np.isnan(drop)})
    if reasons:
        raise BodyError(
            f"{'; '.join(reasons)}; {user} needs it",
            where=trial.source,
            mend="Add it to participants.csv, or use another method.",
        )
    axes = list(thorax_axes(*(trial.marker(label) for label in ("C7", "T10", "CLAV", "STRN"))))
    found: dict[Side, RegressedCentre] = {}
    for side in SIDES:
        local = np.array([0.0, 0.0, -drops[side][0]])
        position = _placed(trial.marker(f"{side[0].upper()}SHO"), axes, local)
        found[side] = RegressedCentre(
            f"{side}_shoulder",
            f"regression:{method}",
            position,
            local,
            np.array(regression.sigma_mm),
            regression.sigma_source,
        )
    return found


def _placed(origin: FloatArray, axes: list[FloatArray], local: FloatArray) -> FloatArray:
    return finite_or_nan(origin + sum(part * axis for part, axis in zip(local, axes, strict=True)))


def _median_local(away: FloatArray, axes: list[FloatArray]) -> FloatArray:
    """(3,) mm: median over the frames of vectors (F, 3) along the axes of their frames; NaN if there is none."""
    along = np.stack([np.sum(away * axis, axis=-1) for axis in axes], axis=-1)
    along = along[np.isfinite(along).all(axis=-1)]
    return np.median(along, axis=0) if len(along) else np.full(3, np.nan)


def _median_length(
    trial: MarkerTrial, static: MarkerTrial | None, between: Callable[[MarkerTrial], FloatArray]
) -> float:
    """Median length of a vector (F, 3) in the static trial, in the trial itself where that has none; NaN if neither."""
    for source in (static, trial):
        if source is not None:
            lengths = np.linalg.norm(between(source), axis=-1)
            lengths = lengths[np.isfinite(lengths)]
            if lengths.size:
                return float(np.median(lengths))
    return float("nan")


def _pelvis_back(trial: MarkerTrial) -> Callable[[MarkerTrial], FloatArray]:
    """Give the rule for the back of the pelvis, one for trial and static trial: the pair where ever there, or SACR."""
    pair = midpoint(trial.marker("LPSI"), trial.marker("RPSI"))
    if np.isfinite(pair).any():
        return lambda t: midpoint(t.marker("LPSI"), t.marker("RPSI"))
    return lambda t: t.marker("SACR")


def _present(trial: MarkerTrial, labels: tuple[str, ...], user: str) -> None:
    absent = [label for label in labels if not np.isfinite(trial.marker(label)).any()]
    if absent:
        one = len(absent) == 1
        raise BodyError(
            f"marker{'' if one else 's'} {listed(absent)} {'is' if one else 'are'} missing in all "
            f"{counted(trial.n_frames, 'frame')}; {user} needs {'it' if one else 'them'}",
            where=trial.source,
            mend="Map the labels in capture.toml [markers.labels], or use another method.",
        )


def _unmeasured(names: list[str], user: str, trial: MarkerTrial) -> BodyError:
    one = len(names) == 1
    return BodyError(
        f"measurement{'' if one else 's'} {listed(names)} {'is' if one else 'are'} missing; {user} needs "
        f"{'it' if one else 'them'}",
        where=trial.source,
        mend="Add it to participants.csv, or use another method.",
    )
