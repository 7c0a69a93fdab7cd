"""The skeleton fit on one small simulated recording, against its exact joint centres.

One player and a few seconds: the bounds are about twice the accuracy that docs/science states over many, so that they
find what is broken and not what is tuned.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from viodat.body import joint_centres
from viodat.body.skeleton.fit import fit_skeleton
from viodat.body.skeleton.result import SkeletonFit
from viodat.capture.c3d import read_c3d
from viodat.capture.markers import MarkerTrial
from viodat.joints import JOINT_INDEX, JOINTS
from viodat.synth.options import TwinOptions
from viodat.synth.twin import write_twin

MEDIAN_MM = {
    "wrist": 10.0, "ankle": 10.0, "index": 10.0, "pinky": 10.0, "thumb": 10.0,
    "elbow": 14.0, "knee": 14.0, "shoulder": 25.0, "pelvis": 22.0,
}  # fmt: skip
BONES = (("pelvis", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "index"),
         ("wrist", "pinky"))  # fmt: skip


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = tmp_path_factory.mktemp("skeleton") / "raw"
    write_twin(
        raw,
        TwinOptions(participants=1, trials=1, seconds=6.0, seed=77, cameras=1, video=False, rom_seconds=20.0,
                    device_start_s=0.2),
    )  # fmt: skip
    return raw


@pytest.fixture(scope="module")
def take(twin: Path) -> MarkerTrial:
    return read_c3d(twin / "P04/P04T01.c3d")


@pytest.fixture(scope="module")
def static(twin: Path) -> MarkerTrial:
    return read_c3d(twin / "P04/P04_static.c3d")


@pytest.fixture(scope="module")
def rom(twin: Path) -> MarkerTrial:
    return read_c3d(twin / "P04/P04_rom.c3d")


@pytest.fixture(scope="module")
def truth(twin: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times (F,) s and joint centres (F, 18, 3) mm."""
    table = pq.read_table(twin / "truth/joints/P04T01.parquet")
    joints = np.array(table["joints_mm"].to_pylist(), dtype=float).reshape(-1, 18, 3)
    return np.array(table["time_ns"].to_pylist()) / 1e9, joints


@pytest.fixture(scope="module")
def fitted(take: MarkerTrial, static: MarkerTrial, rom: MarkerTrial) -> SkeletonFit:
    return fit_skeleton(take, static=static, rom=rom)


