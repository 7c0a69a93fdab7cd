"""Measured bodies are the true ones within the stated errors, in the words that the readers know."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.synth.lab.test_marker_set import anatomies
from viodat.capture.measurements import MEASUREMENTS, from_processing, implausible
from viodat.capture.participants import read_participants
from viodat.synth.lab.measuring import (
    ERRORS_MM,
    measure,
    participants_csv,
    processing_parameters,
    true_measurements,
)


def test_errors_are_those_of_the_table() -> None:
    anatomy, rng = anatomies(1)[0], np.random.default_rng(0)
    true = true_measurements(anatomy)
    drawn = [{name: value - true[name] for name, value in measure(anatomy, rng).items()} for _ in range(600)]
    for stem, size in ERRORS_MM.items():
        for name in (n for n in drawn[0] if n.startswith(stem)):
            errors = np.array([one[name] for one in drawn])
            assert abs(errors.mean()) < 0.15 * size + 0.5
            # Rounding to 1 mm adds 0.3.
            assert errors.std() == pytest.approx(np.hypot(size, 0.29), rel=0.12), name
    left, right = (np.array([one[f"leg_length_{s}_mm"] for one in drawn]) for s in ("left", "right"))
    assert 0.3 < np.corrcoef(left, right)[0, 1] < 0.7
    assert all(one["marker_diameter_mm"] == 0 for one in drawn)


def test_bodies_are_measured_plausibly() -> None:
    rng = np.random.default_rng(1)
    for anatomy in anatomies():
        measured = measure(anatomy, rng)
        assert set(measured) <= set(MEASUREMENTS)
        assert implausible(measured) == ()
        true = true_measurements(anatomy)
        assert true["knee_width_left_mm"] > true["ankle_width_left_mm"] > true["wrist_width_left_mm"]
        assert all(value == round(value, 1) for value in measured.values())


def test_the_c3d_file_and_the_table_state_the_same(tmp_path) -> None:
    rng = np.random.default_rng(2)
    people = [(anatomy, measure(anatomy, rng)) for anatomy in anatomies()]
    path = tmp_path / "participants.csv"
    path.write_text(participants_csv(people), encoding="utf-8")
    read = read_participants(path)
    assert list(read) == [anatomy.person.participant for anatomy, _ in people]
    for anatomy, measured in people:
        person = read[anatomy.person.participant]
        assert dict(person.measurements) == pytest.approx(measured)
        assert from_processing(processing_parameters(measured)) == pytest.approx(measured)
        assert (person.sex, person.level, person.handedness, person.consent) == (
            anatomy.person.sex,
            anatomy.person.level,
            anatomy.person.handedness,
            True,
        )
