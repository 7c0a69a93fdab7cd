"""File patterns: what they match, what they refuse, and that formatting and matching are each other's inverse."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viodat.capture.patterns import Rule, compile_pattern, id_regex_fault, make_rule
from viodat.errors import ConfigError

IDS = {"participant": r"P\d+", "trial": r"T\d+", "device": r"(?:C\d+)|(?:M\d+)"}


def match(pattern: str, path: str) -> dict[str, str] | None:
    return compile_pattern(pattern, IDS).match(path)


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("{participant}/{participant}{trial}.c3d", "P05/P05T28.c3d", {"participant": "P05", "trial": "T28"}),
        ("{participant}/{participant}{trial}.c3d", "P05/P05T28.C3D", {"participant": "P05", "trial": "T28"}),
        ("{device}.{mp4,mov}", "C01.MOV", {"device": "C01"}),
        ("{device}.frames.csv", "C01.frames.CSV", {"device": "C01"}),
        ("{device}.keypoints.{npz,json}", "M1.keypoints.json", {"device": "M1"}),
        ("videos/cam{n}.mp4", "videos/cam01.mp4", {"n": "01"}),
        ("pose/cam{n}_json/", "pose/cam01_json/", {"n": "01"}),
        ("{participant}/*.vsk", "P05/anything at all.vsk", {"participant": "P05"}),
        ("calibration/*", "calibration/room.toml", {}),
        ("{trial}_{name}.c3d", "T01_scale & slur.c3d", {"trial": "T01", "name": "scale & slur"}),
        ("a+b(1).c3d", "a+b(1).c3d", {}),
    ],
)
def test_matches(pattern, path, fields):
    assert match(pattern, path) == fields


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{participant}/{participant}{trial}.c3d", "P05/P06T28.c3d"),
        ("{participant}/{participant}{trial}.c3d", "p05/p05T28.c3d"),
        ("{participant}/{participant}{trial}.c3d", "P05/P05T28.c3d.bak"),
        ("{participant}/{participant}{trial}.c3d", "x/P05/P05T28.c3d"),
        ("{participant}/{participant}{trial}.c3d", "P05/P05T28xc3d"),
        ("calibration/*", "calibration/old/room.toml"),
        ("videos/cam{n}.mp4", "Videos/cam01.mp4"),
        ("{device}.frames.csv", "C01.Frames.csv"),
        ("{name}.c3d", "a/b.c3d"),
        ("pose/cam{n}_json/", "pose/cam01_json"),
        ("{participant}.c3d", "P٣.c3d"),
    ],
)
def test_does_not_match(pattern, path):
    assert match(pattern, path) is None


def test_an_id_regex_cannot_swallow_a_folder():
    everything = {**IDS, "participant": ".+", "trial": "[^_]+"}
    pattern = compile_pattern("{participant}/{trial}.c3d", everything)
    assert pattern.match("a/b.c3d") == {"participant": "a", "trial": "b"}
    assert pattern.match("a/b/c.c3d") is None


def test_composed_and_decomposed_accents_are_the_same():
    pattern = compile_pattern("séance/{participant}.c3d", IDS)
    assert pattern.match(unicodedata.normalize("NFD", "séance/P05.c3d")) == {"participant": "P05"}


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("{trail}.c3d", "did you mean 'trial'?"),
        ("{}.c3d", "unknown placeholder '{}'"),
        ("{trial.c3d", "'{' without"),
        ("trial}.c3d", "'}' without"),
        ("{a{trial}}.c3d", "'{' without"),
        ("x.{mp4,}", "none may be empty"),
        ("x.{a/b,c}", "hold / or \\*"),
        ("/mocap/{trial}.c3d", "absolute path"),
        ("C:/{trial}.c3d", "absolute path"),
        ("P05\\{trial}.c3d", "backslash"),
        ("../{trial}.c3d", "'\\.\\.'"),
        ("a//{trial}.c3d", "empty part"),
        ("**/{trial}.c3d", "one \\* for each folder"),
        ("*a*b*c*.c3d", "more than 3"),
        ("", "0 characters"),
        ("x" * 400, "400 characters"),
        ("a\n{trial}.c3d", "cannot be printed"),
        ("/", "absolute path"),
    ],
)
def test_refuses_what_is_no_pattern(pattern, problem):
    with pytest.raises(ConfigError, match=problem):
        compile_pattern(pattern, IDS)


def test_given_ids_use_what_the_pattern_matched():
    rule = make_rule("cam{n}.mp4", {"participant": "P00", "trial": "T01", "device": "C{n}"}, IDS)
    assert rule.match("cam07.mp4") == {"n": "07", "participant": "P00", "trial": "T01", "device": "C07"}
    assert rule.match("cam.mp4") is None


@pytest.mark.parametrize(
    ("text", "ids", "problem"),
    [
        ("{participant}.c3d", {"participant": "P01"}, "keep one of the two"),
        ("cam{n}.mp4", {"device": "C{m}"}, "unknown placeholder"),
        ("cam{n}.mp4", {"device": "C{n:9999999999}"}, "unknown placeholder"),
        ("cam{n}.mp4", {"device": "*"}, "one id"),
        ("cam{n}.mp4", {"device": "a/b"}, "one id"),
        ("cam{n}.mp4", {"device": ""}, "0 characters"),
    ],
)
def test_refuses_given_ids_that_cannot_be(text, ids, problem):
    with pytest.raises(ConfigError, match=problem):
        make_rule(text, ids, IDS)


@pytest.mark.parametrize("regex", [r"P\d+", r"HC\d\d\d[A-Z]", r"(?:old|new)\d?", r"[A-Za-z]{2,4}", r"S\d{3}"])
def test_simple_id_regexes_are_taken(regex):
    assert id_regex_fault(regex) is None


@pytest.mark.parametrize(
    ("regex", "fault"),
    [
        ("", "characters long"),
        ("x" * 200, "characters long"),
        (r"\d*", "empty text"),
        (r"(?:a+)+", "no group"),
        (r"(?:a|a){9}", "no group"),
        (r"(a)", r"\(\?:…\) only"),
        (r"(?P<x>a)", r"\(\?:…\) only"),
        (r"(?i:a)", r"\(\?:…\) only"),
        (r"a\1", r"\(\?:…\) only"),
        (r"a*b*c*d*e", "at most 2"),
        (r"P[", "no regular expression"),
        (r"a/b", "may not hold a /"),
    ],
)
def test_other_id_regexes_are_refused(regex, fault):
    assert re.search(fault, id_regex_fault(regex) or "")


def test_long_names_do_not_slow_matching_down():
    slow = {**IDS, "participant": r"\w+", "trial": r"\w+"}
    pattern = compile_pattern("{participant}{trial}*x.c3d", slow)
    start = time.perf_counter()
    pattern.match("a" * 251 + ".c3d")
    assert time.perf_counter() - start < 5


ID = st.integers(0, 10**6).map(lambda n: f"{n:02d}")
PIECES = st.lists(
    st.sampled_from(
        ["{participant}", "{trial}", "{device}", "x", "-", "_", "take ", "é", ".", "+", "(1)", "{mp4,mov}", "/a"]
    ),
    min_size=1,
    max_size=8,
)


@given(PIECES, ID, ID, ID)
def test_formatting_then_matching_gives_the_fields_back(pieces, participant, trial, device):
    text = "a" + "".join(pieces) + ".c3d"
    fields = {"participant": f"P{participant}", "trial": f"T{trial}", "device": f"C{device}"}
    pattern = compile_pattern(text, IDS)
    used = {name: fields[name] for name in pattern.fields}
    path = pattern.format(**fields)
    assert pattern.match(path) == used
    assert pattern.match(path[:-3] + "C3D") == used
    assert pattern.match(path + "x") is None


@given(PIECES, st.text(alphabet="PTCM0123456789/x-_.ac3dmpov", max_size=30))
def test_what_matches_is_what_the_fields_format_to(pieces, path):
    pattern = compile_pattern("a" + "".join(pieces).replace("{mp4,mov}", ""), IDS)
    found = pattern.match(path)
    if found is not None:
        assert pattern.format(**found).lower() == path.lower()


def test_formatting_needs_every_field_and_no_star():
    with pytest.raises(ConfigError, match=r"no text for \{trial\}"):
        compile_pattern("{trial}.c3d", IDS).format()
    with pytest.raises(ConfigError, match="stands for any text"):
        compile_pattern("*.c3d", IDS).format()


def test_an_example_leaves_open_what_is_open():
    rule = Rule(compile_pattern("{participant}/{trial}*.{mp4,mov}", IDS))
    assert rule.example({"participant": "P05"}) == "P05/{trial}*.{mp4,mov}"
