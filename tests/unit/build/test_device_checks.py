"""Checks of one recording's sound and pictures by themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.build.check_views import playing, problems, recording
from viodat.pose2d import Keypoints


def keypoints(px: np.ndarray) -> Keypoints:
    seen = np.isfinite(px).all(-1)
    return Keypoints(px, np.where(seen, 0.9, np.nan), image_size_px=(1280, 720))


IN_PICTURE = np.full((300, 18, 2), 400.0)


@pytest.mark.parametrize(
    "check",
    ["sound-silent", "sound-clipped", "sound-channels", "sound-even", "sound-clicks", "video-holes",
     "sound-picture-length", "player-unseen"],
)  # fmt: skip
def test_a_good_recording_has_no_finding(check):
    assert not problems(check, recording(keypoints=keypoints(IN_PICTURE)))


@pytest.mark.parametrize(("share", "word"), [(0.0, "is silent"), (0.5, "6.0 dB quieter")])
def test_a_bad_channel_is_told_with_its_number(share, word):
    (one,) = problems("sound-channels", recording(samples=np.hstack([playing(), share * playing()])))
    assert "2 channels, and channel 2" in one.problem
    assert word in one.problem
    assert not problems("sound-channels", recording(samples=np.hstack([playing(), 0.9 * playing()])))


def test_a_microphone_that_hears_its_own_noise_is_told():
    noise = np.random.default_rng(2).normal(0, 0.003, (96_000, 1)).astype(np.float32)
    (one,) = problems("sound-even", recording(samples=noise))
    assert one.value is not None
    assert one.value < 1
    assert not problems("sound-even", recording(samples=np.zeros((96_000, 1), np.float32)))


def _clicks(times_s: np.ndarray) -> np.ndarray:
    rate = 44_100
    sound = 1e-4 * np.random.default_rng(3).normal(size=12 * rate)
    click = np.random.default_rng(4).normal(size=400) * np.exp(-np.arange(400) / 60)
    for time in times_s:
        sound[round(time * rate) : round(time * rate) + 400] += click
    return sound[:, None].astype(np.float32)


@pytest.mark.parametrize("period", [0.5, 0.75])
def test_a_metronome_is_told_with_its_beat(period):
    one = recording()
    assert one.sound is not None
    ticking = replace(one.sound, samples=_clicks(np.arange(0.3, 11.5, period)), rate_hz=44_100.0)
    (told,) = problems("sound-clicks", replace(one, sound=ticking))
    assert f"every {period:.3f} s" in told.problem
    at_random = np.sort(np.random.default_rng(5).uniform(0.3, 11.5, 14))
    assert not problems("sound-clicks", replace(one, sound=replace(ticking, samples=_clicks(at_random))))


def test_holes_in_the_stamps_are_told():
    stamps = np.delete(np.arange(320), np.arange(100, 120))
    (one,) = problems("video-holes", recording(stamps=stamps))
    assert "20 of its frames are missing" in one.problem
    assert one.value == pytest.approx(21 / 25)
    assert not problems("video-holes", recording(stamps=np.delete(np.arange(301), 100)))
    assert problems("video-holes", recording(stamps=np.delete(np.arange(330), np.arange(3, 330, 11))))


def test_pictures_that_end_before_the_sound_are_told():
    (one,) = problems("sound-picture-length", recording(stamps=np.arange(200)))
    assert one.problem == "its pictures last 8.00 s and its sound 12.00 s"
    assert not problems("sound-picture-length", recording(stamps=np.arange(292)))


def test_sound_of_a_wrong_rate_is_longer_than_its_pictures():
    stretched = playing(12.0 * 48 / 44.1)
    assert problems("sound-picture-length", recording(samples=stretched))


def test_a_camera_that_shows_nobody_is_told():
    nobody = np.where(np.arange(300)[:, None, None] < 60, IN_PICTURE, np.nan)
    (one,) = problems("player-unseen", recording(keypoints=keypoints(nobody)))
    assert one.value == pytest.approx(0.2)
    (one,) = problems("player-unseen", recording(keypoints=keypoints(IN_PICTURE + 2000.0)))
    assert "player stands outside" in one.problem
