"""capture.toml: defaults, what is refused and in which words, and that its reference page tells the truth."""

from __future__ import annotations

import os
import pickle
import random
import re
import time
import tomllib
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

from tests.mutate import mutants
from viodat.body.marker_set import CONFIG_KEYS
from viodat.capture.axes import axes_matrix
from viodat.capture.config import CaptureConfig, Pose2dTable, find_config, load_config
from viodat.capture.config_errors import config_problems
from viodat.capture.participants import VALUES
from viodat.capture.spelling import nearest, shown
from viodat.capture.toml_text import line_of
from viodat.capture.trc import read_trc
from viodat.errors import ConfigError

FULL = """\
# A lab with another way of naming.
[capture]
name = "études"
licence = "CC BY 4.0"

[ids]
participant = 'S\\d\\d'
trial = '_[a-z]+'

[files]
trial = "{participant}/{participant}{trial}.c3d"
video = [
    "{participant}/{participant}{device}{trial}.mp4",
    { pattern = "extra/cam{n}.mp4", participant = "S01", trial = "_scale", device = "C{n}" },
]
ignore = ["*.txt", "old/"]

[markers]
set = "pig39"
units = "m"
axes = "x-zy"
[markers.labels]
"L ASI" = "LASI"

[joints]
method = "named"
points = { left_knee = "LKnee" }

[cameras]
ids = { C01 = "cam_01" }

[sync]
method = "given"
offset_s = { C01 = 0.25, C02 = -1 }
sigma_ms = 2
[sync.recordings.S01C01_scale]
offset_s = 0.3

[participants.S01]
sex = "F"
height_mm = 1712
consent = true
leg_length_left_mm = 880.5

[splits]
test = ["S01"]
validation = 0.2

[pose2d]
source = "files"
layout = "body25b"

[audio]
rates_hz = [100, 300]
best_microphone = "M1"

[[check.ignore]]
check = "marker_gap"
where = "S01_scale"
reason = "the bow hides the wrist"
"""


def load(tmp_path: Path, text: str | bytes) -> CaptureConfig:
    path = tmp_path / "capture.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(path)


