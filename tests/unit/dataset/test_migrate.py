"""A dataset of each earlier minor version, made by taking from one of today what came later, is brought back to it."""

import hashlib
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import viodat
from tests.unit.dataset.changed import change_table
from tests.unit.dataset.fitted import FITTED, PLAIN, write_fitted_dataset
from viodat.dataset import migrate, schema
from viodat.dataset.manifest import write_manifest
from viodat.dataset.migrate import STEPS, Step, migrate_dataset
from viodat.dataset.stream_schemas import STREAMS
from viodat.errors import ConfigError, DatasetError

MAJOR, CURRENT = schema.version_number(schema.SCHEMA_VERSION)
OLDER = [f"{MAJOR}.{minor}" for minor in range(CURRENT)]


@pytest.fixture(scope="module")
def today(tmp_path_factory):
    """Read only."""
    return write_fitted_dataset(tmp_path_factory.mktemp("fitted") / "out")


def aged(source, folder, version, *, sigma_ms=7.5):
    """A dataset as viodat wrote it at that version."""
    shutil.copytree(source, folder)
    kinds = {f"{name}.parquet": kind for name, kind in schema.TABLES.items()}
    for file in folder.rglob("*.parquet"):
        kind = kinds.get(file.name) or STREAMS[file.relative_to(folder).parts[0]]

        def without(table, kind=kind, file=file):
            if file.name == "recordings.parquet":
                place = table.schema.get_field_index("sigma_ms")
                values = pa.array([sigma_ms] * len(table), pa.float64())
                table = table.set_column(place, table.schema.field(place), values)
            kept = [field.name for field in kind if not schema.lacks(version, field)]
            metadata = {**table.schema.metadata, b"schema_version": version.encode(), b"viodat_version": b"0.0.9"}
            return table.select(kept).replace_schema_metadata(metadata)

        change_table(file, without)
    content = json.loads((folder / "dataset.json").read_text()) | {"schema_version": version}
    (folder / "dataset.json").write_text(json.dumps(content))
    (folder / "waveform").mkdir()
    (folder / "waveform" / "P04C01T01.flac").write_bytes(b"sound")
    write_manifest(folder, {})
    return folder


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_minor_version_has_its_step():
    assert set(STEPS) >= {f"{MAJOR}.{minor}" for minor in range(1, CURRENT + 1)}


@pytest.mark.parametrize("version", OLDER)
def test_it_becomes_what_this_viodat_writes(today, tmp_path, version):
    old = aged(today, tmp_path / "old", version)
    before = digests(old)
    shown = []
    result = migrate_dataset(old, tmp_path / "new", progress=lambda *step: shown.append(step))
    assert result.versions == tuple(f"{MAJOR}.{minor}" for minor in range(int(version[2:]), CURRENT + 1))
    assert digests(old) == before
    assert shown[-1][0] == shown[-1][1] == len(shown)
    dataset = viodat.open_dataset(tmp_path / "new")
    assert dataset.verify().ok
    assert dataset.info["schema_version"] == schema.SCHEMA_VERSION
    assert [step["to"] for step in dataset.info["migrated"]] == list(result.versions[1:])
    for file in (tmp_path / "new").rglob("*.parquet"):
        found = pq.read_schema(file)
        kind = schema.TABLES.get(file.stem) or STREAMS[file.relative_to(tmp_path / "new").parts[0]]
        assert found.names == kind.names
        assert [found.field(name).type for name in found.names] == [field.type for field in kind]
        assert found.metadata[b"schema_version"].decode() == schema.SCHEMA_VERSION
        assert found.metadata[b"viodat_version"] == b"0.0.9"
    assert (tmp_path / "new" / "waveform" / "P04C01T01.flac").read_bytes() == b"sound"


