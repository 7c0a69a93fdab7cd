"""From a dataset to the npz of VioDat v1.0 and back: the same numbers, and what the layout cannot hold is known."""

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate, resample_poly

import viodat
from viodat.dataset import export_dataset, paths
from viodat.dataset.importers import ImportOptions, import_published

SOUND_HZ = 8000


@pytest.fixture(scope="module")
def before(demo_out):
    return viodat.open_dataset(demo_out)


@pytest.fixture(scope="module")
def written(before, tmp_path_factory):
    folder = tmp_path_factory.mktemp("npz")
    return folder, export_dataset(before, folder, ["npz-v1"])


@pytest.fixture(scope="module")
def after(written, tmp_path_factory):
    folder, _ = written
    out = tmp_path_factory.mktemp("again") / "out"
    out.mkdir()
    import_published("viodat-v1", folder / "mmViolin_v1.0.npz", out, ImportOptions())
    return viodat.open_dataset(out)


def rows(dataset):
    return {row["recording"]: row for row in dataset.rows("recordings")}


def world(dataset, name, video):
    return dataset.camera(name).to_world(video.pose3d_mm.astype(float))


def test_motion_keypoints_and_2d_truth_are_the_same_numbers(before, after):
    for trial in before.trials["trial"]:
        np.testing.assert_array_equal(before.motion(trial).joints_mm, after.motion(trial).joints_mm)
    assert list(rows(before)) == list(rows(after))
    for name in rows(before):
        a, b = before.video(name), after.video(name)
        np.testing.assert_array_equal(a.pose2d_px, b.pose2d_px)
        np.testing.assert_array_equal(a.detected_px, b.detected_px)


def test_3d_truth_is_within_a_tenth_of_a_millimetre_of_the_archive(before, written):
    archive = np.load(written[0] / "mmViolin_v1.0.npz", allow_pickle=True)
    poses = archive["kp_optim_3d_vid"][()]
    for name in rows(before):
        np.testing.assert_allclose(poses[name], world(before, name, before.video(name)), atol=0.01)


def test_cameras_and_clocks_are_found_again_as_far_as_frames_are_even(before, after, written):
    """Only as far as that: the layout counts frames."""
    _, result = written
    (note,) = [note for note in result.notes if "stamps differ from a uniform rate" in note]
    for name, row in rows(before).items():
        a, b = before.video(name), after.video(name)
        zero_ns = int(before.motion(row["trial"]).time_ns[0])
        apart_ms = np.abs(b.time_ns + zero_ns - a.time_ns).max() / 1e6
        pixels = after.camera(name).project(world(after, name, b))
        off_px = np.nanmax(np.abs(pixels - a.pose2d_px))
        uneven = [float(part.split()[-2]) for part in note.split(": ")[1].split(", ") if name in part]
        print(f"\n{name}: {off_px:.2f} px, times up to {apart_ms:.1f} ms apart, stamps uneven by {uneven} ms")
        assert off_px < 0.3
        assert apart_ms < (2.0 + 1.5 * uneven[0] if uneven else 2.0)


def test_sound_is_the_same_rows_at_the_same_times(before, after):
    for name, row in rows(before).items():
        a, b = before.audio(name), after.audio(name)
        # Row 0 of the archive is at the first frame.
        first = int(np.argmin(np.abs(a.time_ns - before.video(name).time_ns[0])))
        count = min(len(b.features), len(a.features) - first)
        assert count > 200
        np.testing.assert_array_equal(b.features[:count], a.features[first : first + count])
        assert row["audio_rate_hz"] == 44100
        assert rows(after)[name]["audio_rate_hz"] == SOUND_HZ


def test_the_waveform_begins_with_the_first_frame(before, after):
    name = next(iter(rows(before)))
    own, rate_hz = soundfile.read(before.path / paths.waveform(name), always_2d=True)
    again, again_hz = soundfile.read(after.path / paths.waveform(name))
    assert again_hz == SOUND_HZ
    low = resample_poly(own.mean(1), 80, 441) if rate_hz == 44100 else pytest.fail("the twin's phones have 44.1 kHz")
    lag = int(np.argmax(correlate(low, again, "full"))) - (len(again) - 1)
    start_s = (before.video(name).time_ns[0] - before.audio(name).time_ns[0]) / 1e9
    assert lag == pytest.approx(start_s * SOUND_HZ, abs=1)


def test_what_is_not_in_the_layout_is_said(written):
    notes = " ".join(written[1].notes)
    for what in ("pickles", "audio_spectrogram", "--audio-rate 30"):
        assert what in notes
