"""What is said of a clock: each statement becomes the same offset, whichever way it was said."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from viodat.build.clock_claims import UNSTATED_SIGMA_S, claims_of, given_clock, movies_of
from viodat.build.options import sync_method
from viodat.capture.config import CaptureConfig
from viodat.capture.markers import Movie
from viodat.capture.raw import RawRecording
from viodat.capture.video_times import VideoTimes, video_times
from viodat.errors import ConfigError

FILES = RawRecording("P05C01T28", "P05", "P05T28", "C01", "camera", video=Path("P05C01T28.mp4"))


def times(first_s: float = 0.2, rate: Fraction = Fraction(25), timecode: str = "") -> VideoTimes:
    stamps = np.arange(50, dtype=np.int64) * round(90_000 / rate) + round(first_s * 90_000)
    return video_times(stamps, Fraction(1, 90_000), source=Path("v.mp4"), timecode=timecode, nominal_hz=rate)


def config(**sync: object) -> CaptureConfig:
    return CaptureConfig.model_validate({"sync": sync})


def test_an_offset_of_capture_toml_is_a_claim_of_its_own_sigma():
    claims, notes = claims_of(FILES, config(offset_s={"C01": 1.5}, sigma_ms=4.0), (), times(), 0.0, has_sound=True)
    (claim,) = claims
    assert (claim.source, claim.offset_s, claim.sigma_s, claim.of_picture) == ("capture.toml", 1.5, 0.004, False)
    assert notes == ()
    (claim,), _ = claims_of(FILES, config(offset_s={"C01": 1.5}), (), times(), 0.0, has_sound=True)
    assert claim.sigma_s == UNSTATED_SIGMA_S == 0.010


@pytest.mark.parametrize(
    ("of", "has_sound", "has_picture", "of_picture"),
    [
        ("sound", True, True, False),
        ("picture", True, True, True),
        ("sound", False, True, True),
        ("picture", True, False, False),
    ],
)
def test_what_an_offset_was_read_off(of, has_sound, has_picture, of_picture):
    """A device without sound can only have been read off its pictures, and the other way round."""
    stamps = times() if has_picture else None
    (claim,), _ = claims_of(FILES, config(offset_s={"C01": 1}, of=of), (), stamps, 0.0, has_sound=has_sound)
    assert claim.of_picture is of_picture


def test_an_offset_that_counts_from_a_sound_nobody_can_read_is_not_used():
    claims, notes = claims_of(FILES, config(offset_s={"C01": 1.5}), (), times(), None, has_sound=False)
    assert claims == ()
    assert "counts from its sound, which cannot be read" in notes[0]


def test_a_movie_delay_is_when_the_first_picture_was_taken():
    (claim,), _ = claims_of(FILES, config(), (Movie("C01", 0.75),), times(first_s=0.2), 0.05, has_sound=True)
    assert claim.source == "MOVIE_DELAY"
    assert claim.of_picture
    # The first picture is stamped 0.2 s, 0.15 s after the first sample of sound: there the mocap clock is at 0.75 s.
    assert claim.offset_s + 0.15 == pytest.approx(0.75)
    assert claim.sigma_s == pytest.approx(0.04)


def test_two_movies_for_one_video_say_nothing():
    movies = (Movie("C01", 0.0), Movie("P05C01T28.mp4", 1.0))
    assert movies_of(FILES, movies) == movies
    claims, notes = claims_of(FILES, config(), movies, times(), 0.0, has_sound=True)
    assert claims == ()
    assert notes == (
        "MOVIE_DELAY is not used: 2 movies of the marker file are its video, C01 (0.000 s) and P05C01T28.mp4 "
        "(1.000 s); leave one in POINT:MOVIE_ID",
    )


@pytest.mark.parametrize(
    ("video", "movie", "same"),
    [
        ("P05C01T28.mp4", "p05c01t28.MP4", True),
        ("P05C01T28.mp4", "D:\\Videos\\P05C01T28.mp4", True),
        ("P05T28.59675701.20150302.avi", "59675701", True),
        ("P05T28.59675701.20150302.avi", "5967570", False),
        ("P05C01T28.mp4", "C01", True),
        ("P05C01T28.mp4", "C02", False),
    ],
)
def test_a_movie_is_known_by_its_file_or_its_camera(video, movie, same):
    assert bool(movies_of(replace(FILES, video=Path(video)), (Movie(movie, 0.0),))) is same


def test_sound_alone_is_no_movie():
    assert movies_of(replace(FILES, video=None), (Movie("C01", 0.0),)) == ()


def test_a_time_code_is_how_much_later_than_that_of_frame_number_one():
    given = config(timecode={"P05T28": "10:22:31:20"})
    (claim,), notes = claims_of(FILES, given, (), times(timecode="10:22:33:05"), 0.0, has_sound=True)
    assert notes == ()
    assert claim.source == "timecode"
    assert claim.of_picture
    # 1 s 10 frames at 25 Hz later, and the first picture is stamped 0.2 s.
    assert claim.offset_s + 0.2 == pytest.approx(1.4)
    assert claim.sigma_s == pytest.approx(0.02)


def test_without_both_time_codes_nothing_is_said():
    assert claims_of(FILES, config(), (), times(timecode="10:22:33:05"), 0.0, has_sound=True) == ((), ())
    given = config(timecode={"P05T28": "10:22:31:20"})
    assert claims_of(FILES, given, (), times(), 0.0, has_sound=True) == ((), ())


@pytest.mark.parametrize(
    ("own", "words"),
    [("10:22:33;05", "drop-frame"), ("10:22:33:25", "no frame 25"), ("nonsense", "is 'nonsense'; hh:mm:ss:ff")],
)
def test_a_time_code_that_cannot_be_is_told_and_not_used(own, words):
    given = config(timecode={"P05T28": "10:22:31:20"})
    claims, (note,) = claims_of(FILES, given, (), times(timecode=own), 0.0, has_sound=True)
    assert claims == ()
    assert note.startswith("its time code is not used: its video's tag timecode")
    assert words in note
    assert note.endswith("; correct the tag")


def test_a_time_code_of_capture_toml_that_cannot_be_is_not_put_on_the_video():
    given = config(timecode={"P05T28": "10:00:00:99"})
    claims, notes = claims_of(FILES, given, (), times(timecode="10:00:01:00"), 0.0, has_sound=True)
    assert claims == ()
    assert notes == (
        "its time code is not used: capture.toml [sync.timecode] P05T28: there is no frame 99 in time code 10:00:00:99 "
        "at 25 frames per second; correct it there",
    )


@pytest.mark.parametrize(
    ("stated", "own", "meant"),
    [("10:00:00;02", "10:00:01:00", "10:00:00:02"), ("10:00:00:02", "10:00:01;00", "10:00:00;02")],
)
def test_time_codes_that_are_counted_differently_say_nothing(stated, own, meant):
    """Taken for the same counting they would be 36 s apart at ten o'clock."""
    film = times(rate=Fraction(30_000, 1001), timecode=own)
    claims, (note,) = claims_of(FILES, config(timecode={"P05T28": stated}), (), film, 0.0, has_sound=True)
    assert claims == ()
    assert f"capture.toml [sync.timecode] P05T28 is {stated}, which counts " in note
    assert f"its video's tag timecode is {own}, which counts " in note
    assert note.endswith(f"where both count alike, write P05T28 = '{meant}'")
    (claim,), _ = claims_of(FILES, config(timecode={"P05T28": meant}), (), film, 0.0, has_sound=True)
    assert claim.offset_s + 0.2 == pytest.approx(28 * 1001 / 30_000)


