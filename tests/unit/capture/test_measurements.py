from __future__ import annotations

import math

import pytest

from viodat.capture.measurements import (
    MEASUREMENTS,
    canonical,
    from_processing,
    from_vsk,
    implausible,
    merge_measurements,
)
from viodat.errors import ConfigError


def test_the_names_that_the_table_of_participants_uses():
    for side in ("left", "right"):
        for name in (
            "leg_length_{}_mm",
            "knee_width_{}_mm",
            "ankle_width_{}_mm",
            "thigh_rotation_{}_rad",
            "shank_rotation_{}_rad",
            "asis_trochanter_distance_{}_mm",
            "shoulder_offset_{}_mm",
            "elbow_width_{}_mm",
            "wrist_width_{}_mm",
            "hand_thickness_{}_mm",
        ):
            assert name.format(side) in MEASUREMENTS
    assert {"inter_asis_distance_mm", "marker_diameter_mm", "height_mm", "mass_kg"} <= set(MEASUREMENTS)
    assert all(name.endswith("_" + spec.unit) for name, spec in MEASUREMENTS.items())


def test_aliases_are_unique():
    for aliases in (
        [a for s in MEASUREMENTS.values() for a in s.processing],
        [a for s in MEASUREMENTS.values() for a in s.vsk],
    ):
        assert len(aliases) == len(set(aliases))


def test_processing_and_vsk_name_sides_differently():
    assert from_processing({"LLegLength": 740, "RKneeWidth": 84, "LF1": 3}) == {
        "leg_length_left_mm": 740.0,
        "knee_width_right_mm": 84.0,
    }
    assert from_vsk({"LeftLegLength": 1000, "RightHandThickness": 17, "LLegLength": 9}) == {
        "leg_length_left_mm": 1000.0,
        "hand_thickness_right_mm": 17.0,
    }


def test_zero_means_not_measured_except_for_angles_and_soles():
    given = {"LAsisTrocanterDistance": 0.0, "LLegLength": 0.0, "MarkerDiameter": 0.0, "Bodymass": 0.0}
    assert from_processing(given) == {}
    kept = from_processing({"LThighRotation": 0.0, "RShankRotation": -0.1, "LSoleDelta": 0.0})
    assert kept == {"thigh_rotation_left_rad": 0.0, "shank_rotation_right_rad": -0.1, "sole_delta_left_mm": 0.0}


def test_nonsense_is_dropped():
    assert from_processing({"LLegLength": math.nan, "RLegLength": -3.0, "Height": math.inf}) == {}


def test_implausible_values_are_named():
    assert implausible({"leg_length_left_mm": 860.0, "mass_kg": 40.0}) == ()
    assert implausible({"height_mm": 1.73}) == ("height_mm is 1.73 mm, expected 500 to 2500 mm",)


def test_merge_takes_the_first_and_reports_what_differs():
    merged = merge_measurements(
        ("capture.toml", {"marker_diameter_mm": 14.0}),
        ("participants.csv", {"leg_length_left_mm": 861.0, "mass_kg": math.nan}),
        ("P05.vsk", {"leg_length_left_mm": 861.0001, "mass_kg": 61.0}),
        ("PROCESSING", {"marker_diameter_mm": 10.0, "leg_length_left_mm": 890.0, "height_mm": 1700.0}),
    )
    assert merged.values == {
        "marker_diameter_mm": 14.0,
        "leg_length_left_mm": 861.0,
        "mass_kg": 61.0,
        "height_mm": 1700.0,
    }
    assert merged.sources["mass_kg"] == "P05.vsk"
    assert merged.sources["height_mm"] == "PROCESSING"
    assert merged.conflicts == (
        "marker_diameter_mm: capture.toml says 14 mm, PROCESSING says 10 mm; 14 mm is used",
        "leg_length_left_mm: participants.csv says 861 mm, PROCESSING says 890 mm; 861 mm is used",
    )


def test_a_zero_angle_against_another_is_a_conflict():
    merged = merge_measurements(("a", {"thigh_rotation_left_rad": 0.0}), ("b", {"thigh_rotation_left_rad": 0.05}))
    assert merged.values["thigh_rotation_left_rad"] == 0.0
    assert len(merged.conflicts) == 1


@pytest.mark.parametrize("name", ["thigh_rotation_left_rad", "leg_length_left_mm"])
def test_equal_values_are_no_conflict(name):
    assert merge_measurements(("a", {name: 0.5}), ("b", {name: 0.5})).conflicts == ()


def test_all_three_spellings_are_understood():
    values = {"LLegLength": 830.0, "RightLegLength": 835.0, "knee_width_left_mm": 102.0, "PelvisLength": 127.1}
    assert canonical(values) == {
        "leg_length_left_mm": 830.0,
        "leg_length_right_mm": 835.0,
        "knee_width_left_mm": 102.0,
    }


def test_a_misspelt_measurement_is_not_passed_over():
    with pytest.raises(ConfigError, match="no measurement 'knee_width_mm'.*did you mean 'knee_width_"):
        canonical({"knee_width_mm": 102.0})
