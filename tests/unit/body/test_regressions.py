"""Regressions of hip and shoulder on a figure whose pelvis and thorax are known, numbers worked out by hand."""

import numpy as np
import pytest

from tests.unit.body import figure
from viodat.body.plug_in_gait import plug_in_gait
from viodat.body.regressions import HIP_REGRESSIONS, SHOULDER_REGRESSIONS, hip_centres, shoulder_centres
from viodat.errors import BodyError, ConfigError

LABELS = ("LASI", "RASI", "LPSI", "RPSI", "SACR", "C7", "T10", "CLAV", "STRN", "LSHO", "RSHO")
POINTS, _ = figure.figure(6)

# The figure's pelvis: 250 mm wide, 150 mm deep between 14 mm markers, so 136 mm deep on the skin; legs of 1000 mm.
# Forward, lateral and up from the middle of the markers, of which the first 7 mm back are the marker's radius.
EXPECTED = {
    "harrington": (-7 - 0.24 * 136 - 9.9, 0.28 * 136 + 0.16 * 250 + 7.9, -0.16 * 250 - 0.04 * 1000 - 7.1),
    "harrington-width": (-7 - 0.24 * 136 - 9.9, 0.33 * 250 + 7.3, -0.30 * 250 - 10.9),
    "hara": (-7 + 11 - 63, 8 + 86, -9 - 78),
    "davis": tuple(figure.HIP),
}


def trial(labels=LABELS, points=POINTS, **fields):
    return figure.trial(points, [label for label in LABELS if label in labels], **fields)


def without(*names):
    return {name: value for name, value in figure.measurements().items() if name not in names}


def in_pelvis(position):
    """(F, 3) mm from the middle of LASI and RASI: forward, left, up."""
    middle = (POINTS["LASI"] + POINTS["RASI"]) / 2
    left = (POINTS["LASI"] - POINTS["RASI"]) / 250
    forward = (middle - POINTS["SACR"]) / 150
    axes = np.stack([forward, left, np.cross(forward, left)], axis=1)
    return np.einsum("fij,fj->fi", axes, position - middle)


@pytest.mark.parametrize("method", HIP_REGRESSIONS)
@pytest.mark.parametrize("back", [("LPSI", "RPSI"), ("SACR",)])
def test_hips_lie_where_the_equations_say(method, back):
    found = hip_centres(trial(("LASI", "RASI", *back)), figure.measurements(), method)
    for side, sign in (("left", 1), ("right", -1)):
        assert found[side].joint == f"{side}_pelvis"
        assert found[side].method == f"regression:{method}"
        expected = np.array(EXPECTED[method]) * [1, sign, 1]
        np.testing.assert_allclose(in_pelvis(found[side].position_mm), np.tile(expected, (6, 1)), rtol=0, atol=1e-9)
        origin = [0, 0, 0] if method == "davis" else [7, 0, 0]
        np.testing.assert_allclose(found[side].local_mm, expected + origin, rtol=0, atol=1e-9)


def test_davis_is_that_of_plug_in_gait():
    whole = trial()
    found = hip_centres(whole, figure.measurements(), "davis")
    pig = plug_in_gait(whole, figure.measurements()).centres
    np.testing.assert_array_equal(found["left"].position_mm, pig["left_pelvis"])
    np.testing.assert_array_equal(found["right"].position_mm, pig["right_pelvis"])


def test_each_side_has_its_own_leg():
    found = hip_centres(trial(), {**figure.measurements(), "leg_length_left_mm": 900.0}, "hara")
    np.testing.assert_allclose(found["left"].local_mm, [11 - 0.063 * 900, 8 + 0.086 * 900, -9 - 0.078 * 900])
    np.testing.assert_allclose(found["right"].local_mm, [11 - 63, -94, -87])


def test_the_pelvis_is_measured_in_the_static_trial():
    wide = {label: point.copy() for label, point in POINTS.items()}
    wide["LASI"] += 20 * (wide["LASI"] - wide["RASI"]) / 250
    static = trial(points=wide)
    found = hip_centres(trial(), figure.measurements(), "harrington-width", static=static)
    assert found["left"].local_mm[1] == pytest.approx(0.33 * 270 + 7.3)
    empty = trial(("C7", "LASI"), points=wide)
    found = hip_centres(trial(), figure.measurements(), "harrington-width", static=empty)
    assert found["left"].local_mm[1] == pytest.approx(0.33 * 250 + 7.3)


# The figure's acromia stand off its shoulders, 180 mm beside the midline, by 52 mm in the direction (15, 180) outwards
# and up: 2 (180 + 52 · 15 / |(15, 180)|) mm apart.
ACROMIA = 2 * (180 + 52 * 15 / np.hypot(15, 180))


