"""The value itself: what counts as missing, and how rows find their frames."""

from __future__ import annotations

import numpy as np
import pytest

from viodat.errors import CaptureError
from viodat.pose2d import Keypoints
from viodat.pose2d.keypoints import checked_frames, cleaned


def some(rows: int, **fields: object) -> Keypoints:
    px = np.arange(rows * 36, dtype=float).reshape(rows, 18, 2) + 1
    return Keypoints(px, np.full((rows, 18), 0.5), **fields)  # type: ignore[arg-type]


def test_missing_is_zero_nan_or_unrated() -> None:
    points = np.array([[[0.0, 0.0], [0.0, 7.0], [np.nan, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0]]])
    rated = np.array([[0.9, 0.8, 0.7, 0.0, 1.2, np.nan]])
    px, confidence, notes = cleaned(points, rated, where="a.npz")
    assert np.isfinite(px).all(-1).tolist() == [[False, True, False, False, True, False]]
    assert confidence[0, 1] == 0.8
    assert confidence[0, 4] == 1.0
    assert np.isnan(confidence[0, [0, 2, 3, 5]]).all()
    assert "1 confidences above 1" in notes[0]


def test_unknown_confidence_is_nan_and_the_point_stays() -> None:
    px, confidence, notes = cleaned(np.ones((2, 3, 2)), None, where="a.npz")
    assert np.isfinite(px).all()
    assert np.isnan(confidence).all()
    assert notes == ()


def test_coordinates_beyond_any_picture_are_refused() -> None:
    with pytest.raises(CaptureError, match=r"a\.npz: a coordinate of 2e\+05 px"):
        cleaned(np.array([[2e5, 1.0]]), None, where="a.npz")


def test_rows_find_their_frames_by_stamp() -> None:
    keypoints = some(3, pts=np.array([512, 0, 999]))
    placed = keypoints.on_frames(np.array([0, 256, 512, 768]))
    assert np.array_equal(placed.px[0], keypoints.px[1])
    assert np.array_equal(placed.px[2], keypoints.px[0])
    assert np.isnan(placed.px[[1, 3]]).all()
    assert np.isnan(placed.confidence[[1, 3]]).all()
    assert placed.pts is not None
    assert placed.pts.tolist() == [0, 256, 512, 768]
    assert any("1 rows bear a stamp" in note for note in placed.notes)
    assert any("2 of 4 frames" in note for note in placed.notes)


def test_rows_find_their_frames_by_index() -> None:
    placed = some(2, frame=np.array([3, 1])).on_frames(np.arange(5) * 10)
    assert np.flatnonzero(placed.seen.any(-1)).tolist() == [1, 3]
    assert placed.px[3, 0, 0] == 1.0


def test_without_numbers_the_counts_must_agree() -> None:
    assert some(4).on_frames(np.arange(4)).n_frames == 4
    with pytest.raises(CaptureError, match="4 rows for a video of 5 frames"):
        some(4).on_frames(np.arange(5))


def test_another_videos_keypoints_are_refused() -> None:
    with pytest.raises(CaptureError, match="none of the 2 stamps"):
        some(2, pts=np.array([7, 8])).on_frames(np.arange(5) * 100)
    with pytest.raises(CaptureError, match=r"frames 1 to 5 .*first_frame=1"):
        some(5, frame=np.arange(1, 6)).on_frames(np.arange(5))


@pytest.mark.parametrize("numbers", [[-1, 0], [3, 3], [10**15]])
def test_impossible_frame_numbers_are_refused(numbers: list[int]) -> None:
    with pytest.raises(CaptureError):
        checked_frames(np.array(numbers), where="a")


@pytest.mark.parametrize(
    "change", [{"px": np.zeros((2, 17, 2))}, {"confidence": np.zeros((3, 18))}, {"pts": np.zeros(1)}]
)
def test_shapes_are_held(change: dict[str, np.ndarray]) -> None:
    fields = {"px": np.ones((2, 18, 2)), "confidence": np.ones((2, 18)), **change}
    with pytest.raises(ValueError, match="expected shape"):
        Keypoints(**fields)  # type: ignore[arg-type]


def test_a_missing_joint_has_no_confidence() -> None:
    with pytest.raises(ValueError, match="must have confidence NaN"):
        Keypoints(np.full((1, 18, 2), np.nan), np.ones((1, 18)))
