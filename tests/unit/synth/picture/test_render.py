from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.unit.synth.picture.bodies import made
from viodat.joints import BONES, JOINTS
from viodat.synth.picture.figure import Look, figures_of
from viodat.synth.picture.render import Camera, prepare, render
from viodat.synth.picture.solids import Figure, Finish, Modeller

SIZE = (640, 360)
RED, BLUE = Finish((255, 0, 0)), Finish((0, 0, 255))


def camera_at(place, target, distortion=(-0.06, 0.02, 0.0005, -0.0003, 0.004), focal=500.0):
    centre = np.array(place, float)
    forward = np.array(target, float) - centre
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[focal, 0, SIZE[0] / 2 + 3.5], [0, focal * 1.01, SIZE[1] / 2 - 2.0], [0, 0, 1.0]])
    return Camera(SIZE, matrix, np.array(distortion), rotation, -rotation @ centre)


@pytest.fixture(scope="module")
def stage():
    return prepare(camera_at((3100, 250, 1350), (100, 0, 900)))


def project(camera, points):
    vector = cv2.Rodrigues(camera.rotation)[0]
    flat = np.reshape(np.asarray(points, float), (-1, 3))
    return cv2.projectPoints(flat, vector, camera.translation, camera.matrix, camera.distortion)[0][:, 0]


def ball(at, radius_mm, finish=RED):
    return Modeller(1).ellipsoid(np.array([at], float), np.eye(3)[None], (radius_mm,) * 3, finish).built()[0]


def coverage(figure: Figure, stage) -> np.ndarray:
    """(H, W) how much the picture differs from the empty room's."""
    image = render(lambda _: figure, stage, 0.0)
    return np.abs(image.astype(int) - stage.empty).max(axis=-1)


def alpha(figure: Figure, stage) -> np.ndarray:
    """(H, W) share of each pixel that the figure covers: what a white background adds to the light of a black one."""
    light = []
    for shade in (0, 255):
        plain = replace(stage, empty=np.full_like(stage.empty, shade), floor=np.full_like(stage.floor, np.nan))
        light.append((render(lambda _: figure, plain, 0.0)[..., 1] / 255.0) ** 2)
    return 1 - (light[1] - light[0])


def player(plays=True, height_mm=1700.0):
    body = made(height_mm, plays, shifts=((0, 0, 0), (30, 10, 0)))
    return body, figures_of(body, Look(scale=height_mm / 1700))


@pytest.fixture(scope="module")
def violinist():
    return player()


