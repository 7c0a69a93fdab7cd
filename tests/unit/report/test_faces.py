"""Pictures without faces: what stays sharp, what cannot be made out, and that doubt hides everything."""

import cv2
import numpy as np
import pytest

from viodat.joints import JOINTS
from viodat.report.faces import blur_faces

HEIGHT, WIDTH = 480, 640
PLACES = {
    "left_shoulder": (350, 150),
    "right_shoulder": (290, 150),
    "left_elbow": (375, 200),
    "right_elbow": (265, 200),
    "left_wrist": (385, 245),
    "right_wrist": (255, 245),
    "left_pelvis": (338, 235),
    "right_pelvis": (302, 235),
    "left_knee": (340, 310),
    "right_knee": (300, 310),
    "left_ankle": (342, 385),
    "right_ankle": (298, 385),
}
"""A player who faces the camera, 176 px to the metre: the head is about 42 px high, around (320, 105)."""
FACE = slice(80, 130), slice(300, 340)
TRUNK = slice(200, 225), slice(310, 330)
BYSTANDER = slice(100, 150), slice(100, 140)


@pytest.fixture
def image():
    """Every pixel of its own."""
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def pose(shift=(0, 0), missing=()):
    joints = np.full((len(JOINTS), 2), np.nan)
    for name, place in PLACES.items():
        if name not in missing:
            joints[JOINTS.index(name)] = np.array(place) + shift
    return joints


def hidden(image, blurred, part):
    """No pixel is as it was, and next to nothing of the detail is left."""
    return not (blurred[part] == image[part]).all(-1).any() and blurred[part].std() < 0.2 * image[part].std()


@pytest.mark.parametrize("projected", [True, False])
def test_the_body_is_kept_and_faces_are_hidden(image, projected):
    blurred = blur_faces(image, pose() if projected else None, pose())
    assert (blurred[TRUNK] == image[TRUNK]).all()
    assert hidden(image, blurred, FACE)
    assert hidden(image, blurred, BYSTANDER)
    assert blurred.shape == image.shape


@pytest.mark.parametrize(
    "detected",
    [None, np.full((18, 2), np.nan), pose(missing=("left_shoulder", "right_shoulder")), np.full((18, 2), np.inf)],
    ids=["none", "nothing", "no shoulder", "no place"],
)
def test_without_detected_shoulders_everything_is_hidden(image, detected):
    blurred = blur_faces(image, pose(), detected)
    assert hidden(image, blurred, np.s_[:, :])


def test_where_the_two_poses_disagree_nothing_is_kept(image):
    blurred = blur_faces(image, pose(shift=(300, 0)), pose())
    assert hidden(image, blurred, TRUNK)
    assert hidden(image, blurred, FACE)


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_shoulder_is_enough_to_hide_the_head(image, side):
    blurred = blur_faces(image, None, pose(missing=(f"{side}_shoulder",)))
    assert hidden(image, blurred, FACE)


def test_without_hips_the_head_is_above_the_shoulders(image):
    blurred = blur_faces(image, None, pose(missing=("left_pelvis", "right_pelvis")))
    assert hidden(image, blurred, FACE)


@pytest.mark.parametrize("angle", [-80, -40, 40, 80, 180])
def test_a_player_who_leans_or_a_turned_camera(image, angle):
    turn = cv2.getRotationMatrix2D((320, 240), angle, 1.0)
    turned = pose() @ turn[:, :2].T + turn[:, 2]
    x, y = turn @ (320, 105, 1)
    face = slice(max(0, int(y) - 18), int(y) + 18), slice(int(x) - 18, int(x) + 18)
    assert hidden(image, blur_faces(image, None, turned), face)


def test_nothing_but_averages_is_left():
    """Two pictures whose blocks have the same means become one."""
    flat = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    checked = flat.copy()
    checked[::2, ::2], checked[1::2, ::2] = 108, 148
    checked[::2, 1::2], checked[1::2, 1::2] = 148, 108
    difference = blur_faces(checked, None, None).astype(int) - blur_faces(flat, None, None)
    assert np.abs(difference).max() <= 1


def test_the_picture_itself_is_not_changed(image):
    before = image.copy()
    blur_faces(image, None, pose())
    assert (image == before).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, 2), (37, 53)])
@pytest.mark.parametrize("far", [1.0, 1e9])
def test_any_picture_and_any_place(size, far):
    image = np.zeros((*size, 3), np.uint8)
    assert blur_faces(image, pose() * far, pose() * far).shape == image.shape


def test_wrong_arguments(image):
    with pytest.raises(ValueError, match="image: expected"):
        blur_faces(image.astype(float), None, None)
    with pytest.raises(ValueError, match="detected_px: expected shape"):
        blur_faces(image, None, np.zeros((17, 2)))
