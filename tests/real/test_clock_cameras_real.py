"""Four real cameras that were started by one trigger: their mutual offsets from the keypoints alone."""

from __future__ import annotations

import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from viodat.build.keypoints import keypoints_from_file
from viodat.build.raw import open_raw
from viodat.capture.video import read_video_times
from viodat.clock import Device, Picture, TrialEvidence
from viodat.clock.evidence.cameras import cameras
from viodat.errors import ViodatWarning

HALF_FRAME_S = 0.5 / 60


@pytest.fixture(scope="module")
def devices(real_data):
    raw = open_raw(real_data / "multiview", Path(__file__).parent / "multiview.toml")
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ViodatWarning)
        for recording in raw.layout.trials[0].recordings:
            times = read_video_times(recording.video)
            seen = keypoints_from_file(recording, times, raw.config)
            fit = raw.config.cameras.fit.get(recording.device, "guess")
            camera = raw.cameras[recording.device].fitted_to(times.size_px, fit)
            found.append(Device(recording.device, None, Picture(times.times_s, seen.px, seen.confidence, camera)))
    return found


@pytest.mark.parametrize("shifts_s", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.137, -0.2, 0.05)])
def test_offsets_of_synchronous_cameras_are_within_half_a_frame(devices, shifts_s):
    by_name = dict(zip([device.name for device in devices], shifts_s, strict=True))
    moved = tuple(
        Device(
            device.name,
            None,
            Picture(
                device.picture.times_s + by_name[device.name],
                device.picture.px,
                device.picture.confidence,
                device.picture.camera,
            ),
        )
        for device in devices
    )
    found = {(one.a.device, one.b.device): one for one in cameras(TrialEvidence(None, moved))}
    assert set(found) == set(combinations(sorted(by_name), 2))
    for (a, b), one in found.items():
        assert one.best.lag_s == pytest.approx(by_name[b] - by_name[a], abs=HALF_FRAME_S), (a, b)
        assert one.best.log_odds > 5


def test_noise_and_lost_joints_leave_it_within_half_a_frame(devices):
    rng = np.random.default_rng(0)
    spoilt = []
    for device in devices:
        px = device.picture.px + 2.0 * rng.standard_normal(device.picture.px.shape)
        px[rng.random(px.shape[:2]) < 0.1] = np.nan
        spoilt.append(
            Device(
                device.name, None, Picture(device.picture.times_s, px, device.picture.confidence, device.picture.camera)
            )
        )
    for one in cameras(TrialEvidence(None, tuple(spoilt))):
        assert abs(one.best.lag_s) < HALF_FRAME_S
