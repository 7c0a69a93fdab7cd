"""Every format of ``viodat export``: what it promises whatever it holds."""

import hashlib
import shutil
from pathlib import Path

import pytest

import viodat
from tests.unit.dataset.changed import change_rows
from tests.unit.dataset.fitted import EXCLUDED, FITTED, PLAIN, write_fitted_dataset
from viodat.dataset import export_dataset, paths
from viodat.dataset.exports import DEFAULT, FORMATS, DatasetFormat
from viodat.errors import ConfigError, DatasetError

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDERS = [name for name, found in FORMATS.items() if isinstance(found, DatasetFormat) and found.whole_folder]
FOR_TRAINING = ["npz-v1", "lerobot"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Read only."""
    return write_fitted_dataset(tmp_path_factory.mktemp("fitted"))


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(params=FORMATS)
def name(request):
    return request.param


def test_it_writes_the_files_it_names_and_leaves_the_dataset_alone(folder, name, tmp_path):
    before = digests(folder)
    result = export_dataset(viodat.open_dataset(folder), tmp_path / "to", [name])
    assert {str(file.relative_to(tmp_path / "to")) for file in result.files} == set(digests(tmp_path / "to"))
    assert FITTED in result.trials
    assert digests(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["to"]


def test_the_same_dataset_gives_the_same_bytes(folder, name, tmp_path):
    made = []
    for place in ("one", "two"):
        export_dataset(viodat.open_dataset(folder), tmp_path / place, [name])
        made.append(digests(tmp_path / place))
    assert made[0] == made[1]


def test_an_excluded_trial_is_said_with_its_reason(folder, name, tmp_path):
    dataset = viodat.open_dataset(folder)
    result = export_dataset(dataset, tmp_path / "to", [name], [FITTED, EXCLUDED])
    assert [(item.trial, item.format) for item in result.skipped] == [(EXCLUDED, name)]
    assert "too short" in str(result.skipped[0].error)
    assert result.trials == (FITTED,)
    with pytest.raises(DatasetError, match="too short"):
        export_dataset(dataset, tmp_path / "none", [name], [EXCLUDED])
    assert not (tmp_path / "none").exists()


def test_a_damaged_stream_costs_what_it_is_of(copy, name, tmp_path):
    (copy / paths.motion(PLAIN, "P04", "test")).write_bytes(b"no Parquet")
    result = export_dataset(viodat.open_dataset(copy), tmp_path / "to", [name])
    assert {item.trial for item in result.skipped} == {PLAIN}
    assert FITTED in result.trials


@pytest.mark.parametrize("name", FOR_TRAINING)
@pytest.mark.parametrize(
    ("status", "why"),
    [("unsynchronised", "its clock is unknown"), ("uncertain", "less certain than the gate asks for")],
)
def test_formats_for_training_leave_out_doubtful_clocks_and_say_so(copy, name, status, why, tmp_path):
    doubtful = FITTED.replace("P04", "P04C01")
    change_rows(copy, "recordings", lambda row: {**row, "status": status} if row["recording"] == doubtful else row)
    result = export_dataset(viodat.open_dataset(copy), tmp_path / "to", [name])
    (left_out,) = result.skipped
    assert (left_out.trial, left_out.recording) == (FITTED, doubtful)
    assert why in str(left_out.error)


@pytest.mark.parametrize("name", ["csv", "hf"])
def test_formats_that_hold_everything_keep_doubtful_clocks_and_say_so(copy, name, tmp_path):
    change_rows(copy, "recordings", lambda row: {**row, "status": "uncertain"})
    result = export_dataset(viodat.open_dataset(copy), tmp_path / "to", [name])
    assert not result.skipped
    assert any("less certain than the gate asks for" in note for note in result.notes)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_its_own_is_new_and_whole(copy, name, tmp_path):
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "mine.txt").write_text("")
    dataset = viodat.open_dataset(copy)
    with pytest.raises(ConfigError, match=r"to: is there already, and is not an empty folder\. Name a new folder"):
        export_dataset(dataset, tmp_path / "to", [name])
    with pytest.raises(ConfigError, match=f"the format '{name}' is a folder of its own"):
        export_dataset(dataset, tmp_path / "other", ["trc", name])
    for file in (copy / "motion").rglob("*.parquet"):
        file.write_bytes(b"")
    with pytest.raises(DatasetError, match="cannot be read as Parquet"):
        export_dataset(dataset, tmp_path / "new", [name])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "to"]


def test_it_is_in_the_documentation(name):
    page = "export-to-opensim.md" if name in DEFAULT else "export-to-other-formats.md"
    text = (DOCS / "how-to" / page).read_text(encoding="utf-8")
    assert f".{name} " in text if name in DEFAULT else f"--format {name}\n" in text.replace(" --rate 30", "")
    assert name in (DOCS / "reference" / "cli.md").read_text(encoding="utf-8").split("## `viodat export`")[1]
