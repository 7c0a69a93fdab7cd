"""Checks of a recording's clock, on views made by hand: what is told before any work, and what is not."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.unit.build.trials import raw
from viodat.build.checks import CHECKS
from viodat.build.checks.finding import Problem, RecordingView
from viodat.capture.audio import AudioSignal
from viodat.capture.markers import Movie
from viodat.capture.raw import RawRecording
from viodat.capture.video_times import video_times
from viodat.errors import CaptureError
from viodat.pose2d import Keypoints

FILES = RawRecording("P05C01T28", "P05", "P05T28", "C01", "camera", video=Path("P05C01T28.mp4"))


def view(
    config: dict | None = None, *, seconds: float = 12.0, sound: float | None = 0.1, seen: bool = False, **values
) -> RecordingView:
    stamps = np.arange(round(25 * seconds), dtype=np.int64)
    times = video_times(
        stamps, Fraction(1, 25), source=Path("v.mp4"), timecode=values.pop("timecode", ""), nominal_hz=Fraction(25)
    )
    samples = np.full((round(8000 * seconds), 1), sound or 0.0, np.float32)
    heard = None if sound is None else AudioSignal(samples, 8000.0, 0.0, Path("v.mp4"))
    keypoints = Keypoints(np.zeros((len(stamps), 18, 2)), np.ones((len(stamps), 18))) if seen else None
    values = {"trial_s": (0.0, 12.0), **values}
    settings = raw(**{"pose2d": {"source": "files"}, **(config or {})})
    return RecordingView(settings, FILES, times, heard, keypoints, **values)


def found(check: str, one: RecordingView) -> list[Problem]:
    return list(CHECKS[check].find(one))


@pytest.mark.parametrize("kept", [{"sound": 0.1}, {"seen": True}, {"config": {"sync": {"offset_s": {"C01": 1.0}}}}])
def test_a_clock_that_something_may_tell_is_no_finding(kept):
    nothing = {"sound": 0.0, "seen": False, "config": None}
    assert found("clock-unknown", view(**nothing))
    assert not found("clock-unknown", view(**{**nothing, **kept}))


def test_a_muted_phone_without_keypoints_has_no_clock():
    (problem,) = found("clock-unknown", view(sound=0.0))
    assert "nothing tells its clock" in problem.problem
    assert found("clock-unknown", view(sound=None))


def test_a_file_that_cannot_be_read_is_told_once():
    assert not found("clock-unknown", view(sound=None, errors=(CaptureError("damaged"),)))


def test_clocks_that_are_not_asked_for_are_told_with_the_remedy():
    (problem,) = found("clock-unknown", view({"sync": {"method": "none"}}))
    assert problem.mend == 'Write method = "auto" into capture.toml [sync].'


def test_given_clocks_are_missed_where_none_is_given():
    (problem,) = found("clock-unknown", view({"sync": {"method": "given", "offset_s": {"C02": 0.0}}}))
    assert "is not given" in problem.problem


def test_statements_that_contradict_each_other_are_told_with_their_difference():
    config = {"sync": {"offset_s": {"C01": 1.0}, "sigma_ms": 5.0}}
    (problem,) = found("clock-claims", view(config, movies=(Movie("C01", 3.0),)))
    assert problem.problem == "capture.toml says that its zero is at 1.000 s, MOVIE_DELAY at 3.000 s"
    assert problem.value == pytest.approx(2.0)
    assert not found("clock-claims", view(config, movies=(Movie("C01", 1.1),)))
    assert not found("clock-claims", view({**config, "sync": {**config["sync"], "method": "given"}}))


@pytest.mark.parametrize(
    ("sync", "delay_s", "contradict"),
    [
        # A sound's offset against a picture's: four sigma of 10 ms and a frame at 25 Hz, and 50 ms of skew are 215 ms.
        ({"offset_s": {"C01": 1.0}}, 1.20, False),
        ({"offset_s": {"C01": 1.0}}, 1.23, True),
        # Two of pictures: four sigma of half a frame and a frame are 179 ms.
        ({"timecode": {"P05T28": "10:00:00:00"}}, 1.16, False),
        ({"timecode": {"P05T28": "10:00:00:00"}}, 1.20, True),
    ],
)
def test_statements_contradict_from_four_sigma_on_and_a_phones_skew(sync, delay_s, contradict):
    one = view({"sync": sync}, movies=(Movie("C01", delay_s),), timecode="10:00:01:00" if "timecode" in sync else "")
    assert bool(found("clock-claims", one)) is contradict


def test_two_movies_for_one_video_are_told():
    (problem,) = found("clock-claims", view(movies=(Movie("C01", 1.0), Movie("P05C01T28.mp4", 1.5))))
    assert "2 movies of the marker file are its video, C01 (1.000 s) and P05C01T28.mp4 (1.500 s)" in problem.problem
    config = {"sync": {"timecode": {"P05T28": "10:22:31:04"}}}
    both = view(config, movies=(Movie("C01", 1.0), Movie("v.P05C01T28.mp4", 1.5)), timecode="10:22:33:00")
    assert not found("clock-timecode", both)


def test_a_statement_that_puts_the_recording_into_another_time_is_told():
    (problem,) = found("clock-claims", view({"sync": {"offset_s": {"C01": -330.0}}}))
    assert "capture.toml says that its zero is at -330.000 s, which is not while the markers" in problem.problem
    assert found("clock-no-overlap", view({"sync": {"method": "given", "offset_s": {"C01": -330.0}}}))
    assert not found("clock-no-overlap", view({"sync": {"offset_s": {"C01": -330.0}}}))


@pytest.mark.parametrize("method", ["auto", "given"])
def test_an_offset_that_was_written_in_ms_is_recognised(method):
    config = {"sync": {"method": method, "offset_s": {"C01": 1645.4}}}
    (problem,) = found("clock-claims" if method == "auto" else "clock-no-overlap", view(config))
    assert "it counts in seconds: if it was meant in ms, write 1.6454" in problem.problem


def test_a_time_code_that_nobody_uses_is_told():
    given = {"sync": {"timecode": {"P05T28": "10:22:31:04"}}}
    (unused,) = found("clock-timecode", view(timecode="10:22:33:00"))
    assert "bears the time code 10:22:33:00" in unused.problem
    (absent,) = found("clock-timecode", view(given))
    assert "its video bears none" in absent.problem
    assert absent.mend is not None
    assert "leave P05T28 out of [sync.timecode]" in absent.mend
    _, beyond = found("clock-timecode", view({"sync": {"timecode": {"P05T28": "10:22:31:74"}}}))
    assert "capture.toml [sync.timecode] P05T28: there is no frame 74" in beyond.problem
    (impossible,) = found("clock-timecode", view(given, timecode="10:22:33:25"))
    assert "no frame 25" in impossible.problem
    assert not found("clock-timecode", view(given, timecode="10:22:33:00"))
    assert not found("clock-timecode", view())


def test_a_recording_that_is_much_shorter_than_the_trial_is_told():
    (problem,) = found("recording-short", view(seconds=6.0))
    assert "lasts 6.0 s, the markers 12.0 s" in problem.problem
    assert problem.value == pytest.approx(0.5)
    assert not found("recording-short", view())
    assert not found("recording-short", view(seconds=6.0, trial_s=None))
