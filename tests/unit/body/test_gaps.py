from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viodat.body import MarkerSet
from viodat.body.gaps import fill_gaps
from viodat.body.gaps.mates import kinship
from viodat.capture.markers import MarkerTrial

RATE_HZ = 100.0
SET = MarkerSet.from_config(
    "two", {"segments": {"trunk": ["T1", "T2", "T3", "T4", "T5"], "arm": ["A1", "A2", "A3", "A4"]}}
)
LABELS = SET.labels
T5, A4 = LABELS.index("T5"), LABELS.index("A4")


def _trial(frames=600, seed=0, noise_mm=0.1):
    """Two rigid segments about a joint, 200 mm large, that turn and travel; their skin moves some mm with the joint."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / RATE_HZ
    angle = 0.6 * np.sin(2 * np.pi * 0.8 * t) + 0.3 * np.sin(2 * np.pi * 1.7 * t + 1)
    shapes = rng.uniform(-100, 100, (9, 3))
    trunk = Rotation.from_euler("zy", np.stack([0.8 * np.sin(1.3 * t), 0.3 * np.sin(2.1 * t)], -1))
    arm = trunk * Rotation.from_euler("x", angle[:, None])
    points = np.stack(
        [(trunk if i < 5 else arm).apply(p + np.array([0.0, 0, 0 if i < 5 else 250])) for i, p in enumerate(shapes)], 1
    )
    skin = np.stack([trunk.apply(np.outer(angle, rng.normal(0, 4, 3))) for _ in shapes], 1)
    travel = np.stack([400 * t, 200 * np.sin(t), 1000 + 0 * t], -1)
    positions = points + skin + travel[:, None] + rng.normal(0, noise_mm, points.shape)
    return MarkerTrial(LABELS, positions, RATE_HZ, 1, np.zeros(positions.shape[:2]))


def _hide(trial, *holes):
    positions = trial.positions_mm.copy()
    for marker, first, stop in holes:
        positions[first:stop, marker] = np.nan
    return replace(trial, positions_mm=positions)


def _error(filled, trial, marker, first, stop):
    return np.linalg.norm(
        filled.trial.positions_mm[first:stop, marker] - trial.positions_mm[first:stop, marker], axis=-1
    )


@pytest.mark.parametrize("frames", [10, 50, 100])
def test_a_gap_is_filled_to_marker_noise_from_mates_that_move_with_it(frames):
    trial = _trial()
    filled = fill_gaps(_hide(trial, (A4, 200, 200 + frames)), marker_set=SET)
    assert np.median(_error(filled, trial, A4, 200, 200 + frames)) < 0.7
    assert (filled.method[200 : 200 + frames, A4] == 2).all()
    assert 0.03 < np.mean(filled.sigma_mm[200 : 200 + frames, A4]) < 0.6


def test_nothing_measured_changes_and_filled_samples_are_marked():
    trial = _trial()
    holed = _hide(trial, (A4, 200, 230), (T5, 300, 305))
    filled = fill_gaps(holed, marker_set=SET)
    measured = holed.valid
    np.testing.assert_array_equal(filled.trial.positions_mm[measured], trial.positions_mm[measured])
    np.testing.assert_array_equal(filled.method == 0, measured)
    np.testing.assert_array_equal(np.isnan(filled.trial.residuals), ~measured)
    assert (filled.sigma_mm[measured] == 0).all()
    assert (filled.sigma_mm[~measured] > 0).all()
    assert filled.report.filled_share == 1
    assert sorted((row.marker, row.samples) for row in filled.report.rows) == [("A4", 30), ("T5", 5)]
    assert not np.isnan(holed.positions_mm[measured]).any()  # the trial that came in is as it was
    assert np.isnan(holed.positions_mm[200, A4]).all()


def test_the_fill_joins_the_measured_ends():
    trial = _trial(noise_mm=0.0)
    shifted = trial.positions_mm.copy()
    # The skin slides by 12 mm while nobody sees it.
    shifted[230:, A4] += 12.0
    holed = _hide(replace(trial, positions_mm=shifted), (A4, 200, 230))
    path = fill_gaps(holed, marker_set=SET).trial.positions_mm[195:235, A4] - trial.positions_mm[195:235, A4]
    assert np.abs(np.diff(path, axis=0)).max() < 3.0


def test_sigma_is_honest_inside_gaps():
    scores = []
    for seed in range(3):
        trial = _trial(seed=seed)
        for first in range(60, 500, 40):
            filled = fill_gaps(_hide(trial, (A4, first, first + 30)), marker_set=SET)
            inside = slice(first, first + 30)
            error = filled.trial.positions_mm[inside, A4] - trial.positions_mm[inside, A4]
            scores.append(np.abs(error) / filled.sigma_mm[inside, A4, None])
    assert 0.58 < np.mean(np.concatenate(scores) < 1) < 0.78
    assert 0.90 < np.mean(np.concatenate(scores) < 2) < 0.995


def test_gaps_of_two_markers_of_one_segment_at_once():
    trial = _trial()
    filled = fill_gaps(_hide(trial, (A4, 200, 250), (A4 - 1, 190, 240)), marker_set=SET)
    assert np.median(_error(filled, trial, A4, 200, 250)) < 1.0
    assert np.median(_error(filled, trial, A4 - 1, 190, 240)) < 1.0


def test_ends_of_the_trial_are_never_filled_by_a_spline():
    trial = _trial()
    filled = fill_gaps(_hide(trial, (A4, 0, 30), (T5, 570, 600)), marker_set=SET)
    assert set(filled.method[:30, A4]) | set(filled.method[570:, T5]) <= {1, 2}
    assert np.median(_error(filled, trial, A4, 0, 30)) < 1.5
    # Alone, the marker's own path is all there is.
    alone = replace(trial, labels=("A4",), positions_mm=trial.positions_mm[:, [A4]], residuals=trial.residuals[:, [A4]])
    filled = fill_gaps(_hide(alone, (0, 0, 5), (0, 300, 305)))
    assert (filled.method[:5] == -1).all()
    assert np.isnan(filled.trial.positions_mm[:5]).all()
    assert (filled.method[300:305] == 3).all()
    assert "end of the trial" in filled.report.notes[0]


def test_a_long_gap_without_mates_stays():
    trial = _trial()
    alone = replace(trial, labels=("A4",), positions_mm=trial.positions_mm[:, [A4]], residuals=trial.residuals[:, [A4]])
    filled = fill_gaps(_hide(alone, (0, 200, 300)))
    assert np.isnan(filled.trial.positions_mm[200:300]).all()
    assert np.isnan(filled.sigma_mm[200:300]).all()
    assert (filled.method[200:300] == -1).all()
    assert "A4: the gap of 1.00 s (frames 201 to 300) stays" in filled.report.notes[0]


def test_a_gap_whose_expected_error_is_too_large_stays():
    """Markers that jump about: every method can be tried, and none can be trusted."""
    rng = np.random.default_rng(0)
    trial = _trial()
    wild = replace(trial, positions_mm=trial.positions_mm + rng.normal(0, 60, trial.positions_mm.shape))
    filled = fill_gaps(_hide(wild, (A4, 200, 210)), marker_set=SET)
    assert (filled.method[200:210, A4] == -1).all()
    assert "expected error" in filled.report.notes[0]


def test_without_a_marker_set_mates_are_found_by_their_distances():
    trial = _trial()
    filled = fill_gaps(_hide(trial, (A4, 200, 250)))
    assert np.median(_error(filled, trial, A4, 200, 250)) < 0.7


def test_one_marker_left_of_a_segment_is_filled_from_the_others_or_not_at_all():
    trial = _trial()
    holes = [(LABELS.index(label), 200, 260) for label in ("A1", "A2", "A3")]
    filled = fill_gaps(_hide(trial, *holes), marker_set=SET)
    for marker, first, stop in holes:
        done = filled.method[first:stop, marker] > 0
        assert done.all() or not done.any()
        error = filled.trial.positions_mm[first:stop, marker] - trial.positions_mm[first:stop, marker]
        assert np.isnan(error[~done]).all()
        # Whatever was filled is within what is said of it.
        assert np.mean(np.abs(error[done]) <= 3 * filled.sigma_mm[first:stop, marker, None][done]) > 0.9


def test_a_filled_marker_serves_as_mate_of_a_longer_gap_and_its_error_is_passed_on():
    trial = _trial()
    keep = [LABELS.index(label) for label in ("A1", "A2", "A3", "A4")]
    four = replace(
        trial,
        labels=tuple(LABELS[i] for i in keep),
        positions_mm=trial.positions_mm[:, keep],
        residuals=trial.residuals[:, keep],
    )
    whole = fill_gaps(_hide(four, (3, 200, 290)))
    flicker = fill_gaps(_hide(four, (3, 200, 290), (0, 230, 240)))
    assert (whole.method[200:290, 3] > 0).all()
    assert (flicker.method[200:290, 3] > 0).all()
    assert flicker.sigma_mm[235, 3] >= flicker.sigma_mm[235, 0]


def test_a_marker_that_is_missing_throughout_stays():
    filled = fill_gaps(_hide(_trial(), (A4, 0, 600)), marker_set=SET)
    assert np.isnan(filled.trial.positions_mm[:, A4]).all()
    assert filled.report.notes == ("A4: the gap of 6.00 s (frames 1 to 600) stays: it is missing in the whole trial",)


def test_a_marker_that_is_hardly_seen_stays():
    filled = fill_gaps(_hide(_trial(), (A4, 0, 300), (A4, 320, 325), (A4, 335, 600)), marker_set=SET)
    assert (filled.method[:, A4] <= 0).all()
    assert "too rarely" in filled.report.notes[0]


def test_all_markers_missing():
    trial = _trial(50)
    filled = fill_gaps(replace(trial, positions_mm=np.full_like(trial.positions_mm, np.nan)), marker_set=SET)
    assert (filled.method == -1).all()
    assert filled.report.filled_share == 0
    assert filled.report.missing_share == 1


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_a_trial_too_short_to_try_anything_keeps_its_gaps(frames):
    trial = _hide(_trial(frames=10), (A4, 1, 2))
    short = replace(trial, positions_mm=trial.positions_mm[:frames], residuals=trial.residuals[:frames])
    filled = fill_gaps(short, marker_set=SET)
    np.testing.assert_array_equal(filled.trial.positions_mm, short.positions_mm)
    assert len(filled.report.notes) == (frames > 1)


def test_no_markers():
    empty = MarkerTrial((), np.zeros((5, 0, 3)), RATE_HZ, 1, np.zeros((5, 0)))
    filled = fill_gaps(empty)
    assert filled.method.shape == (5, 0)
    assert filled.report.rows == ()


def test_a_negative_residual_is_a_gap():
    trial = _trial()
    residuals = trial.residuals.copy()
    residuals[200:210, A4] = -1.0
    wrong = trial.positions_mm.copy()
    wrong[200:210, A4] = 0.0
    filled = fill_gaps(replace(trial, positions_mm=wrong, residuals=residuals), marker_set=SET)
    assert _error(filled, trial, A4, 200, 210).max() < 2.0
    assert (filled.method[200:210, A4] > 0).all()
    assert filled.report.notes == ("10 samples with a negative residual counted as missing",)


def test_one_coordinate_missing_is_a_gap():
    trial = _trial()
    positions = trial.positions_mm.copy()
    positions[200:210, A4, 1] = np.nan
    filled = fill_gaps(replace(trial, positions_mm=positions), marker_set=SET)
    assert np.isfinite(filled.trial.positions_mm).all()
    assert (filled.method[200:210, A4] > 0).all()


def test_same_input_same_bytes_and_the_frame_of_the_room_does_not_matter():
    trial = _hide(_trial(), (A4, 200, 250), (T5, 100, 104))
    one, two = fill_gaps(trial, marker_set=SET), fill_gaps(trial, marker_set=SET)
    assert one.trial.positions_mm.tobytes() == two.trial.positions_mm.tobytes()
    turn = Rotation.from_rotvec([0.4, -1.0, 2.0]).as_matrix()
    moved = fill_gaps(replace(trial, positions_mm=trial.positions_mm @ turn.T + 1000.0), marker_set=SET)
    np.testing.assert_allclose(moved.trial.positions_mm, one.trial.positions_mm @ turn.T + 1000.0, atol=1e-6)
    np.testing.assert_allclose(moved.sigma_mm, one.sigma_mm, atol=1e-6)


def test_the_static_trial_tells_a_joint_that_the_take_does_not_show():
    """Nobody moves in the take, so all distances are steady; in the static trial the arm was bent."""
    bent = _trial(frames=200)
    still = replace(bent, positions_mm=np.repeat(bent.positions_mm[150:151], 200, axis=0))
    rng = np.random.default_rng(0)
    still = replace(still, positions_mm=still.positions_mm + rng.normal(0, 0.1, still.positions_mm.shape))
    change = np.ptp(np.linalg.norm(bent.positions_mm[:, 5:, None] - bent.positions_mm[:, None, :5], axis=-1), axis=0)
    arm, trunk = np.unravel_index(np.argmax(change), change.shape)
    arm += 5
    apart = np.linalg.norm(bent.positions_mm[:, arm] - bent.positions_mm[:, trunk], axis=-1)
    other = int(np.argmax(np.abs(apart - apart[150])))
    without = kinship(still.positions_mm, still.valid, LABELS)
    assert without.rigid[arm, trunk]
    static = replace(
        bent, positions_mm=np.repeat(bent.positions_mm[other : other + 1], 50, axis=0), residuals=np.zeros((50, 9))
    )
    told = kinship(still.positions_mm, still.valid, LABELS, static=static)
    assert not told.rigid[arm, trunk]
    assert told.rigid[arm, 5:].sum() >= 3