def problem(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return str(caught.value)


def test_no_file_is_the_default(tmp_path):
    assert load_config(None) == load_config(tmp_path / "capture.toml") == CaptureConfig()


def test_an_empty_file_is_the_default(tmp_path):
    assert load(tmp_path, "") == CaptureConfig()


def test_every_value_arrives(tmp_path):
    config = load(tmp_path, FULL)
    assert config.capture.name == "études"
    assert config.files.video[1].device == "C{n}"
    assert config.files.audio == CaptureConfig().files.audio
    assert config.markers.labels == {"L ASI": "LASI"}
    assert config.joints.points == {"left_knee": "LKnee"}
    assert config.splits.test == ("S01",)
    assert config.audio.rates_hz == (100, 300)
    assert config.check.ignore[0].reason == "the bow hides the wrist"
    person = config.participant("S01")
    assert person is not None
    assert (person.sex, person.height_mm, person.consent) == ("female", 1712.0, True)
    assert person.measurements == {"height_mm": 1712.0, "leg_length_left_mm": 880.5}
    assert config.participant("S02") is None


def test_given_offsets_prefer_the_recording(tmp_path):
    sync = load(tmp_path, FULL).sync
    own, device = sync.given_offset("S01C01_scale", "C01"), sync.given_offset("S02C02_scale", "C02")
    assert own is not None
    assert device is not None
    assert (own.offset_s, own.sigma_ms) == (0.3, 2)
    assert (device.offset_s, device.sigma_ms) == (-1, 2)
    assert sync.given_offset("S02C03_scale", "C03") is None


def test_offsets_are_evidence_unless_they_are_to_be_the_clock(tmp_path):
    sync = load(tmp_path, "[sync]\noffset_s = {C01 = 0.5}").sync
    assert (sync.method, sync.of, sync.states_offsets) == ("auto", "sound", True)
    assert CaptureConfig().sync.method == "auto"
    assert not CaptureConfig().sync.states_offsets


def test_what_pictures_tell_may_be_the_clock(tmp_path):
    sync = load(tmp_path, '[sync]\nmethod = "given"\noffset_s = {C01 = 0}\nof = "picture"').sync
    assert (sync.method, sync.of) == ("given", "picture")


@pytest.mark.parametrize("place", ["[0, 0, 0]", "[10, -20, 1500]"])
def test_a_microphone_may_stand_above_the_origin(tmp_path, place):
    assert load(tmp_path, f"[microphones.M01]\nplace_mm = {place}").microphones


def test_time_codes_are_by_trial(tmp_path):
    sync = load(tmp_path, '[sync]\ntimecode = {P05T28 = "10:22:31;04"}').sync
    code = sync.code_of("P05T28")
    assert code is not None
    assert str(code) == "10:22:31;04"
    assert sync.code_of("P05T29") is None


def test_it_crosses_process_borders(tmp_path):
    config = load(tmp_path, FULL)
    assert pickle.loads(pickle.dumps(config)) == config


def test_it_survives_json(tmp_path):
    config = load(tmp_path, FULL)
    assert CaptureConfig.model_validate_json(config.model_dump_json(exclude_unset=True), strict=False) == config


def test_it_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        CaptureConfig().splits.validation = 0.5


def test_windows_line_ends_and_byte_order_mark_do_no_harm(tmp_path):
    assert load(tmp_path, b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()) == load(tmp_path, FULL)


MISTAKES = {
    '[splts]\ntest = ["P05"]': "line 1: unknown table 'splts'; did you mean 'splits'?",
    'tests = ["P05"]': "line 1: unknown table 'tests'",
    '\n[splits]\n\ntset = ["P05"]': "line 4: unknown key 'tset' in [splits]; did you mean 'test'? Known keys: test",
    '[splits]\nvalidation = "0.1"': "line 2: [splits] validation is '0.1'; a number was expected",
    "[splits]\nvalidation = 1": "line 2: [splits] validation is 1; a number below 1 was expected",
    "[splits]\nvalidation = nan": "[splits] validation is nan; a finite number was expected",
    '[splits]\ntest = "P05"': "line 2: [splits] test is 'P05'; a list in [ ] was expected",
    "[splits]\ntest = [5]": "line 2: [splits] test, item 1 is 5; text in quotes was expected",
    '[splits]\ntest = ["P05"]\ntrain = ["P05"]': "participant P05 is in both train and test",
    "splits = 3": "line 1: [splits] is 3; a table was expected",
    '[files]\ntrial = "{participant}/{trail}.c3d"': "unknown placeholder '{trail}'; did you mean 'trial'?",
    '[files]\nvideo = "{device}.mp4"': "line 2: [files] video: pattern '{device}.mp4' does not tell the participant",
    '[files]\ntrial = "{participant}{trial}/"': "names a folder; only keypoints",
    "[files]\ntrial = 5": "[files] trial, item 1: a pattern in quotes",
    '[files]\nstatic = {patern = "x.c3d"}': "line 2: unknown key 'patern' in [files.static.1]; did you mean 'pattern'?",
    '[files]\nvidoe = "x"': "unknown key 'vidoe' in [files]; did you mean 'video'?",
    "[ids]\nparticipant = '(P'": "line 2: [ids] participant: regular expression '(P' may group",
    '[markers]\naxes = "xzy"': "'xzy' mirrors the world",
    '[markers]\naxes = "xyy"': "'xyy' is not x, y and z in some order",
    '[markers]\nunits = "inch"': "[markers] units is 'inch'; one of 'mm', 'cm' or 'm' was expected",
    '[markers.labels]\na = "LASI"\nb = "LASI"': "a and b are both mapped to 'LASI'",
    '[joints.points]\nleft_nee = "x"': "line 1: [joints] points: unknown joint 'left_nee'; did you mean 'left_knee'?",
    '[sync]\nmethod = "aut"': "line 2: [sync] method is 'aut'; one of 'auto', 'given' or 'none' was expected",
    '[sync]\nmethod = "none"\noffset_s = {C01 = 0}': "line 1: [sync]: offsets are given, but method is 'none'",
    '[sync]\nof = "video"': "line 2: [sync] of is 'video'; one of 'sound' or 'picture' was expected",
    '[sync]\ntimecode = {P05T28 = "1:2:3"}': "[sync] timecode: P05T28 is '1:2:3'; hh:mm:ss:ff",
    '[sync]\ntimecode = {P05T28 = "10:61:00:00"}': "which is no time of a day",
    '[sync]\nmethod = "none"\ntimecode = {P05T28 = "10:22:31:04"}': "time codes are given, but method is 'none'",
    '[sync]\nmethod = "none"\nof = "picture"': "of is 'picture', but method is 'none' and would ignore it",
    '[sync]\nof = "picture"': "line 1: [sync]: of is given, but no offset that it could be of",
    "[sync]\nsigma_ms = 5": "line 1: [sync]: sigma_ms is given, but no offset that it could be of; add offset_s",
    '[sync]\nmethod = "none"\nsigma_ms = 5': "sigma_ms is given, but no offset that it could be of",
    "[microphones.M01]\nplace_mm = [1, 2]": "[microphones.M01] place_mm is [1, 2]; a list of 3 was expected",
    "[microphones.M01]\nplace_mm = [1.2, -0.8, 1.5]": "is [1.2, -0.8, 1.5], which looks like metres; write [1200, ",
    "[microphones.M01]\nplace_mm = [1, 2, 3, 4]": "a list of 3 was expected",
    "[microphones.M01]\nplace = [1, 2, 3]": "unknown key 'place' in [microphones.M01]; did you mean 'place_mm'?",
    '[sync]\nmethod = "given"': "method is 'given', but there is no offset",
    '[sync]\nmethod = "given"\noffset_s = {C01 = true}': "[sync.offset_s] C01 is True; a number was expected",
    '[sync.recordings.X]\nofset_s = 1': "unknown key 'ofset_s' in [sync.recordings.X]; did you mean 'offset_s'?",
    "[participants.P05]\n\nheight_mm = 1.72": "line 3: [participants.P05] height_mm: is 1.72, which looks like metres",
    "[participants.P05]\nknee_with_left_mm = 90": "did you mean 'knee_width_left_mm'?",
    "[participants]\nP05 = 3": "line 2: [participants] P05 is 3; a table was expected",
    "[audio]\nrates_hz = [44]": "one of 30, 100 or 300 was expected",
    '[[check.ignore]]\ncheck = "gap"': "line 1: [check] ignore, item 1: key 'reason' is missing",
    '[[check.ignore]]\ncheck = "gap"\nreason = ""': "at least 3 characters was expected",
    "[splits\n": "line 1, column 8: not valid TOML",
    "[ids]\ntrial = T01": "line 2, column 9: not valid TOML: Invalid value; text needs quotes",
    "a = 1\na = 2": "not valid TOML: Cannot overwrite a value",
    'a = "x': "line 1: not valid TOML",
    b"[ids]\ntrial = '\xff'": "line 2: byte 0xFF is not UTF-8. Save the file as UTF-8.",
    "a = " + "[" * 5000: "nested too deeply",
    "a = 1" + "0" * 5000: "not valid TOML",
    "[capture]\nname = 0x" + "f" * 5000: "text in quotes was expected",
    "[splits]\nvalidation = 0x" + "f" * 5000: "[splits] validation",
    "#" * 1_000_001: "larger than 1 MB",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MISTAKES.items(), ids=lambda value: repr(value)[:40])
def test_a_mistake_is_one_clear_line(tmp_path, text, expected):
    message = problem(tmp_path, text)
    assert message.startswith("capture.toml: ")
    assert expected in message
    assert "\n" not in message
    assert len(message) < 500


def test_all_mistakes_are_told_together_in_the_order_of_lines(tmp_path):
    message = problem(tmp_path, '[splits]\nvalidation = 7\ntset = []\n[sync]\nmethod = "x"\n[audoi]\n')
    first, *lines = message.split("\n")
    assert first == "capture.toml: 4 mistakes"
    assert [line[:9] for line in lines] == ["  line 2:", "  line 3:", "  line 5:", "  line 6:"]


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_a_named_file_must_be_there(tmp_path):
    assert find_config(tmp_path) is None
    own = tmp_path / "capture.toml"
    own.write_text("")
    assert find_config(tmp_path) == own
    with pytest.raises(ConfigError, match="no such file"):
        find_config(tmp_path, tmp_path / "typo.toml")


def damaged() -> list[bytes]:
    """Byte damage, and slips of a keyboard: letters swapped, left out or doubled, words and lines moved."""
    rng = random.Random(5)
    found = [content for _, content in mutants(FULL.encode(), 70, seed=2)]
    words = re.findall(r"[A-Za-z_]+", FULL)
    for _ in range(60):
        word = rng.choice([w for w in words if len(w) > 3])
        at = rng.randrange(len(word) - 1)
        slip = rng.choice([word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :], ""])
        found.append(FULL.replace(word, slip, 1).encode())
    values = ["0", "-1", "inf", '""', "[]", "{}", "true", "1979-05-27", '"\\u0000"', "[[1]]", "9" * 400]
    lines = FULL.split("\n")
    for number, line in enumerate(lines):
        if "=" in line:
            broken = [*lines]
            broken[number] = f"{line.partition('=')[0]}= {rng.choice(values)}"
            found.append("\n".join(broken).encode())
    return found