# Also near the corners, where the lens bends most.
@pytest.mark.parametrize("pixel", [(320, 170), (60, 40), (600, 60), (90, 250), (590, 240)])
@pytest.mark.parametrize(
    "distortion", [(-0.06, 0.02, 0.0005, -0.0003, 0.004), (0.15, -0.1, -0.002, 0.003, 0.02), (0,) * 5]
)
def test_a_balls_outline_is_where_opencv_projects_it(pixel, distortion):
    camera = camera_at((3100, 250, 1350), (100, 0, 900), distortion)
    stage = prepare(camera)
    ray = np.append(cv2.undistortPoints(np.array([[pixel]], float), camera.matrix, camera.distortion)[0, 0], 1.0)
    towards = camera.rotation.T @ ray
    eye = -camera.rotation.T @ camera.translation
    centre, radius = eye + 2200 * towards, 120.0
    covered = alpha(ball(centre, radius), stage)
    # The outline: the circle in which the cone of rays from the eye touches the ball.
    distance = np.linalg.norm(centre - eye)
    along = (centre - eye) / distance
    across = np.cross(along, [0, 0, 1.0])
    across /= np.linalg.norm(across)
    angle = np.linspace(0, 2 * np.pi, 720)[:, None]
    sine = radius / distance
    circle = eye + distance * (1 - sine**2) * along
    circle = circle + radius * np.sqrt(1 - sine**2) * (np.cos(angle) * across + np.sin(angle) * np.cross(along, across))
    outline = project(camera, circle)
    filled = np.zeros((SIZE[1] * 8, SIZE[0] * 8), np.uint8)
    cv2.fillPoly(filled, [np.rint((outline + 0.5) * 8 - 0.5).astype(np.int32)], 1)
    expected = filled.reshape(SIZE[1], 8, SIZE[0], 8).mean(axis=(1, 3))
    # Eight rays per pixel of the edge: no pixel is off by more than a few of them, area and middle by hundredths.
    assert np.abs(covered - expected).max() <= 0.4
    assert covered.sum() == pytest.approx(expected.sum(), rel=0.01)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    found, middle = (np.array([(w * x).sum(), (w * y).sum()]) / w.sum() for w in (covered, expected))
    np.testing.assert_allclose(found, middle, atol=0.1)
    small = alpha(ball(centre, 30.0), stage)
    found = np.array([(small * x).sum(), (small * y).sum()]) / small.sum()
    np.testing.assert_allclose(found, project(camera, centre)[0], atol=0.2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_solid_hides_the_farther(stage, order):
    modeller = Modeller(1)
    solids = [((600.0, 0.0, 1000.0), 150.0, RED), ((-600.0, -120.0, 950.0), 400.0, BLUE)]
    for at, radius, finish in (solids[i] for i in order):
        modeller.ellipsoid(np.array([at]), np.eye(3)[None], (radius,) * 3, finish)
    image = render(lambda _: modeller.built()[0], stage, 0.0).astype(int)
    x, y = np.rint(project(stage.camera, solids[0][0])[0]).astype(int)
    assert image[y, x, 0] > image[y, x, 2] + 60
    x, y = np.rint(project(stage.camera, (-600, -400, 950))[0]).astype(int)
    assert image[y, x, 2] > image[y, x, 0] + 60


def test_solids_that_cross_share_their_pixels_by_depth(stage):
    # Two limbs crossed: each is in front on one side of the place where they meet.
    modeller = Modeller(1)
    for start, end, finish in (
        ((400, -300, 1000), (-400, 300, 1000), RED),
        ((-400, -300, 1000), (400, 300, 1000), BLUE),
    ):
        modeller.limb(np.array([start], float), np.array([end], float), (80.0, 80.0), finish)
    image = render(lambda _: modeller.built()[0], stage, 0.0).astype(int)
    for point, channel in (((380, -285, 1000), 0), ((380, 285, 1000), 2)):
        x, y = np.rint(project(stage.camera, point)[0]).astype(int)
        assert image[y, x, channel] > image[y, x, 2 - channel] + 60


@pytest.mark.parametrize("behind_mm", [500.0, 3000.0])
def test_nothing_behind_the_camera_is_drawn(stage, behind_mm):
    camera = stage.camera
    eye, forward = -camera.rotation.T @ camera.translation, camera.rotation[2]
    image = render(lambda _: ball(eye - behind_mm * forward, 100.0), stage, 0.0)
    behind = np.abs(image.astype(int) - stage.empty).max(axis=-1)
    assert behind[: SIZE[1] // 3].max() == 0, "above the floor there is no shadow either"
    assert (image <= stage.empty).all(), "at most a shadow"


def test_a_limb_that_passes_the_camera_is_drawn_in_front_of_it_only(stage):
    camera = stage.camera
    eye = -camera.rotation.T @ camera.translation
    side = eye + 200 * camera.rotation[0]
    start, end = (side + s * 1500 * camera.rotation[2] for s in (-1, 1))
    limb = Modeller(1).limb(start[None], end[None], (60.0, 60.0), RED).built()[0]
    image = render(lambda _: limb, stage, 0.0).astype(int)
    red = (image[..., 0] > image[..., 1] + 60) & (image[..., 1] < 120)
    x, y = np.rint(project(camera, end)[0]).astype(int)
    assert red[y, x]
    assert not red[:, : SIZE[0] // 3].any(), "nothing of the part behind appears mirrored"


def test_a_frame_is_the_same_every_time_and_has_the_pictures_form(stage, violinist):
    image = render(lambda _: violinist[1][0], stage, 0.0)
    assert (image.shape, image.dtype) == ((SIZE[1], SIZE[0], 3), np.uint8)
    np.testing.assert_array_equal(image, render(lambda _: player()[1][0], prepare(stage.camera), 0.0))
    assert not np.array_equal(image, stage.empty)


@pytest.mark.parametrize("place", [(3100, 250, 1350), (2250, 2200, 1450), (2250, -2200, 1450), (100, 3200, 1400)])
@pytest.mark.parametrize("height_mm", [1250.0, 1700.0, 1880.0])
def test_the_body_lies_around_its_joints(place, height_mm):
    stage = prepare(camera_at(place, (100, 0, 900)))
    body, clothed = player(height_mm > 1500, height_mm)
    for instant in range(2):
        changed = alpha(clothed[instant], stage) > 0.5
        for a, b in BONES:
            ends = [body.joint(name)[instant] for name in (a, b)]
            for x, y in np.rint(project(stage.camera, np.linspace(*ends, 5))).astype(int):
                assert changed[y - 1 : y + 2, x - 1 : x + 2].mean() > 0.3, (a, b)


def test_a_limbs_pixels_lie_around_its_joints(stage, violinist):
    body, clothed = violinist
    figure = clothed[0]
    # Seen alone, a forearm's solids keep within its thickness of the line between its joints.
    ends = np.array([body.joint(f"left_{name}")[0] for name in ("elbow", "wrist")])
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    middle = figure.origin + figure.axes[..., 2] * figure.shape[:, :1] / 2
    share = (middle - ends[0]) @ along / np.linalg.norm(ends[1] - ends[0])
    near = np.linalg.norm(middle - ends[0] - np.outer((middle - ends[0]) @ along, along), axis=1) < 30
    chosen = np.nonzero(near & (share > 0.05) & (share < 0.95) & (figure.shape[:, 1] > 25))[0]
    assert chosen.size >= 3
    alone = Figure(figure.origin, figure.axes, figure.shape, figure.surfaces)
    hidden = alone.origin.copy()
    hidden[np.setdiff1d(np.arange(len(hidden)), chosen)] = [20_000.0, 0, 1000]
    changed = coverage(Figure(hidden, alone.axes, alone.shape, alone.surfaces), stage) > 40
    changed[SIZE[1] // 2 :] = False
    rows, columns = np.nonzero(changed)
    line = project(stage.camera, np.linspace(*ends, 50))
    apart = np.min(np.linalg.norm(np.stack([columns, rows], -1)[:, None] - line, axis=-1), axis=1)
    thickness = 50 * 500 / 2600
    assert rows.size > 100
    assert apart.max() < thickness
    reached = np.min(np.linalg.norm(np.stack([columns, rows], -1)[:, None] - line, axis=-1), axis=0)
    assert reached.max() < np.sqrt(2), "a pixel's diagonal"


def test_each_row_has_its_own_time():
    stage = prepare(camera_at((3100, 0, 1350), (0, 0, 1350), (0,) * 5))
    speed, readout = 2000.0, 0.03
    pole = [np.array([[0, -300.0, z]]) for z in (600.0, 2100.0)]

    def scene_at(t):
        moved = [end + np.array([0, speed * t, 0]) for end in pole]
        return Modeller(1).limb(*moved, (40.0, 40.0), RED).built()[0]

    def place(image, row):
        red = (image[row, :, 0].astype(int) > image[row, :, 1].astype(int) + 60).nonzero()[0]
        return red.mean()

    still = render(scene_at, stage, 0.05)
    rolled = render(scene_at, stage, 0.05, readout_s=readout)
    for row in (70, 130, 200, 270):
        expected = speed * readout * row / (SIZE[1] - 1) * 500 / 3100
        assert place(rolled, row) - place(still, row) == pytest.approx(expected, abs=0.9)


# The longest exposure of the simulated phones at a fast bow, and one far beyond it, where the faint ends suffer.
@pytest.mark.parametrize(
    ("speed", "exposure", "wide", "light"), [(3000.0, 0.012, 0.015, 0.01), (2000.0, 0.04, 0.02, 0.025)]
)
def test_motion_is_blurred_over_the_exposure(stage, speed, exposure, wide, light):
    plain = replace(stage, empty=np.zeros_like(stage.empty), floor=np.full_like(stage.floor, np.nan))

    def profile(time_s, exposure_s):
        image = render(lambda t: ball((0, speed * t, 1000), 60.0), plain, time_s, exposure_s=exposure_s)
        return ((image[..., 0] / 255.0) ** 2).sum(axis=0)

    def deviation(profile):
        place = np.arange(SIZE[0]) - np.average(np.arange(SIZE[0]), weights=profile)
        return np.sqrt(np.average(place**2, weights=profile))

    # A sharp picture is 6 and 20 % narrower.
    instants = exposure * ((np.arange(16) + 0.5) / 16 - 0.5)
    mean, blurred = np.mean([profile(t, 0.0) for t in instants], axis=0), profile(0.0, exposure)
    assert deviation(profile(0.0, 0.0)) < deviation(mean) * (1 - 3 * wide)
    assert deviation(blurred) == pytest.approx(deviation(mean), rel=wide)
    assert blurred.sum() == pytest.approx(mean.sum(), rel=light)


def test_a_thin_moving_solid_keeps_its_light(stage):
    # A bow's stick is thinner than a pixel's step between two instants: it must neither vanish nor become dots.
    plain = replace(stage, empty=np.zeros_like(stage.empty), floor=np.full_like(stage.floor, np.nan))

    def light_of(speed):
        def scene_at(t):
            ends = (np.array([[0, y, 1000 + 0.3 * y + speed * t]]) for y in (-300.0, 300.0))
            return Modeller(1).limb(*ends, (4.0, 4.0), Finish((255, 255, 255))).built()[0]

        image = render(scene_at, plain, 0.0, exposure_s=0.01)[..., 1].astype(float)
        return (image / 255) ** 2

    still, moved = light_of(1e-3), light_of(3000.0)
    assert moved.sum() == pytest.approx(still.sum(), rel=0.08)
    per_column = moved.sum(axis=0)[300:340]
    assert per_column.std() < 0.25 * per_column.mean(), "no dots along the stick"
    assert moved.max() < 0.6 * still.max(), "spread over the exposure"


def test_a_blurred_picture_is_the_mean_of_sharp_ones():
    # Neighbouring pixels look at different instants. Where a limb moves in front of another one of its colour, and
    # along its own shadowless outline, the picture is still smooth: the mean over the exposure.
    stage = prepare(camera_at((3100, 0, 1350), (0, 0, 1350), (0,) * 5))
    exposure = 0.01

    def scene_at(t):
        modeller = Modeller(1)
        modeller.limb(np.array([[0, -400.0, 1350]]), np.array([[0, 400.0, 1350]]), (90.0, 90.0), RED)
        at = 4000.0 * t
        return modeller.limb(np.array([[88.0, at, 1200]]), np.array([[88.0, at, 1500]]), (12.0, 12.0), RED).built()[0]

    blurred = render(scene_at, stage, 0.0, exposure_s=exposure).astype(float)
    instants = exposure * ((np.arange(16) + 0.5) / 16 - 0.5)
    sharp = np.mean([(render(scene_at, stage, t).astype(float) / 255) ** 2 for t in instants], axis=0)
    error = blurred - 255 * np.sqrt(sharp)
    moved = np.abs(render(scene_at, stage, -0.01).astype(int) - render(scene_at, stage, 0.01)).max(axis=-1) > 8
    assert moved.sum() > 500
    assert np.sqrt(np.mean(error[moved] ** 2)) < 9
    assert np.abs(error).max() < 80


def test_cloth_is_not_black_where_it_turns_away():
    # Folds bend the normal. Bent away from the camera at an outline, it is not turned round as inside a shell.
    stage = prepare(camera_at((2200, 0, 1000), (0, 0, 1000), (0,) * 5, focal=900.0))

    def limb(folds):
        ends = (np.array([[s * 500.0, s * 300.0, 1000.0]]) for s in (-1, 1))
        return Modeller(1).limb(*ends, (80.0, 80.0), Finish((120, 120, 180), folds=folds)).built()[0]

    plain, folded = (
        render(lambda _, f=f: limb(f), stage, 0.0)[: SIZE[1] // 2 - 20, :, 2].astype(int) for f in (0.0, 0.4)
    )
    assert (plain - folded).max() < 60


def test_folds_do_not_change_when_something_passes_in_front(stage):
    # Solids are drawn from near to far; the pattern of the cloth must not depend on that order.
    def scene(pole_x):
        modeller = Modeller(1)
        pole = (np.array([[pole_x, -700.0, z]]) for z in (600.0, 1400.0))
        modeller.limb(*pole, (30.0, 30.0), RED)
        sleeve = (np.array([[0.0, y, 1000.0]]) for y in (-300.0, 300.0))
        return modeller.limb(*sleeve, (90.0, 90.0), Finish((90, 120, 160), folds=0.3)).built()[0]

    before, after = (render(lambda _, x=x: scene(x), stage, 0.0) for x in (-300.0, 300.0))
    x, y = np.rint(project(stage.camera, (0, 100, 1000))[0]).astype(int)
    sleeve = slice(y - 12, y + 12), slice(x - 25, x + 25)
    # The texels of the shadows lie elsewhere, which is a few grey levels at their edge.
    assert np.abs(before[sleeve].astype(int) - after[sleeve]).max() <= 10
    assert np.ptp(before[sleeve][..., 2].astype(int)) > 20


def test_a_shadow_falls_on_the_floor_away_from_the_lamp(stage):
    darker = stage.empty.astype(int).sum(-1) - render(lambda _: ball((0, 0, 300), 200.0), stage, 0.0).astype(int).sum(
        -1
    )
    # The lamp stands to the front left: 300 mm up, the shadow lies 300 * (0.75, 0.55) / 1.15 farther back right.
    x, y = np.rint(project(stage.camera, (-196 * 2, -143 * 2, 0))[0]).astype(int)
    assert darker[y, x] > 20
    x, y = np.rint(project(stage.camera, (400, 300, 0))[0]).astype(int)
    assert darker[y, x] == 0


def test_eighteen_joints_are_within_the_body(violinist):
    body, clothed = violinist
    figure = clothed[0]
    for name in JOINTS:
        local = np.linalg.solve(figure.axes, (body.joint(name)[0] - figure.origin)[..., None])[..., 0]
        length, r0, r1 = figure.shape.T
        z = local[:, 2].clip(0, length)
        share = np.divide(z, length, out=np.zeros_like(z), where=length > 0)
        inside = np.linalg.norm(local - np.outer(z, [0, 0, 1]), axis=1) < (1 - share) * r0 + share * r1
        assert inside.any(), name


def test_a_limb_whose_across_points_along_it_still_has_axes():
    """The bridge of the violin is such a one: without a direction its axes were NaN, or rounding noise."""
    ends = np.array([[0.0, -15, 0]]), np.array([[0.0, 15, 0]])
    figure = Modeller(1).limb(*ends, (5.0, 5.0), Finish((200, 180, 150)), across=np.array([[0.0, 1, 0]])).built()[0]
    axes = np.asarray(figure.axes, dtype=float).reshape(-1, 3, 3)
    assert np.isfinite(axes).all()
    np.testing.assert_allclose(axes[0] @ axes[0].T, np.eye(3), atol=1e-9)
