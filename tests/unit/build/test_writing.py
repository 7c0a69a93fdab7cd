"""What a trial that cannot be written to the end leaves behind: nothing of its own, and all of the others."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.build.trials import recording, trial
from viodat.build.writing import Tables
from viodat.dataset import paths
from viodat.report.wording import file_stem


def drawn(out: Path, name: str) -> list[Path]:
    """What reports write of a trial."""
    stem = file_stem(name)
    sheets = (out / "reports" / "trials" / f"{stem}{suffix}" for suffix in (".png", ".svg", ".html"))
    return [*sheets, out / "reports" / "clocks" / f"{stem}-evidence.png"]


def streams(out: Path, name: str) -> list[Path]:
    return [out / paths.motion(name, "P05", "train"), out / paths.video(f"C01of{name}", "P05", "train")]


@pytest.mark.parametrize(("lost", "kept"), [("P05T28", "P05T2"), ("P05T#1", "P05T#2"), ("P05T#1", "P05T_1")])
def test_nothing_of_a_trial_is_left_whatever_its_name(tmp_path, lost, kept):
    tables = Tables()
    for name in (lost, kept):
        tables.trials.append({"trial": name})
        for file in (*drawn(tmp_path, name), *streams(tmp_path, name)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
            tables.file_rows[file.relative_to(tmp_path).as_posix()] = 1
    files = replace(trial(recording()).files, id=lost)
    files = replace(files, recordings=(replace(files.recordings[0], id=f"C01of{lost}"),))
    tables.forget(tmp_path, files)
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*drawn(tmp_path, kept), *streams(tmp_path, kept)}
    assert set(tables.file_rows) == {path.relative_to(tmp_path).as_posix() for path in left}
    assert tables.trials == [{"trial": kept}]