def test_damage_gives_a_configuration_or_a_clear_error(tmp_path):
    cases = damaged()
    assert len(cases) >= 150
    messages = []
    for content in cases:
        start = time.perf_counter()
        try:
            assert isinstance(load(tmp_path, content), CaptureConfig)
        except ConfigError as error:
            messages.append(str(error))
        assert time.perf_counter() - start < 2
    assert len(messages) > len(cases) / 2
    assert all(line.isprintable() for message in messages for line in message.split("\n"))
    assert max(map(len, messages)) < 8000


TOML_TEXT = st.text(st.characters(codec="utf-8"), max_size=10)
KEYS = st.sampled_from(
    ["files", "ids", "trial", "pattern", "splits", "test", "participants", "P05", "sync", "check", "ignore", "x"]
)


@given(
    st.dictionaries(KEYS, st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | TOML_TEXT | st.binary(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=12,
    ))
)  # fmt: skip
def test_any_content_validates_or_is_explained(content):
    try:
        CaptureConfig.model_validate(content)
    except ValidationError as error:
        problems = list(config_problems(error, CaptureConfig))
        assert problems
        assert all(text for _, text in problems)


def test_line_of_finds_keys_in_every_way_of_writing():
    text = "a.b = 1\n['x y']\n\"k\" = 2\n[[t]]\nu = 1\n[[t]]\nu = 2\n"
    assert line_of(text, ("a", "b")) == 1
    assert line_of(text, ("x y", "k")) == 3
    assert line_of(text, ("t", 1, "u")) == 7
    assert line_of(text, ("x y", "absent")) == 2
    assert line_of(text, ("nowhere",)) is None


