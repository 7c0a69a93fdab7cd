import pickle
from pathlib import Path

from viodat.errors import CaptureError, ViodatError


def test_text_has_place_problem_and_mend():
    error = CaptureError("12 of 40 frames are held", where=Path("raw/P05/P05T28.c3d"), mend="Export it again.")
    assert str(error) == "P05T28.c3d: 12 of 40 frames are held. Export it again."
    assert error.path == Path("raw/P05/P05T28.c3d")


def test_text_without_place_and_mend():
    assert str(ViodatError("nothing to do")) == "nothing to do"


def test_error_survives_a_process_border():
    error = CaptureError("is empty", where=Path("a/b.c3d"), mend="Copy it again.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is CaptureError
    assert (str(again), again.path, again.mend) == (str(error), error.path, error.mend)


def test_what_a_foreign_file_says_cannot_write_on_the_terminal():
    error = CaptureError("label 'L\x1b[2JASI\x00\udcff' is unknown", where="a\nb.c3d")
    assert str(error) == r"a\nb.c3d: label 'L\x1b[2JASI\x00\udcff' is unknown"
