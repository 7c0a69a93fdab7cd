"""Values in the cache: what goes in comes out, and nothing that is read is run."""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from viodat.build.cache.codec import decode, encode
from viodat.build.gates import GATES, Exclusion, Reading
from viodat.clock import ClockMap
from viodat.errors import CaptureError
from viodat.pose2d import Keypoints


def there_and_back(value, below=None, elsewhere=None):
    tree, arrays = encode(value, below)
    return decode(json.loads(json.dumps(tree, allow_nan=False)), arrays, elsewhere or below)


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, -1.5, "text", (1, "a", None), [1, (2,)], {"a": 1, ("b", 2): [3]}, {1}, frozenset({"x"}),
        Fraction(1, 90000), Path("/a/b.c3d"), 1e-300, 0.1 + 0.2, GATES["frames"], (),
        Exclusion("P05T28", "gates", "why", None, 0.5, 1.0), ClockMap(0.25, 3.0, method="clap"),
        Reading(GATES["frames"], 3.0),
    ],
)  # fmt: skip
def test_what_goes_in_comes_out(value):
    back = there_and_back(value)
    # Some have numbers that are not finite, which equal nothing.
    assert repr(back) == repr(value)
    assert type(back) is type(value)


def test_numbers_that_are_not_finite_come_out():
    back = there_and_back([float("nan"), float("inf"), -float("inf")])
    assert np.isnan(back[0])
    assert back[1:] == [float("inf"), -float("inf")]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1", "?", "U5", ">i2"])
def test_arrays_keep_their_type_and_shape(dtype):
    array = np.arange(6).astype(dtype).reshape(2, 3)
    back = there_and_back({"x": array})["x"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_scalars_of_numpy_stay_what_they_are():
    back = there_and_back((np.float32(0.1), np.int64(7), np.float64(0.1), np.bool_(True)))
    assert [type(one) for one in back] == [np.float32, np.int64, np.float64, np.bool_]
    assert back == (np.float32(0.1), 7, 0.1, True)


def test_an_array_that_is_met_twice_is_kept_once():
    shared = np.zeros(5)
    assert len(encode([shared, shared, np.zeros(5)])[1]) == 2


def test_a_dataclass_with_arrays_comes_out():
    seen = Keypoints(np.zeros((2, 18, 2)), np.ones((2, 18)), source="mediapipe")
    back = there_and_back(seen)
    assert isinstance(back, Keypoints)
    np.testing.assert_array_equal(back.px, seen.px)


def test_an_error_comes_out_with_its_three_parts():
    back = there_and_back(CaptureError("is damaged", where=Path("/raw/P05T28.c3d"), mend="Export it again."))
    assert isinstance(back, CaptureError)
    assert str(back) == "P05T28.c3d: is damaged. Export it again."


def test_paths_below_a_folder_move_with_it(tmp_path):
    value = [tmp_path / "reports" / "x.png", Path("/elsewhere/y")]
    assert there_and_back(value, tmp_path, Path("/new")) == [Path("/new/reports/x.png"), Path("/elsewhere/y")]
    tree, arrays = encode(value, tmp_path)
    with pytest.raises(ValueError, match="reports/x.png lies below a folder"):
        decode(tree, arrays)


@dataclass
class Foreign:
    x: int = 1


@pytest.mark.parametrize("value", [object(), Foreign(), np.array([object()]), b"bytes", lambda: 1, 1j])
def test_what_is_not_plain_is_refused(value):
    with pytest.raises(TypeError, match="cannot be kept"):
        encode({"x": value})


@pytest.mark.parametrize(
    "tag",
    [
        "os:system", "builtins:eval", "viodat.files:sha256", "viodat.cli.console:out", "viodat.errors:Path",
        "viodat.build.cache.codec:json.loads", "viodat:nothing", "viodat.no.such:Thing", "viodat.errors:counted", "",
    ],
)  # fmt: skip
def test_a_name_that_is_no_class_of_viodat_is_refused(tag):
    with pytest.raises(ValueError, match=r"is no (class|dataclass)|ImportError|ModuleNotFoundError|AttributeError"):
        decode({"~": tag, "v": {"path": "x"}}, {})


@pytest.mark.parametrize("tree", [{}, {"~": "array", "v": "a9"}, {"~": "tuple", "v": 3}, {"~": "dict", "v": [[1]]}])
def test_a_tree_that_is_damaged_is_refused(tree):
    with pytest.raises(ValueError):  # noqa: PT011
        decode(tree, {})