@pytest.mark.parametrize("axes", ["xyz", "zxy", "yzx", "x-zy", "-x-yz", "y-xz", "xz-y"])
def test_axes_turn_the_world_and_do_not_mirror_it(axes):
    rotation = axes_matrix(axes)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)
    point = {"x": 1.0, "y": 2.0, "z": 3.0}
    wanted = [
        sign * point[name] for sign, name in ((-1 if m[0] == "-" else 1, m[-1]) for m in re.findall("-?[xyz]", axes))
    ]
    np.testing.assert_allclose(rotation @ [1.0, 2.0, 3.0], wanted)


@pytest.mark.parametrize("axes", ["zxy", "x-zy", "-x-yz"])
def test_the_trc_reader_means_the_same_axes(tmp_path, axes):
    trc = tmp_path / "one.trc"
    trc.write_text(
        "PathFileType\t4\t(X/Y/Z)\tone.trc\n"
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
        "60\t60\t1\t1\tmm\t60\t1\t1\nFrame#\tTime\tA\t\t\n\t\tX1\tY1\tZ1\n1\t0.0\t1.0\t2.0\t3.0\n"
    )
    np.testing.assert_allclose(read_trc(trc, axes=axes).positions_mm[0, 0], axes_matrix(axes) @ [1.0, 2.0, 3.0])


