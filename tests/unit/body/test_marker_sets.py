"""Detection of marker sets, and sets of a lab's own from capture.toml."""

import pytest

from viodat.body import (
    MARKER_SETS,
    MarkerSet,
    detect_marker_set,
    get_marker_set,
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
    ],
)
def test_from_config_refuses(config, message):
    with pytest.raises(ConfigError, match=message):
        MarkerSet.from_config("ours", config)