@pytest.mark.parametrize(("method", "drop"), [("rab", 0.17 * ACROMIA + 7), ("offset", 45 + 7)])
def test_shoulders_lie_under_the_acromion(method, drop):
    found = shoulder_centres(trial(), figure.measurements(), method)
    up = (POINTS["C7"] + POINTS["CLAV"] - POINTS["T10"] - POINTS["STRN"]) / 2
    up /= np.linalg.norm(up, axis=1)[:, None]
    for side in ("left", "right"):
        np.testing.assert_allclose(
            found[side].position_mm, POINTS[f"{side[0].upper()}SHO"] - drop * up, rtol=0, atol=1e-9
        )
        assert found[side].joint == f"{side}_shoulder"
        assert found[side].method == f"regression:{method}"


def test_a_gap_stays_a_gap():
    gappy = {label: point.copy() for label, point in POINTS.items()}
    gappy["RASI"][2] = np.nan
    gappy["C7"][3] = np.nan
    hips = hip_centres(trial(points=gappy), figure.measurements(), "harrington")
    shoulders = shoulder_centres(trial(points=gappy), figure.measurements(), "rab")
    assert np.flatnonzero(np.isnan(hips["left"].position_mm).any(axis=1)).tolist() == [2]
    assert np.flatnonzero(np.isnan(shoulders["right"].position_mm).any(axis=1)).tolist() == [3]


@pytest.mark.parametrize("method", HIP_REGRESSIONS)
@pytest.mark.parametrize("lost", ["LASI", "RASI", "back"])
def test_a_hip_without_its_markers_is_refused(method, lost):
    gone = ("LPSI", "SACR") if lost == "back" else (lost,)
    with pytest.raises(
        BodyError, match=r"(LPSI and RPSI \(or SACR|marker [LR]ASI is missing in all 6 frames)"
    ) as error:
        hip_centres(trial([label for label in LABELS if label not in gone]), figure.measurements(), method)
    assert method in error.value.problem


@pytest.mark.parametrize("method", ["davis", "harrington", "hara"])
def test_a_hip_without_leg_lengths_is_refused(method):
    with pytest.raises(BodyError, match="measurement leg_length_left_mm is missing"):
        hip_centres(trial(), without("leg_length_left_mm"), method)


def test_harrington_by_width_needs_no_leg_length():
    found = hip_centres(trial(), without("leg_length_left_mm", "leg_length_right_mm"), "harrington-width")
    measured = hip_centres(trial(), figure.measurements(), "harrington-width")
    for side in ("left", "right"):
        assert np.isfinite(found[side].position_mm).all()
        np.testing.assert_array_equal(found[side].position_mm, measured[side].position_mm)


def test_a_shoulder_without_what_it_needs_is_refused():
    with pytest.raises(BodyError, match="markers C7 and LSHO are missing in all 6 frames"):
        shoulder_centres(trial([label for label in LABELS if label not in ("C7", "LSHO")]), {}, "rab")
    with pytest.raises(
        BodyError, match="measurement shoulder_offset_right_mm is missing; shoulder regression 'offset'"
    ):
        shoulder_centres(trial(), without("shoulder_offset_right_mm"), "offset")
    apart = {label: point.copy() for label, point in POINTS.items()}
    apart["LSHO"][:3] = np.nan
    apart["RSHO"][3:] = np.nan
    with pytest.raises(BodyError, match="LSHO and RSHO are never there together"):
        shoulder_centres(trial(points=apart), figure.measurements(), "rab")


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match="harrington"):
        hip_centres(trial(), figure.measurements(), "harington")
    with pytest.raises(ConfigError, match="rab"):
        shoulder_centres(trial(), figure.measurements(), "rap")


def test_every_method_says_what_to_expect_and_why():
    for entry in (*HIP_REGRESSIONS.values(), *SHOULDER_REGRESSIONS.values()):
        assert len(entry.sigma_mm) == 3
        assert min(entry.sigma_mm) > 3
        assert entry.sigma_source
        assert entry.source
    # Mantovani 2016: Davis 25.0 +- 6.7 mm, Harrington 12.3 +- 5.9 mm in space.
    assert np.linalg.norm(HIP_REGRESSIONS["davis"].sigma_mm) == pytest.approx(np.hypot(25.0, 6.7), abs=0.2)
    assert np.linalg.norm(HIP_REGRESSIONS["harrington"].sigma_mm) == pytest.approx(np.hypot(12.3, 5.9), abs=0.2)
