"""What dataset.json holds, as a model, and as the JSON Schema that is shipped with viodat (``dataset.schema.json``).

Keys that are not named are allowed: a later minor version adds some. After a change of the model
``python -m viodat.dataset.json_schema`` writes the schema anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from viodat.files import write_text
from viodat.joints import JOINTS

SCHEMA_FILE: Final = Path(__file__).with_name("dataset.schema.json")
_ID: Final = "https://github.com/viodat/viodat/blob/main/viodat/dataset/dataset.schema.json"

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Units(_Part):
    """Units of all files: they are not a choice."""

    length: Literal["mm"]
    time: Literal["ns"]
    image: Literal["px"]


class Imported(_Part):
    """Where an imported dataset is from."""

    format: str = Field(description="the importer")
    files_sha256: dict[str, _Digest] = Field(default={}, description="published files, by name")
    missing: list[str] = Field(default=[], description="what a dataset can hold and the published data do not")
    notes: list[str] = Field(default=[], description="what was found while importing")


class Migrated(_Part):
    """A step from one schema version to the next."""

    from_version: str = Field(alias="from", description="schema version before")
    to: str = Field(description="schema version after")
    viodat_version: str = Field(description="the program that did it")


class DatasetInfo(_Part):
    """dataset.json of a viodat dataset: what holds for all of its files."""

    schema_version: str = Field(pattern=r"^\d+(\.\d+)?$", description="major.minor of docs/reference/dataset.md")
    viodat_version: str = Field(description="the program that built the dataset")
    name: str | None = Field(description="from capture.toml [capture], as the next ones")
    description: str = Field(default="", description="what was recorded")
    licence: str = Field(default="", description="licence of the data, an SPDX name if it has one")
    citation: str = Field(default="", description="how to cite the data")
    creator: str = Field(default="", description="who made the recordings: the lab")
    url: str = Field(default="", description="page of the dataset")
    version: str = Field(default="", description="version of the data, as the lab counts it")
    date_published: str = Field(default="", pattern=r"^(\d{4}-\d\d-\d\d)?$", description="ISO date")
    joints: list[str] = Field(
        description="names of the joints, in the order of all files",
        json_schema_extra={"items": {"enum": list(JOINTS)}, "minItems": len(JOINTS), "maxItems": len(JOINTS)},
    )
    units: Units
    feature_rates_hz: list[StrictInt] = Field(description="rates of the audio frame that were built")
    options: dict[str, Any] = Field(default={}, description="options of the command, without machine paths")
    config: dict[str, Any] = Field(default={}, description="capture.toml without its defaults")
    inputs_sha256: _Digest | None = Field(default=None, description="one digest over all raw files that were used")
    certificate: dict[str, Any] | None = Field(default=None, description="what was checked of the splits")
    statistics: dict[str, Any] | None = Field(default=None, description="means and spreads over the training split")
    imported: Imported | None = Field(default=None, description="only of imported datasets")
    migrated: list[Migrated] = Field(default=[], description="steps by which 'viodat migrate' brought it here")


def first_fault(info: Any) -> tuple[str, Any, str] | None:
    """Find what is wrong with the content of a dataset.json.

    Returns
    -------
    tuple or None
        The place of the first fault (``units.length``), the value that stands there (``None`` where the key is
        missing), and what was expected (``missing`` where the key is). None: there is no fault.
    """
    try:
        DatasetInfo.model_validate(info)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "missing":
            return place, None, "missing"
        return place, fault["input"], fault["msg"]
    return None


def schema_text() -> str:
    """Give the JSON Schema, Draft 2020-12, as it is shipped."""
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _ID,
        **DatasetInfo.model_json_schema(by_alias=True),
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_text(SCHEMA_FILE, schema_text())
