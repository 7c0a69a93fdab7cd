"""Time codes against the times that they stand for, counted out by hand where that is possible."""

from fractions import Fraction

import pytest

from viodat.capture.timecode import TimeCode, nominal_rate, parse_timecode, seconds_between, seconds_of
from viodat.errors import CaptureError

NTSC = Fraction(30_000, 1001)
NTSC_60 = Fraction(60_000, 1001)
FILM = Fraction(24_000, 1001)


@pytest.mark.parametrize("text", ["10:22:31:04", "00:00:00:00", "23:59:59;29", "01:02:03.04"])
def test_what_was_read_is_written_again(text):
    assert str(parse_timecode(text)) == text.replace(".", ";")


@pytest.mark.parametrize("text", ["", "10:22:31", "24:00:00:00", "10:60:00:00", "10:00:60:00", "1:2:3:4", "a:b:c:d"])
def test_what_is_no_time_code_is_told(text):
    with pytest.raises(ValueError, match="hh:mm:ss:ff"):
        parse_timecode(text)


def test_frames_are_counted_at_the_nominal_rate():
    assert seconds_of(parse_timecode("00:01:00:12"), Fraction(25)) == pytest.approx(60.48)
    # Without drop-frame counting, an hour of codes at 29.97 Hz lasts 3.6 s longer than an hour.
    assert seconds_of(parse_timecode("01:00:00:00"), NTSC) == pytest.approx(3603.6)


def test_drop_frame_codes_keep_up_with_the_time_of_day():
    for hours in (1, 5, 23):
        assert seconds_of(parse_timecode(f"{hours:02d}:00:00;00"), NTSC) == pytest.approx(hours * 3600, abs=0.1)
    ten_minutes = seconds_of(parse_timecode("00:10:00;00"), NTSC)
    assert ten_minutes == pytest.approx(17_982 / NTSC)


@pytest.mark.parametrize(("rate", "per_second", "left_out"), [(NTSC, 30, 2), (NTSC_60, 60, 4)])
def test_drop_frame_codes_count_every_frame_once(rate, per_second, left_out):
    """All codes of eleven minutes in their order, with the numbers left out that the standard leaves out."""
    count = 0
    for minute in range(11):
        for second in range(60):
            for frame in range(per_second):
                code = TimeCode(0, minute, second, frame, drop=True)
                if minute % 10 and second == 0 and frame < left_out:
                    with pytest.raises(CaptureError, match="leaves out"):
                        seconds_of(code, rate)
                    continue
                assert seconds_of(code, rate) * rate == pytest.approx(count)
                count += 1
    # Of eleven minutes nine leave numbers out.
    assert count == 11 * 60 * per_second - 9 * left_out


@pytest.mark.parametrize(
    ("text", "rate", "words"),
    [
        ("10:22:31:25", Fraction(25), "no frame 25 in time code 10:22:31:25 at 25 frames per second"),
        ("10:22:31;04", Fraction(25), "drop-frame, which exists at 29.97 and 59.94"),
        ("10:21:00;01", NTSC, "leaves out time code 10:21:00;01"),
    ],
)
def test_codes_that_cannot_be_are_refused(text, rate, words):
    with pytest.raises(CaptureError, match=words):
        seconds_of(parse_timecode(text), rate)


def test_the_way_round_midnight_is_the_shorter_one():
    before, after = parse_timecode("23:59:59:00"), parse_timecode("00:00:01:00")
    assert seconds_between(before, after, Fraction(30)) == pytest.approx(2.0)
    assert seconds_between(after, before, Fraction(30)) == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("last", "first", "rate"),
    [
        ("23:59:59:24", "00:00:00:00", Fraction(25)),
        ("23:59:59:29", "00:00:00:00", NTSC),
        ("23:59:59;29", "00:00:00;00", NTSC),
        ("23:59:59:59", "00:00:00:00", NTSC_60),
        ("23:59:59;59", "00:00:00;00", NTSC_60),
        ("23:59:59:23", "00:00:00:00", FILM),
    ],
)
def test_the_last_code_of_a_day_is_a_frame_before_the_first(last, first, rate):
    """A day of codes is longer than a day where frames are a thousandth longer, with drop-frame a little shorter."""
    before, after = parse_timecode(last), parse_timecode(first)
    assert seconds_between(before, after, rate) == pytest.approx(1 / rate, abs=1e-9)
    assert seconds_between(after, before, rate) == pytest.approx(-1 / rate, abs=1e-9)


def test_codes_that_are_counted_differently_have_no_difference():
    one, other = parse_timecode("10:00:00;02"), parse_timecode("10:00:01:00")
    for pair in ((one, other), (other, one)):
        with pytest.raises(CaptureError, match="10:00:00;02 counts drop-frame and 10:00:01:00 does not"):
            seconds_between(*pair, NTSC)


@pytest.mark.parametrize(
    ("measured", "nominal"),
    [
        (29.9703, NTSC),
        (30.0, Fraction(30)),
        (Fraction(30_000, 1001), NTSC),
        (59.95, Fraction(60_000, 1001)),
        (24.99, 25),
    ],
)
def test_a_measured_rate_is_one_of_the_usual(measured, nominal):
    assert nominal_rate(measured) == nominal


def test_an_unusual_rate_stays():
    assert nominal_rate(Fraction(17)) == 17


def test_half_a_percent_is_no_other_rate():
    assert nominal_rate(29.9) == NTSC
    assert nominal_rate(59.8) == NTSC_60
    assert nominal_rate(29.7) == Fraction(29.7)
