"""MOSA's own sample of one take: its notes are where its published times say, and its excerpt has no clock."""

from __future__ import annotations

import json

import pytest

import viodat
from viodat.dataset.importers import import_published


@pytest.fixture(scope="module")
def dataset(real_data, tmp_path_factory):
    source = real_data / "violin_audio" / "mosa"
    if not source.is_dir():
        pytest.skip(f"MOSA's sample is absent: {source} does not exist")
    out = tmp_path_factory.mktemp("mosa") / "out"
    import_published("mosa", source, out)
    return viodat.open_dataset(out)


def test_notes_agree_with_those_that_pitch_tracking_found(dataset, real_data):
    """The truth was placed on the excerpt by its pitch; it begins 2.99 s into the take."""
    truth = json.loads((real_data / "expected" / "mosa_ba1_notes.json").read_text())
    clip = truth["clips"]["ba1_yv10_t1_audio_clip.wav"]
    notes = dataset.annotations("P01T01").query("kind == 'note'")
    found = {(round(row.start_ns / 1e6), row.value, row.text) for row in notes.itertuples()}
    start_s = clip["clip_start_in_full_recording_s"]
    for note in clip["notes"]:
        wanted = round((note["onset_s"] + start_s) * 1e3)
        assert any(
            abs(ms - wanted) <= 2 and midi == note["midi"] and name == note["name"] for ms, midi, name in found
        ), note


def test_what_is_annotated_in_the_score_lies_within_the_take(dataset):
    table = dataset.annotations("P01T01")
    counts = table["kind"].value_counts()
    # As many rows as the published files have, less those that end before they begin.
    assert dict(counts) == {
        "note": 547, "beat": 128, "downbeat": 32, "expression": 113, "harmony": 101, "phrase": 4, "cadence": 3,
    }  # fmt: skip
    beats = table[table["kind"] == "beat"]
    assert beats["start_ns"].is_monotonic_increasing
    assert (table["end_ns"].dropna() >= table["start_ns"][table["end_ns"].notna()]).all()


def test_the_excerpt_is_there_without_a_clock(dataset):
    (row,) = dataset.rows("recordings")
    assert (row["status"], row["audio_seconds"]) == ("unsynchronised", 16.0)
    track = dataset.audio(row["recording"])
    assert track.time_ns is None
    assert track.features.shape == (1601, 35)
    assert "excerpt" in dataset.exclusions["reason"].iloc[0]