@given(st.sampled_from(VALUES), st.integers(0, 30))
def test_one_slip_is_mended(name, at):
    at = min(at, len(name) - 1)
    assert nearest(name[:at] + name[at + 1 :], VALUES) == name


def test_shown_is_printable_and_short():
    assert shown("a\nb\udc80") == "a\\nb\\udc80"
    assert len(shown("x" * 500)) == 60
    assert shown(10**5000) == "a very long int"


def test_keypoint_layouts_are_those_that_can_be_read():
    layouts = pytest.importorskip("viodat.pose2d.layouts")
    allowed = get_args(get_args(Pose2dTable.model_fields["layout"].annotation)[0])
    assert set(allowed) == set(layouts.LAYOUTS)


REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "capture_toml.md"


def documented() -> dict[str, dict[str, str]]:
    """Table -> key -> default, as the reference page says."""
    found: dict[str, dict[str, str]] = {}
    table = ""
    for line in REFERENCE.read_text(encoding="utf-8").split("\n"):
        if header := re.fullmatch(r"## `\[+([a-z0-9_.<>A-Z]+)\]+`.*", line):
            table = header[1]
        elif row := re.fullmatch(r"\| `([a-z0-9_]+)` \| (.*?) \| (.*?) \| (.*) \|", line):
            found.setdefault(table, {})[row[1]] = row[3].strip("`")
    return found


def models() -> dict[str, type[BaseModel]]:
    fields = CaptureConfig.model_fields
    tables: dict[str, type[BaseModel]] = {
        name: info.annotation
        for name, info in fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
    }
    sync, check, people, microphones = (
        fields[name].annotation for name in ("sync", "check", "participants", "microphones")
    )
    tables["sync.recordings.<recording>"] = get_args(sync.model_fields["recordings"].annotation)[1]
    tables["check.ignore"] = get_args(check.model_fields["ignore"].annotation)[0]
    tables["participants.<participant>"] = get_args(people)[1]
    tables["microphones.<device>"] = get_args(microphones)[1]
    return tables


def as_toml(default: object) -> str:
    """Write a default as the page does."""
    if default is None or default == {}:
        return "none"
    if isinstance(default, tuple):
        items = [as_toml(item) for item in default]
        return items[0] if len(items) == 1 and items[0].startswith('"') else f"[{', '.join(items)}]"
    if isinstance(default, BaseModel):
        return as_toml(default.model_dump()["pattern"])
    if isinstance(default, str):
        return f"'{default}'" if "\\" in default else f'"{default}"'
    return str(default)


def test_the_reference_page_has_every_key_with_its_default():
    pages = documented()
    for table, model in models().items():
        expected = {
            name: "required" if info.default is PydanticUndefined else as_toml(info.default)
            for name, info in model.model_fields.items()
            if table == "files" or name not in ("recordings", "ignore")
        }
        assert pages.get(table, {}) == expected, table
    assert set(pages) == {table for table in models() if table != "check"} | {"marker_sets.<name>"}
    assert set(pages["marker_sets.<name>"]) == set(CONFIG_KEYS)


def test_the_examples_of_the_reference_page_are_valid():
    blocks = re.findall(r"```toml\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 10
    for block in blocks:
        CaptureConfig.model_validate(tomllib.loads(block))


@pytest.mark.parametrize("kind", ["folder", "pipe", "broken link"])
def test_what_stands_in_its_place_is_not_passed_over(tmp_path, kind):
    own = tmp_path / "capture.toml"
    if kind == "folder":
        own.mkdir()
    elif kind == "pipe":
        os.mkfifo(own)
    else:
        own.symlink_to("gone.toml")
    with pytest.raises(ConfigError, match=r"capture\.toml: is no file"):
        find_config(tmp_path)
