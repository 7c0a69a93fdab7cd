"""The documentation says what the code does: generated tables, code that runs, numbers that are measured."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import viodat
from tests.twins import spoil_markers, write_small_capture
from viodat.body.interpolate import at_times
from viodat.build import build_dataset
from viodat.build.checks import CHECKS
from viodat.capture import MarkerTrial
from viodat.cli.app import app
from viodat.clock import ClockMap
from viodat.dataset import schema

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md") if "_build" not in page.parts)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The script that makes the generated parts."""
    spec = importlib.util.spec_from_file_location("generate_reference", DOCS / "generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset OUT: one trial of a training and of a test participant, with sound but no pictures.

    In half of the training trial nothing tells where one thumb is.
    """
    folder = tmp_path_factory.mktemp("docs")
    write_small_capture(folder / "RAW", trials=1, video=False)
    spoil_markers(folder / "RAW" / "P04" / "P04T01.c3d", _lose_a_thumb)
    build_dataset(folder / "RAW", folder / "OUT")
    return folder


def _lose_a_thumb(trial: MarkerTrial) -> MarkerTrial:
    thumb = np.array([label.startswith("RTHM") for label in trial.labels])
    late = np.arange(trial.n_frames) >= trial.n_frames // 2
    lost = late[:, None, None] & thumb[None, :, None]
    return replace(trial, positions_mm=np.where(lost, np.nan, trial.positions_mm))


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page",
    [
        "reference/dataset.md",
        "reference/checks.md",
        "reference/cli.md",
        "science/joint_centres.md",
        "science/quality_gates.md",
        "science/twin.md",
        "how-to/simulate-a-capture.md",
        "how-to/export-to-opensim.md",
    ],
)
def test_generated_parts_are_what_the_code_says(reference, page):
    assert page in reference.PAGES
    assert text_of(page) == reference.rendered(page), (
        f"docs/{page} differs from the code. Run: {reference.COMMAND}, and read what changed."
    )


def test_every_generated_page_is_tested(reference):
    marked = {page for page in PAGES if "<!-- generated:" in text_of(page)}
    assert marked == set(reference.PAGES)


def test_the_pages_have_every_column_check_verb_and_option():
    """Not through the generator: it could leave something out."""
    dataset, checks, cli = (text_of(f"reference/{name}.md") for name in ("dataset", "checks", "cli"))
    for name, columns in {
        "motion": schema.MOTION,
        "video": schema.VIDEO,
        "audio": schema.AUDIO,
        **schema.TABLES,
    }.items():
        part = dataset.split(f"<!-- generated: {name} -->")[1].split("<!-- end generated -->")[0]
        assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == columns.names, name
    assert re.findall(r"^\| `([\w-]+)` \| (?:error|warning|note) \|", checks, re.MULTILINE) == list(CHECKS)
    for command in app.registered_commands:
        result = CliRunner().invoke(app, [command.name, "--help"], env={"COLUMNS": "300", "TERM": "dumb"})
        part = cli.split(f"## `viodat {command.name}`")[1].split("\n## ")[0]
        shown = set(re.findall(r"--[a-z0-9][a-z0-9-]*", result.stdout)) - {"--help"}
        assert shown == set(re.findall(r"--[a-z0-9][a-z0-9-]*", part)), command.name


def test_exit_statuses_are_those_of_the_page(tmp_path):
    """0, 1 and 2 of docs/reference/cli.md, where they are easily taken for one another."""
    (tmp_path / "raw" / "P05").mkdir(parents=True)
    (tmp_path / "raw" / "P05" / "P05T01.c3d").write_text("not a C3D file")
    assert "| 2 | the command line, capture.toml or the input is wrong, or not one trial could be built |" in text_of(
        "reference/cli.md"
    )

    def status(*words: str) -> int:
        return CliRunner().invoke(app, list(words)).exit_code

    assert status("--version") == 0
    assert status("check", str(tmp_path / "raw")) == 1
    assert status("build", "--raw", str(tmp_path / "raw"), "--out", str(tmp_path / "out")) == 2
    assert status("info", str(tmp_path / "nowhere")) == 2
    assert status("bogus") == 2


def run_code(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Run all Python of a page, in its order, in a folder that holds a dataset OUT."""
    blocks = re.findall(r"^```python\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE)
    assert blocks
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    exec(compile("\n".join(blocks), page, "exec"), names)
    return names


def test_reading_without_viodat_gives_what_viodat_reads(tiny, monkeypatch):
    names = run_code("reference/dataset.md", tiny, monkeypatch)
    ds = viodat.open_dataset(tiny / "OUT")
    motion = ds.motion(names["trial"]["trial"])
    np.testing.assert_array_equal(names["joints_mm"], motion.joints_mm)
    np.testing.assert_array_equal(np.round(names["time_s"] * 1e9), motion.time_ns)
    np.testing.assert_array_equal(names["pose2d_px"], ds.video(names["recording"]["recording"]).pose2d_px)
    assert names["joint_names"] == ds.info["joints"]
    assert "import viodat" not in text_of("reference/dataset.md").split("## Reading it without viodat")[1]


@pytest.mark.parametrize(
    "page",
    ["index.md", "how-to/build-a-dataset.md", "how-to/export-to-opensim.md", "how-to/export-to-other-formats.md"],
)
def test_code_of_the_pages_runs(tiny, monkeypatch, page):
    names = run_code(page, tiny, monkeypatch)
    assert set(names) - {"__builtins__"}, "the page's code defines nothing"


def test_the_training_page_trains(tiny, monkeypatch):
    names = run_code("how-to/train-on-windows.md", tiny, monkeypatch)
    assert np.isfinite(names["loss"].item())
    assert np.isfinite(names["error"].item())
    window = names["window"]
    rows = re.findall(r"^\| (`.*?) \|", text_of("how-to/train-on-windows.md"), re.MULTILINE)
    keys = re.findall(r"`(\w+)`", "".join(rows))
    assert set(keys) == set(window)
    # The page says that NaN is there to be handled; the demo has padding and gaps.
    assert not all(names["windows"][i]["valid"].all() for i in range(len(names["windows"])))


def test_the_times_of_the_dataset_page(tiny):
    """device_time_ns from pts, time_ns from device_time_ns, and row k of the sound at k / rate."""
    ds = viodat.open_dataset(tiny / "OUT")
    for _, row in ds.recordings.iterrows():
        video, audio = ds.video(row["recording"]), ds.audio(row["recording"])
        numerator, denominator = map(int, row["time_base"].split("/"))
        device_s = video.pts * numerator / denominator - row["audio_start_s"]
        np.testing.assert_allclose(video.device_time_ns / 1e9, device_s, atol=1e-9)
        mapped = video.device_time_ns * (1 + row["drift_ppm"] * 1e-6) + row["offset_s"] * 1e9
        np.testing.assert_allclose(video.time_ns, mapped, atol=1.01)
        np.testing.assert_array_equal(audio.device_time_ns, np.arange(len(audio.features)) * 10_000_000)


def test_nothing_in_the_files_is_nan(tiny):
    for file in sorted((tiny / "OUT").rglob("*.parquet")):
        table = pd.read_parquet(file, dtype_backend="pyarrow")
        for name in table.select_dtypes("number"):
            assert not np.isnan(table[name].dropna().to_numpy(float)).any(), f"{file.name} {name}"


def test_the_worked_example_of_the_time_page():
    page = text_of("science/time.md")
    clap_s = (351 - 1) / 100
    heard_s = clap_s + 3 * 0.0029
    clock = ClockMap(offset_s=heard_s - 2.2659)
    assert f"**+{clock.offset_s:.4f} s**" in page
    frame_s = float(clock.apply(4.0))
    assert f"at {frame_s:.4f} s" in page
    assert f"frames number {int(frame_s * 100) + 1} and {int(frame_s * 100) + 2}" in page
    assert f"{2 * np.pi * 300:.0f} mm/s" in page
    assert f"{2 * np.pi * 300 * 0.005:.1f} mm" in page
    assert f"{2 * np.pi * 6 * 10:.0f} mm/s" in page
    assert f"{2 * np.pi * 6 * 10 * 0.005:.1f} mm" in page


@pytest.mark.parametrize(
    ("movement", "half_mm", "rate_hz"),
    [("whole bow", 300, 1), ("détaché", 100, 4), ("vibrato", 10, 6), ("tremolo", 30, 10)],
)
def test_interpolation_errs_as_the_time_page_says(movement, half_mm, rate_hz):
    frames_s = np.arange(400) / 100
    times_s = np.linspace(frames_s[1], frames_s[-2], 100_001)

    def position(t):
        return half_mm * np.sin(2 * np.pi * rate_hz * t + 0.3)

    cubic = np.abs(at_times(position(frames_s), 0.0, 100.0, times_s) - position(times_s)).max()
    line = np.abs(np.interp(times_s, frames_s, position(frames_s)) - position(times_s)).max()
    print(f"\n{movement}, ± {half_mm} mm at {rate_hz} Hz: cubic {cubic:.4f} mm, straight line {line:.2f} mm")
    row = re.search(
        rf"^\| {movement}, ± {half_mm} mm at {rate_hz} Hz \| (\S+) \| (\S+) \|$", text_of("science/time.md"), re.M
    )
    assert row is not None
    assert cubic == pytest.approx(float(row[1]), rel=0.1)
    assert line == pytest.approx(float(row[2]), rel=0.05)


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(page)):
            assert ((DOCS / page).parent / target).exists(), f"{page}: {target}"


def test_tests_that_the_pages_cite_exist():
    root = DOCS.parent
    for page in PAGES:
        for file in re.findall(r"`((?:tests|viodat|docs)/[\w/]+\.\w+)`", text_of(page)):
            assert (root / file).is_file(), f"{page}: {file}"


def test_pictures_are_small():
    for image in (DOCS / "images").iterdir():
        assert image.stat().st_size <= 400_000, image.name