def test_given_offsets_are_the_clock_to_the_letter():
    clock = given_clock(config(method="given", offset_s={"C01": 1.5}, sigma_ms=4.0), "P05C01T28", "C01")
    assert clock is not None
    assert (clock.offset_s, clock.drift_ppm, clock.offset_sigma_s, clock.method) == (1.5, 0.0, 0.004, "given")
    assert clock.of_picture().offset_s == 1.5
    assert given_clock(config(), "P05C01T28", "C01") is None


def test_a_given_offset_of_pictures_holds_for_the_sound_but_for_the_skew():
    stated = config(method="given", offset_s={"C01": 1.5}, sigma_ms=2.0, of="picture")
    clock = given_clock(stated, "P05C01T28", "C01", skewed=True)
    assert clock is not None
    assert clock.offset_s == clock.of_picture().offset_s == 1.5
    assert clock.of_picture().sigma_s(7.0) == pytest.approx(0.002)
    assert clock.sigma_s(7.0) == pytest.approx(np.hypot(0.002, 0.025))
    alone = given_clock(stated, "P05C01T28", "C01")
    assert alone is not None
    assert (alone.offset_sigma_s, alone.skew_sigma_s) == (0.002, 0.0)


def test_the_option_stands_above_capture_toml():
    given = config(method="given", offset_s={"C01": 1.5})
    assert sync_method(given, None) == "given"
    assert sync_method(given, "auto") == "auto"
    assert sync_method(CaptureConfig(), None) == "auto"
    with pytest.raises(ConfigError, match="--sync given: capture.toml gives no offset"):
        sync_method(CaptureConfig(), "given")
