"""The posture in which places are measured."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.body.skeleton.moving import hidden, of_set
from viodat.body.skeleton.reference import reference_posture
from viodat.errors import BodyError


@pytest.fixture
def trials():
    return of_set("plug-in-gait", 60)


def test_a_static_trial_gives_the_medians_of_its_markers(trials):
    take, static, _ = trials
    noisy = static.positions_mm + np.random.default_rng(0).normal(scale=0.5, size=static.positions_mm.shape)
    # A ghost in three of ten frames is not seen in a median.
    noisy[:3, static.labels.index("LKNE")] += 400.0
    found = reference_posture(take, replace(static, positions_mm=noisy))
    assert found.from_static
    assert set(found.places) == set(static.labels)
    for label, place in found.places.items():
        np.testing.assert_allclose(place, static.marker(label)[0], atol=1.5)


def test_a_marker_that_the_static_trial_lacks_has_no_place(trials):
    take, static, _ = trials
    found = reference_posture(take, hidden(static, ("LKNE",)))
    assert "LKNE" not in found.places
    assert len(found.places) == len(static.labels) - 1


def test_a_marker_that_the_static_trial_lost_for_some_frames_has_its_place(trials):
    take, static, _ = trials
    found = reference_posture(take, hidden(static, ("LKNE",), slice(2, None)))
    np.testing.assert_allclose(found.places["LKNE"], static.marker("LKNE")[0], atol=1e-9)


def test_a_static_trial_that_moves_is_said(trials):
    take, static, _ = trials
    walked = static.positions_mm + np.linspace(0, 300, static.n_frames)[:, None, None]
    (note,) = reference_posture(take, replace(static, positions_mm=walked)).notes
    assert "static trial moves" in note
    assert reference_posture(take, static).notes == ()


@pytest.mark.parametrize("empty", [False, True], ids=["none", "all missing"])
def test_without_a_static_trial_a_full_frame_of_the_trial_is_taken_and_said(trials, empty):
    take, static, _ = trials
    lost = hidden(take, take.labels[:20], slice(0, 30))
    found = reference_posture(lost, hidden(static, static.labels) if empty else None)
    assert not found.from_static
    assert set(found.places) == set(take.labels)
    assert "there is no static trial" in found.notes[0]
    away = [np.linalg.norm(take.marker(label) - place, axis=-1).argmin() for label, place in found.places.items()]
    assert min(away) >= 30
    assert max(away) - min(away) <= 4


def test_nothing_seen_is_a_clear_error(trials):
    take, _, _ = trials
    with pytest.raises(BodyError, match="no frame shows any marker"):
        reference_posture(hidden(take, take.labels), None)
    none = replace(take, positions_mm=take.positions_mm[:0], residuals=take.residuals[:0])
    with pytest.raises(BodyError, match="no frame shows any marker"):
        reference_posture(none, None)