@pytest.mark.parametrize("version", OLDER)
def test_numbers_stay_and_what_was_not_measured_is_missing(today, tmp_path, version):
    migrate_dataset(aged(today, tmp_path / "old", version), tmp_path / "new")
    before, after = viodat.open_dataset(today), viodat.open_dataset(tmp_path / "new")
    for trial in (FITTED, PLAIN):
        a, b = before.motion(trial), after.motion(trial)
        np.testing.assert_array_equal(a.joints_mm, b.joints_mm)
        np.testing.assert_array_equal(a.sigma_mm, b.sigma_mm)
        if version == "1.0":
            assert np.isnan(b.velocity_mm_s).all()
            assert np.isnan(b.angles_rad).all()
    for name in before.recordings["recording"][:2]:
        np.testing.assert_array_equal(before.video(name).pose2d_px, after.video(name).pose2d_px)
        np.testing.assert_array_equal(before.audio(name).features, after.audio(name).features)


def test_a_sigma_that_meant_something_else_is_taken_back(today, tmp_path):
    """Before 1.2 sigma_ms was that of the offset."""
    result = migrate_dataset(aged(today, tmp_path / "old", "1.1"), tmp_path / "new")
    after = viodat.open_dataset(tmp_path / "new")
    assert after.recordings["sigma_ms"].isna().all()
    assert "sigma_ms was that of the offset, 7.5 ms" in list(after.recordings["notes"][0])
    assert any("before schema 1.2" in note for note in result.notes)
    unknown = migrate_dataset(aged(today, tmp_path / "none", "1.1", sigma_ms=None), tmp_path / "new2")
    assert unknown.notes == ()


def test_what_is_described_is_described_anew(today, tmp_path):
    migrate_dataset(aged(today, tmp_path / "old", OLDER[-1]), tmp_path / "new")
    assert f"schema {schema.SCHEMA_VERSION}" in (tmp_path / "new" / "README.md").read_text()
    assert json.loads((tmp_path / "new" / "croissant.json").read_text())["sdVersion"] == schema.SCHEMA_VERSION


def test_a_step_may_add_to_the_whole(today, tmp_path, monkeypatch):
    def certified(folder, info):
        info["certificate"] = {"trials": len(pq.read_table(folder / "trials.parquet"))}

    last = schema.SCHEMA_VERSION
    monkeypatch.setitem(migrate.STEPS, last, Step(STEPS[last].columns, certified))
    migrate_dataset(aged(today, tmp_path / "old", OLDER[-1]), tmp_path / "new")
    assert viodat.open_dataset(tmp_path / "new").info["certificate"] == {"trials": 3}


def test_a_step_that_fails_leaves_everything_as_it_was(today, tmp_path, monkeypatch):
    def broken(folder, info):
        raise OSError(28, "No space left on device")

    old = aged(today, tmp_path / "old", OLDER[-1])
    before = digests(old)
    monkeypatch.setitem(migrate.STEPS, schema.SCHEMA_VERSION, Step(folder=broken))
    with pytest.raises(
        ConfigError, match=r"new: cannot be written \(No space left on device\)\. Name a folder with --out"
    ):
        migrate_dataset(old, tmp_path / "new")
    assert digests(old) == before
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_dataset_that_is_not_as_it_was_built_is_refused(today, tmp_path):
    old = aged(today, tmp_path / "old", OLDER[-1])
    (old / "waveform" / "P04C01T01.flac").write_bytes(b"noise")
    with pytest.raises(
        DatasetError, match=r"1 of its files are not as they were built: waveform/P04C01T01\.flac\. Run"
    ):
        migrate_dataset(old, tmp_path / "new")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (schema.SCHEMA_VERSION, "is of schema version .* already"),
        (f"{MAJOR}.{CURRENT + 1}", "newer than the .* that this viodat writes. Install the newer viodat"),
        (f"{MAJOR + 1}.0", "newer than the .* pip install --upgrade viodat"),
    ],
)
def test_versions_that_are_no_earlier_ones(today, tmp_path, version, message):
    copy = shutil.copytree(today, tmp_path / "copy")
    content = json.loads((copy / "dataset.json").read_text()) | {"schema_version": version}
    (copy / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=message):
        migrate_dataset(copy, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_new_one_is_not_the_old_one_nor_in_it(today, tmp_path):
    old = aged(today, tmp_path / "old", OLDER[-1])
    for out in (old, old / "new"):
        with pytest.raises(ConfigError, match=r"lies inside the dataset .* Choose another --out"):
            migrate_dataset(old, out)
