"""The C3D file is read back as it was meant, without a remark, and the truth beside it says what was done."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import c3d as py_c3d
import ezc3d
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.unit.synth.lab.test_marker_set import anatomies
from tests.unit.synth.lab.test_visibility import recorded
from viodat.capture import read_c3d
from viodat.capture.measurements import from_processing
from viodat.synth.lab.c3d import (
    Ghost,
    MarkerRecording,
    OperatorEvent,
    Swap,
    operator_events,
    write_c3d,
    write_marker_truth,
)
from viodat.synth.lab.measuring import measure, processing_parameters

EVENTS = (OperatorEvent("Stop", 61.25), OperatorEvent("Start", 1.5))


@pytest.fixture(scope="module")
def trial() -> MarkerRecording:
    found = recorded(1, 3.0)[2]
    return replace(
        found,
        times_s=found.times_s + 0.49,
        ghosts=(Ghost("*1", 20, np.full((5, 3), 700.0)), Ghost("*2", 100, np.full((9, 3), 800.0))),
    )


@pytest.fixture(scope="module")
def processing() -> dict[str, float]:
    return processing_parameters(measure(anatomies(1)[0], np.random.default_rng(0)))


@pytest.fixture(scope="module")
def written(trial: MarkerRecording, processing: dict[str, float], tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("c3d") / "P05T28.c3d"
    write_c3d(path, "P05", trial, processing, events=EVENTS)
    return path


def test_reads_back_without_a_remark(written: Path, trial: MarkerRecording, processing: dict[str, float]) -> None:
    read = read_c3d(written)
    assert read.notes == ()
    assert read.labels == trial.labels
    assert len(read.labels) == 96
    assert (read.rate_hz, read.first_frame, read.units) == (100.0, 50, "mm")
    np.testing.assert_allclose(read.times_s, trial.times_s, atol=1e-9)
    np.testing.assert_allclose(read.positions_mm, trial.measured_mm, atol=2e-3)
    np.testing.assert_array_equal(read.valid, trial.residuals_mm >= 0)
    seen = read.valid
    np.testing.assert_allclose(read.residuals[seen], trial.residuals_mm[seen], atol=0.011)
    assert read.residuals[seen].min() > 0
    assert (read.virtual, read.outputs, read.analog) == ({}, {}, None)
    assert read.subject.name == "P05"
    assert read.subject.measurements == pytest.approx(from_processing(processing), rel=1e-6)
    assert len(read.subject.measurements) == 18
    assert [(e.label, e.context, e.subject) for e in read.events] == [
        ("Start", "General", "P05"),
        ("Stop", "General", "P05"),
    ]
    assert [e.time_s for e in read.events] == pytest.approx([1.5, 61.25], abs=1e-4)


def test_ghosts_are_unlabelled_trajectories(written: Path) -> None:
    read = read_c3d(written)
    assert set(read.other) == {"*1", "*2"}
    there = np.isfinite(read.other["*2"]).all(axis=1)
    assert np.flatnonzero(there).tolist() == list(range(100, 109))
    np.testing.assert_allclose(read.other["*2"][there], 800.0)


def test_another_reader_agrees(written: Path, trial: MarkerRecording) -> None:
    with written.open("rb") as handle, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # py-c3d wonders that there is no analog data
        reader = py_c3d.Reader(handle)
        assert (reader.first_frame, reader.last_frame, reader.point_rate) == (50, 49 + trial.times_s.size, 100.0)
        labels = [label.strip() for label in reader.point_labels]
        assert labels == [*(f"P05:{label}" for label in trial.labels), "*1", "*2"]
        frames = np.stack([points for _, points, _ in reader.read_frames()])
    count = len(trial.labels)
    seen = trial.residuals_mm >= 0
    np.testing.assert_allclose(frames[:, :count, :3][seen], trial.measured_mm[seen], atol=2e-3)
    np.testing.assert_array_equal(frames[:, :count, 3] < 0, ~seen)


def test_says_who_made_it_and_what_it_is(written: Path, trial: MarkerRecording, tmp_path: Path) -> None:
    groups = ezc3d.c3d(str(written))["parameters"]
    assert groups["MANUFACTURER"]["SOFTWARE"]["value"] == ["viodat synth"]
    assert groups["SUBJECTS"]["IS_STATIC"]["value"].tolist() == [0]
    assert groups["TRIAL"]["ACTUAL_START_FIELD"]["value"].tolist() == [50, 0]
    write_c3d(tmp_path / "still.c3d", "P05", trial, {}, static=True)
    still = ezc3d.c3d(str(tmp_path / "still.c3d"))["parameters"]
    assert still["SUBJECTS"]["IS_STATIC"]["value"].tolist() == [1]
    assert read_c3d(tmp_path / "still.c3d").events == ()


def test_same_recording_same_bytes(written: Path, trial: MarkerRecording, processing: dict[str, float]) -> None:
    again = written.with_name("again.c3d")
    write_c3d(again, "P05", trial, processing, events=EVENTS)
    assert again.read_bytes() == written.read_bytes()


def test_the_operator_is_not_exact() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([[e.time_s for e in operator_events(2.0, 40.0, rng)] for _ in range(300)])
    errors = drawn - np.array([2.0, 40.0])
    assert np.abs(errors).max() <= 0.2
    assert 0.08 < errors.std() < 0.15
    assert [e.label for e in operator_events(0.0, 1.0, rng)] == ["Start", "Stop"]


def test_truth_is_written_beside(trial: MarkerRecording, tmp_path: Path) -> None:
    swapped = replace(trial, swaps=(Swap("LIDX", "LPNK", 0.6, 0.9),))
    write_marker_truth(tmp_path / "P05T28.parquet", swapped)
    table = pq.read_table(tmp_path / "P05T28.parquet")
    facts = {key.decode(): json.loads(value) for key, value in table.schema.metadata.items()}
    assert facts["labels"] == list(trial.labels)
    assert facts["swaps"] == [{"first": "LIDX", "second": "LPNK", "start_s": 0.6, "end_s": 0.9}]
    assert [ghost["name"] for ghost in facts["ghosts"]] == ["*1", "*2"]
    assert facts["ghosts"][0] == {"name": "*1", "start_s": pytest.approx(0.69), "frames": 5}
    assert table["time_ns"].to_numpy().tolist()[:2] == [490_000_000, 500_000_000]
    shape = (trial.times_s.size, len(trial.labels))
    positions = np.array(table["positions_mm"].to_pylist()).reshape(*shape, 3)
    np.testing.assert_allclose(positions, trial.true_mm, atol=1e-3)
    np.testing.assert_array_equal(np.array(table["visible"].to_pylist()), trial.visible)
    np.testing.assert_array_equal(np.array(table["identity"].to_pylist()), trial.identity)
    write_marker_truth(tmp_path / "again.parquet", swapped)
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "P05T28.parquet").read_bytes()