def medians(found: SkeletonFit, truth: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """Median distance in mm by joint; NaN frames are left out."""
    error = np.linalg.norm(found.joints(truth[0]) - truth[1], axis=-1)
    return {joint: float(np.nanmedian(error[:, i])) for i, joint in enumerate(JOINTS)}


def test_every_joint_is_near_the_truth(fitted, truth, capsys):
    found = medians(fitted, truth)
    with capsys.disabled():
        print("\n\nMedian error, mm: " + ", ".join(f"{joint} {value:.1f}" for joint, value in found.items()))
    for joint, value in found.items():
        assert value < MEDIAN_MM[joint.split("_")[1]], joint
    share = np.isfinite(fitted.joints(truth[0])).all(axis=-1).mean(axis=0)
    assert share.min() > 0.8


def test_no_frame_is_far_from_the_rest(fitted, truth):
    error = fitted.joints(truth[0]) - truth[1]
    away = np.linalg.norm(error - np.nanmedian(error, axis=0), axis=-1)
    for i, joint in enumerate(JOINTS):
        assert np.nanpercentile(away[:, i], 99) < 15.0, joint
        # Nine sigma of three coordinates: nothing that is given is far wrong.
        sigma = fitted.sigma_mm(truth[0])[:, i]
        assert not (np.linalg.norm(error[:, i], axis=-1) > 5 * np.sqrt(3) * sigma).any(), joint


def test_sigma_covers_the_errors(fitted, truth):
    error = np.abs(fitted.joints(truth[0]) - truth[1])
    sigma = fitted.sigma_mm(truth[0])[..., None]
    known = np.isfinite(error)
    # One player: his 18 constant offsets are nearly all there is, so the share says little more than that.
    assert (error <= 2 * sigma)[known].mean() > 0.8
    assert (error <= 0.1 * sigma)[known].mean() < 0.5


def test_bones_are_of_constant_length(fitted):
    for a, b in BONES:
        for side in ("left", "right"):
            ends = [fitted.positions_mm[:, JOINT_INDEX[f"{side}_{joint}"]] for joint in (a, b)]
            length = np.linalg.norm(ends[0] - ends[1], axis=-1)
            assert np.nanmax(length) - np.nanmin(length) < 1e-6, f"{side} {a}-{b}"


def test_velocities_are_those_of_the_truth(fitted, truth):
    times, joints = truth
    speed = np.gradient(joints, times, axis=0)
    found = fitted.velocities(times)
    for joint in ("left_wrist", "right_wrist", "right_elbow", "right_index"):
        i = JOINT_INDEX[joint]
        known = np.isfinite(found[:, i]).all(axis=-1)
        known[:3] = known[-3:] = False
        miss = np.linalg.norm(found[known, i] - speed[known, i], axis=-1)
        assert np.median(miss) < 0.1 * np.percentile(np.linalg.norm(speed[known, i], axis=-1), 90) + 5.0, joint


@pytest.mark.parametrize("joint", ["left_wrist", "left_index", "right_wrist"])
def test_what_moves_at_the_vibratos_rate_keeps_its_size_and_its_time(fitted, truth, joint):
    i = JOINT_INDEX[joint]
    times, joints = truth
    ours, theirs = fitted.joints(times)[:, i], joints[:, i]
    known = np.isfinite(ours).all(axis=-1)
    ours = np.stack([np.interp(times, times[known], x[known]) for x in ours.T], axis=-1)
    window = np.hanning(len(times))[:, None]
    hz = np.fft.rfftfreq(len(times), 1 / fitted.rate_hz)
    band = (hz >= 4.0) & (hz <= 8.0)
    a, b = (np.fft.rfft(window * (x - x.mean(axis=0)), axis=0)[band] for x in (theirs, ours))
    gain = np.vdot(a, b) / np.vdot(a, a)
    assert 0.9 < np.abs(gain) < 1.15
    middle = np.average(hz[band], weights=(np.abs(a) ** 2).sum(axis=1))
    assert abs(np.angle(gain)) / (2 * np.pi * middle) < 2e-3


def test_it_is_nearer_than_frame_by_frame(fitted, take, static, truth):
    framewise = joint_centres(take, static=static)
    nearest = np.searchsorted(framewise.times_s, truth[0] - 1e-6)
    error = np.linalg.norm(framewise.positions_mm[nearest] - truth[1], axis=-1)
    ours = medians(fitted, truth)
    with np.errstate(all="ignore"):
        theirs = {joint: float(np.nanmedian(error[:, i])) for i, joint in enumerate(JOINTS)}
    compared = [joint for joint in JOINTS if np.isfinite(theirs[joint])]
    better = [joint for joint in compared if ours[joint] < theirs[joint]]
    assert len(better) >= 0.6 * len(compared), {joint: (ours[joint], theirs[joint]) for joint in compared}


def test_without_a_range_of_motion_trial(take, static, truth):
    found = medians(fit_skeleton(take, static=static), truth)
    for joint, value in found.items():
        assert value < MEDIAN_MM[joint.split("_")[1]] + (10.0 if joint.endswith("pelvis") else 5.0), joint


def test_without_a_static_trial(take, truth):
    found = fit_skeleton(take)
    assert any("no static trial" in note for note in found.report.notes)
    for joint, value in medians(found, truth).items():
        assert not value > 45.0, joint
    assert np.isfinite(found.positions_mm[:, JOINT_INDEX["left_wrist"]]).any()
