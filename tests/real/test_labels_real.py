"""Real recordings: no false alarm, and exchanges made in them are undone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.real.test_plug_in_gait_real import FILES, GAIT
from viodat.body.labels import repair_labels
from viodat.capture.c3d import read_c3d


@pytest.mark.parametrize("name", FILES)
def test_no_false_alarm(real_data: Path, name: str) -> None:
    trial = read_c3d(real_data / name)
    repaired, report = repair_labels(trial)
    assert report.faults == ()
    assert repaired is trial


@pytest.mark.parametrize("pair", [("LKNE", "RKNE"), ("LTHI", "LKNE"), ("LHEE", "RHEE"), ("LWRA", "LWRB")])
def test_exchanges_of_half_a_second_are_undone(real_data: Path, pair: tuple[str, str]) -> None:
    for name in GAIT:
        trial = read_c3d(real_data / name)
        at = [trial.labels.index(label) for label in pair]
        if trial.n_frames < 150 or not trial.valid[:, at].all():
            continue
        positions = trial.positions_mm.copy()
        positions[60:110, at] = positions[60:110, at[::-1]]
        repaired, report = repair_labels(replace(trial, positions_mm=positions))
        assert [set(fault.labels) for fault in report.faults] == [set(pair)], name
        assert np.array_equal(repaired.positions_mm, trial.positions_mm, equal_nan=True), name
