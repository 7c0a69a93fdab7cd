"""Detection of marker sets, and sets of a lab's own from capture.toml."""

from dataclasses import replace

import pytest

from viodat.body import (
    MARKER_SETS,
    MarkerSet,
    detect_marker_set,
    get_marker_set,
    how_determined,
    register_marker_set,
)
from viodat.errors import ConfigError

PIG = MARKER_SETS["plug-in-gait"].labels


def test_sizes_are_those_of_vicons_guide():
    sizes = {name: len(MARKER_SETS[name].markers) for name in MARKER_SETS}
    assert sizes["plug-in-gait"] == 39
    assert sizes["plug-in-gait-35"] == 35
    assert sizes["plug-in-gait-sacr"] == 34
    assert sizes["plug-in-gait-legs"] == 16


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (PIG, "plug-in-gait"),
        ([*PIG, "BOW1", "BOW2", "VLN1"], "plug-in-gait"),
        ([label for label in PIG if label not in ("LHEE", "T10")], "plug-in-gait"),
        ([*MARKER_SETS["plug-in-gait-sacr"].labels, "LUPA"], "plug-in-gait-sacr"),
        (
            ["RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "Neck", "RShoulder", "LShoulder", "LElbow"],
            "named-joints",
        ),
        (
            [f"{s}_{j}" for s in ("left", "right") for j in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")],
            "named-joints",
        ),
    ],
)
def test_detects(labels, name):
    assert detect_marker_set(labels).name == name


@pytest.mark.parametrize("labels", [[], ["C7"], ["*1", "*2", "*3"], ["lasi", "rasi", "sacr"]])
def test_detects_nothing(labels):
    assert detect_marker_set(labels) is None


def test_unknown_name_gives_the_nearest():
    with pytest.raises(ConfigError, match=r"no marker set 'plug-in-gate'.*'plug-in-gait'"):
        get_marker_set("plug-in-gate")


def test_registering(monkeypatch):
    monkeypatch.setattr("viodat.body.marker_sets.MARKER_SETS", registry := dict(MARKER_SETS))
    own = MarkerSet.from_config("ours", {"segments": {"bow": ["BOW1"]}})
    register_marker_set(own)
    register_marker_set(own)
    assert registry["ours"] is own
    with pytest.raises(ConfigError, match="exists already"):
        register_marker_set(MarkerSet.from_config("ours", {"segments": {"bow": ["BOW2"]}}))


def test_from_config_adds_plug_in_gait_where_its_markers_are():
    own = MarkerSet.from_config(
        "ours",
        {
            "description": "pelvis and one leg",
            "segments": {"pelvis": ["LASI", "RASI", "SACR"], "leg": ["LTHI", "LKNE"], "hand": ["LIDX"]},
            "markers": {"left_index": "LIDX"},
        },
    )
    assert own.determines == ("left_pelvis", "left_knee", "right_pelvis", "left_index")
    assert own.description == "pelvis and one leg"
    assert {m.label: m.segment for m in own.markers}["LKNE"] == "leg"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "segments is missing or empty"),
        ({"segments": []}, "segments must be a table"),
        ({"segment": {"a": ["A"]}}, "unknown key 'segment'.*'segments'"),
        ({"segments": {"a": 3}}, "a must be one label or a list of labels, but is 3"),
        ({"segments": {"a": ["A", 3]}}, "a must be one label or a list"),
        ({"segments": {"a": ["A"], "b": ["A"]}}, "marker A stands in two places"),
        ({"segments": {"a": ["LKNE", "LKNM"]}, "midpoints": {"left_knee": ["LKNE"]}}, "needs two markers, but 1"),
        ({"segments": {"a": ["LKNE"]}, "midpoints": {"left_knee": ["LKNE", "LKNN"]}}, "'LKNN', which no segment"),
        ({"segments": {"a": ["LKNE"]}, "named": {"left_kne": "LKNE"}}, "'left_kne' is not a joint.*'left_knee'"),
        ({"segments": {"a": ["LKNE"]}, "named": ["LKNE"]}, "named must be a table"),
        (
            {"segments": {"thigh": ["KNE1"]}},
            r"\[marker_sets.ours\].*'KNE1' of segment 'thigh' begins with neither L nor R.*left_thigh or right_thigh",
        ),
        ({"segments": {"hand": ["LIDX"]}, "diameters_mm": {"LIDXX": 6.4}}, "'LIDXX', which no segment lists.*LIDX"),
        ({"segments": {"hand": ["LIDX"]}, "diameters_mm": {"LIDX": 0}}, "positive number of mm, but is 0"),
        ({"segments": {"hand": ["LIDX"]}, "diameters_mm": {"LIDX": "6"}}, "positive number of mm, but is '6'"),
    ],
)
def test_from_config_refuses(config, message):
    with pytest.raises(ConfigError, match=message):
        MarkerSet.from_config("ours", config)


def test_an_unsided_limb_takes_its_side_from_the_label():
    own = MarkerSet.from_config(
        "ours",
        {
            "segments": {
                "thigh": ["LKNE", "r_knee"],
                "left_thigh": ["KNEE_L"],
                "pelvis": ["LASI", "RASI"],
                "cello": ["LEND", "SCROLL"],
            },
            "diameters_mm": {"LKNE": 9.5},
        },
    )
    segments = {m.label: m.segment for m in own.markers}
    assert segments == {
        "LKNE": "left_thigh",
        "r_knee": "right_thigh",
        "KNEE_L": "left_thigh",
        "LASI": "pelvis",
        "RASI": "pelvis",
        "LEND": "cello",
        "SCROLL": "cello",
    }
    assert {m.label: m.side for m in own.markers if m.side} == {"LKNE": "left", "r_knee": "right", "KNEE_L": "left"}
    assert own.of_segment("left_thigh") == ("LKNE", "KNEE_L")
    assert own.diameters_mm == {"LKNE": 9.5}


def test_sizes_of_the_music_sets():
    mosa, telmi = MARKER_SETS["mosa"], MARKER_SETS["telmi"]
    assert len(mosa.markers) == 34
    assert sum(m.segment not in ("violin", "bow") for m in telmi.markers) == 32
    for marker_set in (mosa, telmi):
        kinds = {joint.split("_")[1] for joint in marker_set.determines}
        # Neither has a marker on the side of thigh or shank, without which Plug-in Gait knows no knee.
        assert kinds == {"pelvis", "shoulder", "elbow", "wrist"}


def test_how_the_joints_of_viodats_own_set_are_determined():
    ways = how_determined(MARKER_SETS["viodat-96"])
    assert ways["left_index"] == ("marker:LIDX-(hand_thickness+6.4mm)/2",)
    assert ways["left_thumb"] == ("marker:LTHM",)
    assert ways["right_wrist"] == ("pig:wrist_offset", "midpoint:RWRA+RWRB")
    assert ways["right_ankle"] == ("pig:ankle_chord", "midpoint:RMED+RANK (static trial)")
    assert how_determined(MARKER_SETS["plug-in-gait-hands"])["left_index"] == ("marker:LIDX-(hand_thickness+d)/2",)


def test_ways_stand_in_the_order_of_use_whatever_the_order_of_the_rules():
    medial = MARKER_SETS["plug-in-gait-medial"]
    backwards = replace(medial, rules=medial.rules[::-1])
    assert how_determined(backwards) == how_determined(medial)
