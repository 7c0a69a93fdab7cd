"""Every importer: it refuses what is not its own, and what it writes can be opened, trusted and cited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import viodat
from tests.unit.dataset.published import Release
from tests.unit.dataset.published_takes import write_datapack, write_mosa, write_urmp
from viodat.dataset.importers import IMPORTERS, ImportOptions, import_published
from viodat.errors import ConfigError, DatasetError, ViodatError

RELEASE = {"P04C01T01": 0.0, "P05C01T02": 0.0}

SAMPLES: dict[str, Callable[[Path], Path]] = {
    "viodat-v1": lambda folder: Release(RELEASE).write(folder),
    "telmi": lambda folder: write_datapack(folder / "anna" / "scales").parents[2],
    "quartet": lambda folder: write_datapack(folder / "P1" / "Ensemble").parents[2],
    "mosa": lambda folder: write_mosa(folder, ("ba1_yv10_t1", "ba1_ev01_t1")),
    "urmp": lambda folder: write_urmp(folder, {"01_Jupiter_vn_vc": ("vn", "vc"), "02_Sonata_vn": ("vn",)}),
}
names = list(IMPORTERS)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """The dataset of each importer's sample, made once."""
    made = {}

    def make(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            (folder / "in").mkdir()
            source = SAMPLES[name](folder / "in")
            before = {path: path.read_bytes() for path in (folder / "in").rglob("*") if path.is_file()}
            result = import_published(name, source, folder / "out")
            assert {path: path.read_bytes() for path in (folder / "in").rglob("*") if path.is_file()} == before
            made[name] = source, viodat.open_dataset(folder / "out"), result
        return made[name]

    return make


def test_each_importer_has_a_sample():
    assert sorted(SAMPLES) == sorted(names)


@pytest.mark.parametrize("name", names)
def test_what_it_writes_is_a_whole_dataset(imported, name):
    _, dataset, result = imported(name)
    assert dataset.verify().ok
    assert result.trials == (dataset.trials["status"] == "built").sum() > 0
    assert result.recordings == len(dataset.recordings) > 0
    assert result.exclusions == ()
    for row in dataset.rows("trials"):
        assert row["seconds"] > 0
        if row["frames"] is not None:
            assert len(dataset.motion(row["trial"]).time_ns) == row["frames"]
        assert (dataset.annotations(row["trial"])["start_ns"] >= 0).all()
    for row in dataset.rows("recordings"):
        assert len(dataset.audio(row["recording"]).features) > 0
    assert json.loads((dataset.path / "croissant.json").read_text())["name"]
    listed = json.loads((dataset.path / "manifest.json").read_text())["files"]
    assert {path for path in listed if path.startswith("annotations/")} == {
        path.relative_to(dataset.path).as_posix() for path in dataset.path.glob("annotations/**/*.parquet")
    }


@pytest.mark.parametrize("name", names)
def test_the_card_says_whose_it_is_and_what_is_missing(imported, name):
    _, dataset, _ = imported(name)
    card = (dataset.path / "README.md").read_text()
    about = dataset.info["imported"]
    assert about["format"] == name
    assert len(about["missing"]) >= 5
    for text in (dataset.info["licence"], dataset.info["citation"], dataset.info["description"], *about["missing"]):
        assert len(text) > 40
        assert text in card
    assert about["files_sha256"]
    code = card.split("```python\n")[1].split("```")[0].replace('"."', repr(str(dataset.path)))
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize("name", names)
def test_the_same_files_give_the_same_bytes(imported, name, tmp_path):
    source, dataset, _ = imported(name)
    import_published(name, source, tmp_path / "out")
    for file in (path for path in dataset.path.rglob("*") if path.is_file()):
        assert (tmp_path / "out" / file.relative_to(dataset.path)).read_bytes() == file.read_bytes(), file


@pytest.mark.parametrize("name", names)
@pytest.mark.parametrize("kind", ["nothing", "text", "empty folder", "folder of other things"])
def test_what_is_not_its_own_is_one_clear_error(tmp_path, name, kind):
    source = tmp_path / "other"
    if kind == "text":
        source.write_text("hello\n")
    elif kind != "nothing":
        source.mkdir()
    if kind == "folder of other things":
        (source / "a.xml").write_text("<a/>")
        (source / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(ViodatError) as caught:
        import_published(name, source, tmp_path / "out")
    assert str(caught.value).startswith("other: ")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize("name", names)
def test_a_folder_in_use_is_refused(imported, name):
    source, dataset, _ = imported(name)
    with pytest.raises(ConfigError, match="is not empty"):
        import_published(name, source, dataset.path)


@pytest.mark.parametrize("name", names)
def test_options_of_the_others_are_refused(imported, name, tmp_path):
    source, _, _ = imported(name)
    wrong = {"config": tmp_path / "capture.toml"} if name == "viodat-v1" else {"keypoints": "openpose"}
    with pytest.raises(ConfigError, match=f"--{next(iter(wrong))} says nothing to {name}"):
        import_published(name, source, tmp_path / "out", ImportOptions(**wrong))


@pytest.mark.parametrize("name", names)
def test_a_folder_that_cannot_be_written_is_told(imported, name, tmp_path):
    source, _, _ = imported(name)
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot be written"):
        import_published(name, source, tmp_path / "file" / "out")


@pytest.mark.parametrize("name", names)
def test_an_interrupted_import_leaves_no_dataset(imported, name, tmp_path):
    source, _, _ = imported(name)

    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_published(name, source, tmp_path / "out", progress=stop)
    with pytest.raises(DatasetError):
        viodat.open_dataset(tmp_path / "out")
