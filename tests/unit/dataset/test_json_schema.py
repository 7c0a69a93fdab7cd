"""dataset.schema.json is that of the model, admits what is written, and is enforced by the reader."""

import json

import jsonschema
import pytest

import viodat
from tests.unit.dataset.small import info, write_dataset
from viodat.dataset.json_schema import SCHEMA_FILE, DatasetInfo, schema_text
from viodat.errors import DatasetError


@pytest.fixture(scope="module")
def validator():
    """Of another library, on the file that is shipped."""
    content = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content)


WRONG = [
    ({"joints": "left_ankle"}, "joints"),
    ({"units": {"length": "m", "time": "ns", "image": "px"}}, "units.length"),
    ({"units": {"length": "mm", "time": "ns"}}, "units.image"),
    ({"feature_rates_hz": [100.5]}, "feature_rates_hz.0"),
    ({"schema_version": "1.x"}, "schema_version"),
    ({"inputs_sha256": "abc"}, "inputs_sha256"),
    ({"date_published": "yesterday"}, "date_published"),
    ({"options": []}, "options"),
    ({"certificate": "yes"}, "certificate"),
    ({"migrated": [{"from": "1.1"}]}, "migrated.0.to"),
]


def test_the_shipped_file_is_that_of_the_model():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "Run: python -m viodat.dataset.json_schema"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": None},
        {"options": {"sync": "given"}, "inputs_sha256": "0" * 64, "date_published": "2025-02-28"},
        {"certificate": {"ok": True}, "statistics": {"joints": [1.0]}},
        {"imported": {"format": "viodat-v1", "files_sha256": {"a.npz": "f" * 64}, "missing": ["markers"], "notes": []}},
        {"migrated": [{"from": "1.1", "to": "1.2", "viodat_version": "0.1.0"}]},
        {"something_of_a_later_minor": 1},
    ],
)
def test_what_may_stand_there(validator, changes):
    content = info(**changes)
    assert not list(validator.iter_errors(content))
    assert DatasetInfo.model_validate(content)


@pytest.mark.parametrize(("changes", "place"), WRONG)
def test_what_may_not_stand_there_is_refused_by_both(validator, tmp_path, changes, place):
    content = info(**changes)
    assert list(validator.iter_errors(content))
    folder = write_dataset(tmp_path / "out", seconds=0.5, video_frames=10)
    (folder / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"^dataset\.json: ") as caught:
        viodat.open_dataset(folder)
    if place != "schema_version":
        assert f"'{place}'" in caught.value.problem


def test_the_joints_are_in_the_schema_by_name(validator):
    content = info()
    content["joints"] = [*content["joints"][:-1], "nose"]
    assert list(validator.iter_errors(content))
    content["joints"] = content["joints"][:-1]
    assert list(validator.iter_errors(content))
