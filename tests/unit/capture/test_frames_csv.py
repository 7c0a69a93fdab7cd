from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from viodat.capture.video import iter_frames, read_video_times
from viodat.errors import CaptureError


def written(tmp_path, text):
    path = tmp_path / "P05C01T28.frames.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_stamps_are_read(tmp_path):
    times = read_video_times(written(tmp_path, "pts,time_base\n0,1/90000\n3003,1/90000\n6100,1/90000\n"))
    assert times.pts.tolist() == [0, 3003, 6100]
    assert times.time_base == Fraction(1, 90000)
    assert times.times_ns.tolist() == [0, 33366667, 67777778]
    np.testing.assert_allclose(times.times_s, [0, 3003 / 90000, 6100 / 90000])
    assert times.size_px is None
    assert times.coded_size_px is None
    assert (times.codec, times.pixel_format, times.rotation_deg) == ("", "", 0)


def test_columns_in_any_order_with_size_and_byte_order_mark(tmp_path):
    text = '\ufeffheight,time_base,PTS,width,comment\r\n720,1/600,-20,1280,a\r\n\r\n720,1/600,0,1280,"b,c"\r\n'
    times = read_video_times(written(tmp_path, text))
    assert times.pts.tolist() == [-20, 0]
    assert times.size_px == (1280, 720)
    assert "columns not used: comment" in times.notes
    assert "1 frames are stamped before container time 0" in times.notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("pts,time_base\n", "lists no frame"),
        ("frame,time\n0,0\n", "line 1: column 'pts' is missing; the header is 'frame,time'"),
        ("0,1/600\n20,1/600\n", "line 1: column 'pts' is missing"),
        ("pts,pts,time_base\n0,0,1/600\n", "line 1: a column is named twice"),
        ("pts,time_base\n0,1/600\n20\n", "line 3: has 1 values, the header names 2 columns"),
        ("pts,time_base\n0,1/600\n20.5,1/600\n", "line 3: pts is '20.5', not an integer"),
        ("pts,time_base\n1_000,1/600\n", "line 2: pts is '1_000', not an integer"),
        ("pts,time_base\n99999999999999999999,1/600\n", "not an integer"),
        ("pts,time_base\n0,0.033\n", "line 2: time_base is '0.033', not a fraction like 1/90000"),
        ("pts,time_base\n0,1/0\n", "not a fraction"),
        ("pts,time_base\n0,1/600\n20,1/90000\n", "line 3: time_base changes to 1/90000"),
        ("pts,time_base\n0,1/600\n\n0,1/600\n", r"line 4: pts 0 does not come after the line before \(0\)"),
        ("pts,time_base,width,height\n0,1/600,0,720\n", "line 2: width is 0 px"),
        ("pts,time_base,width,height\n0,1/600,9,7\n1,1/600,9,8\n", "line 3: width or height changes"),
        (b"pts,time_base\n\xff\xfe,1/600\n", "is not UTF-8 text"),
        ('pts,time_base\n0,1/600\n"20,1/600\n', "line 3"),
        ("pts,time_base\n0,1/600\n999999999999,1/600\n", "no take lasts 48 hours"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, message):
    with pytest.raises(CaptureError, match=message) as caught:
        read_video_times(written(tmp_path, text))
    assert str(caught.value).startswith("P05C01T28.frames.csv")
    assert caught.value.mend


def test_there_are_no_pictures_in_it(tmp_path):
    path = written(tmp_path, "pts,time_base\n0,1/600\n")
    with pytest.raises(CaptureError, match="holds stamps, no pictures"):
        next(iter_frames(path))
