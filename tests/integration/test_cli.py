"""The program as a user meets it: what it prints, its exit status, and that no mistake ends in a traceback."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def viodat(*args: object, **kwargs: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from viodat.cli import main; main()", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **kwargs)


def test_build_says_where_the_report_is(demo_raw, tmp_path):
    result = viodat("build", "--raw", demo_raw, "--out", tmp_path / "out", "--trial", "P04T01")
    assert result.returncode == 0, result.stderr
    assert f"report: {tmp_path}/out/reports/index.html" in result.stdout
    assert Path(f"{tmp_path}/out/reports/index.html").exists()
    assert "building 1/1 P04T01" in result.stderr


def test_build_as_json(demo_raw, tmp_path):
    result = viodat("build", "--raw", demo_raw, "--out", tmp_path / "out", "--trial", "P04T01", "--json")
    answer = json.loads(result.stdout)
    assert answer["trials"] == 1
    assert answer["exclusions"] == []


def test_check_raw_and_dataset(demo_raw, demo_out):
    raw = viodat("check", demo_raw, "--json")
    assert raw.returncode == 0, raw.stdout
    assert not [f for f in json.loads(raw.stdout)["findings"] if f["level"] == "error"]
    out = viodat("check", demo_out)
    assert out.returncode == 0
    assert "files are as they were built" in out.stdout


def test_check_finds_swapped_labels_and_fails(raw_copy):
    """The labels of the two knees change places, as a hand that labels makes it."""
    path = raw_copy / "P04" / "P04T01.c3d"
    content = path.read_bytes()
    assert content.count(b"LKNE") >= 1
    swapped = content.replace(b"LKNE", b"XKNE").replace(b"RKNE", b"LKNE").replace(b"XKNE", b"RKNE")
    path.write_bytes(swapped)
    result = viodat("check", raw_copy)
    assert result.returncode == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("error [swapped-sides]")]
    assert "LKNE" in line
    assert "RKNE" in line
    assert "P04T01" in line


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("build", "--raw", "/nowhere"), ("/nowhere", "raw capture")),
        (("build", "--raw", "RAW", "--out", "OUT", "--config", "/no.toml"), ("no such file", "--config")),
        (("build", "--raw", "RAW", "--pose2d", "openpose"), ("--pose2d openpose", "mediapipe")),
        (("build", "--raw", "RAW", "--joint-centres", "magic"), ("--joint-centres magic", "pig")),
        (("build", "--raw", "RAW", "--audio-rate", "44"), ("--audio-rate 44", "30, 100, 300")),
        (("info", "/nowhere"), ("/nowhere", "does not exist")),
        (("check", "/nowhere"), ("/nowhere",)),
    ],
)
def test_a_mistake_is_one_line(args, words, demo_raw, tmp_path):
    named = {"RAW": demo_raw, "OUT": tmp_path / "out"}
    result = viodat(*(named.get(arg, arg) for arg in args), cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("error: ")
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize("args", [("biuld",), ("build",), ("build", "--rwa", "x"), ("info",)])
def test_a_wrong_command_line_is_told_without_a_traceback(args):
    result = viodat(*args)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_typo_in_capture_toml_names_the_nearest_key(raw_copy, tmp_path):
    (raw_copy / "capture.toml").write_text('[splts]\ntest = ["P05"]\n')
    result = viodat("build", "--raw", raw_copy, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "capture.toml" in result.stderr
    assert "splts" in result.stderr
    assert "splits" in result.stderr


def test_debug_shows_the_traceback():
    result = viodat("--debug", "info", "/nowhere")
    assert result.returncode != 0
    assert "Traceback" in result.stderr


def test_version():
    import viodat as package

    assert viodat("--version").stdout.strip() == package.__version__


def test_info_of_each_kind_of_thing(demo_raw, demo_out):
    for path, word in (
        (demo_out, "splits"),
        (demo_raw, "calibrated"),
        (demo_raw / "P04" / "P04T01.c3d", "markers"),
        (demo_raw / "P04" / "P04C01T01.mp4", "codec"),
        (next((demo_raw / "calibration").iterdir()), "focal length"),
    ):
        result = viodat("info", path)
        assert result.returncode == 0, result.stderr
        assert word in result.stdout
        assert json.loads(viodat("info", path, "--json").stdout)


def test_ctrl_c_stops_cleanly(demo_raw, tmp_path):
    command = [sys.executable, "-c", "from viodat.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "build", "--raw", demo_raw, "--out", tmp_path / "out"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("building 0/4")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert not (tmp_path / "out").exists()
