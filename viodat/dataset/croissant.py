"""croissant.json: the dataset in the words of ML Commons Croissant 1.1, for tools that load data sets by it.

Tables are FileObjects with their digest, streams are FileSets of Parquet files, and each is a RecordSet with one field
per column. An array column is an array of its flattened length, as it stands in the files; the field's description has
its shape, unit, frame of reference and order. Nothing is taken from a clock: the same dataset gives the same bytes.
Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from viodat.dataset import paths, schema
from viodat.dataset.licence import licence_url
from viodat.dataset.splits import SPLITS, TEST, TRAIN, VALIDATION
from viodat.dataset.stream_schemas import STREAMS
from viodat.files import sha256, write_text

CROISSANT_NAME: Final = "croissant.json"
CONFORMS_TO: Final = "http://mlcommons.org/croissant/1.1"

Json = dict[str, Any]

_TERMS: Final = (
    "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract", "field",
    "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
    "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace", "samplingRate",
    "sdVersion", "separator", "source", "subField", "transform", "unArchive", "value",
)  # fmt: skip
_CONTEXT: Final[Json] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
"""The context of the specification's appendix 1, with the terms that its implementation, mlcroissant, has beside it."""

_SPLIT_URLS: Final = {TRAIN: "cr:TrainingSplit", VALIDATION: "cr:ValidationSplit", TEST: "cr:TestSplit"}
_PARQUET: Final = ["application/vnd.apache.parquet", "application/x-parquet"]
"""The registered type, and the one that mlcroissant knows."""
_TYPES: Final = {
    pa.string(): "sc:Text",
    pa.bool_(): "sc:Boolean",
    pa.int64(): "sc:Integer",
    pa.float32(): "cr:Float32",
    pa.float64(): "cr:Float64",
}
_TABLE_KEYS: Final = {
    "participants": "participant", "trials": "trial", "cameras": "camera", "recordings": "recording",
}  # fmt: skip
_STREAMS: Final = {
    "motion": "Joint centres and joint angles, one record per mocap frame.",
    "video": "Projected truth and detected keypoints, one record per video frame.",
    "audio": "Audio features, one record per 10 ms of sound.",
    "annotations": "Notes, beats and the like, as published.",
    **{f"audio{rate}": f"Audio features at {rate} Hz." for rate in paths.FEATURE_RATES_HZ if rate != 100},
}
_TABLES: Final = {
    "participants": "One record per participant.",
    "trials": "One record per trial: one take.",
    "cameras": "One record per calibrated camera.",
    "recordings": "One record per recording: one device's file of one trial.",
    "exclusions": "One record per thing left out, with the reason.",
}


def write_croissant(folder: Path, info: Mapping[str, Any]) -> None:
    """Write croissant.json.

    Parameters
    ----------
    folder
        The dataset, complete but for its manifest: the tables' digests are taken, and only streams that are there are
        described.
    info
        dataset.json. ``creator``, ``url``, ``version`` and ``date_published`` are taken from it where they stand
        there.
    """
    write_text(folder / CROISSANT_NAME, json.dumps(croissant(folder, info), indent=1) + "\n")


def croissant(folder: Path, info: Mapping[str, Any]) -> Json:
    """Give what :func:`write_croissant` writes."""
    streams = [name for name in STREAMS if any((folder / name).rglob("*.parquet"))]
    described: Json = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": info["name"] or "A viodat dataset",
        "description": info.get("description") or "The 4D pose of musicians at work.",
        "sdVersion": info["schema_version"],
        "isLiveDataset": False,
        "keywords": ["motion capture", "pose estimation", "music", "audio", "violin"],
    }
    if licence := info.get("licence"):
        described["license"] = licence_url(licence)
    if citation := info.get("citation"):
        described["citeAs"] = citation
    if creator := info.get("creator"):
        described["creator"] = {"@type": "sc:Organization", "name": creator}
    given = {"url": "url", "version": "version", "datePublished": "date_published"}
    described |= {term: info[key] for term, key in given.items() if info.get(key)}
    described["distribution"] = list(_distribution(folder, streams))
    described["recordSet"] = [
        _splits(),
        *(_table(name) for name in schema.TABLES),
        *(_stream(name) for name in streams),
    ]
    return described


def _distribution(folder: Path, streams: list[str]) -> Iterator[Json]:
    files: dict[str, Any] = {
        paths.DATASET_JSON: "application/json",
        **{paths.table(name): _PARQUET for name in schema.TABLES},
    }
    for name, format_ in files.items():
        yield {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "contentSize": f"{(folder / name).stat().st_size} B",
            "encodingFormat": format_,
            "sha256": sha256(folder / name),
        }
    for stream in streams:
        yield {
            "@type": "cr:FileSet",
            "@id": _file_set(stream),
            "name": _file_set(stream),
            "description": f"Parquet files of {stream}; manifest.json has the SHA-256 of each.",
            "encodingFormat": _PARQUET,
            "includes": f"{stream}/split=*/participant=*/*.parquet",
        }
    if any((folder / "waveform").glob("*.flac")):
        yield {
            "@type": "cr:FileSet",
            "@id": "waveform-files",
            "name": "waveform-files",
            "description": "The sound of each recording at its own rate; manifest.json has the SHA-256 of each.",
            "encodingFormat": "audio/flac",
            "includes": "waveform/*.flac",
        }


def _splits() -> Json:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/url", "name": "url", "dataType": ["sc:URL", "cr:Split"]},
        ],
        "data": [{"splits/name": name, "splits/url": url} for name, url in _SPLIT_URLS.items()],
    }


def _table(name: str) -> Json:
    source = {"fileObject": {"@id": paths.table(name)}}
    key = {"key": {"@id": f"{name}/{_TABLE_KEYS[name]}"}} if name in _TABLE_KEYS else {}
    return _record_set(name, _TABLES[name], source, schema.TABLES[name]) | key


def _stream(name: str) -> Json:
    source = {"fileSet": {"@id": _file_set(name)}}
    made = _record_set(name, _STREAMS[name], source, STREAMS[name])
    made["field"].append(
        {
            "@type": "cr:Field",
            "@id": f"{name}/split",
            "name": "split",
            "description": "train, validation or test",
            # It does not refer to splits/name: a join would have mlcroissant hold the whole stream in memory.
            "dataType": ["sc:Text", "cr:Split"],
            "source": {
                **source,
                "extract": {"fileProperty": "fullpath"},
                # By a filter of one split mlcroissant makes a pattern of file names out of this.
                "transform": {"regex": rf"^{name}/split=({'|'.join(SPLITS)})/.+\.parquet$"},
            },
        }
    )
    return made


def _record_set(name: str, told: str, source: Json, kind: pa.Schema) -> Json:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": told,
        # A map has no type in Croissant.
        "field": [_field(name, field, source) for field in kind if not pa.types.is_map(field.type)],
    }


def _field(owner: str, field: pa.Field, source: Json) -> Json:
    is_list = pa.types.is_fixed_size_list(field.type) or pa.types.is_list(field.type)
    made: Json = {
        "@type": "cr:Field",
        "@id": f"{owner}/{field.name}",
        "name": field.name,
        "description": _described(field),
        "dataType": _TYPES[field.type.value_type if is_list else field.type],
        "source": {**source, "extract": {"column": field.name}},
    }
    if is_list:
        size = field.type.list_size if pa.types.is_fixed_size_list(field.type) else -1
        made |= {"isArray": True, "arrayShape": str(size)}
    return made


def _described(field: pa.Field) -> str:
    facts = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    text = [facts["meaning"]]
    if "unit" in facts:
        text.append(f"unit {facts['unit']}")
    if "frame" in facts:
        text.append(f"frame of reference {facts['frame']}")
    if "x" in (shape := facts.get("shape", "")):
        text.append(f"shape {shape}, flattened in row-major order")
    if "joints" in facts:
        text.append("joints in the order of dataset.json")
    if "angles" in facts:
        text.append(f"in the order {facts['angles']}")
    return "; ".join(text)


def _file_set(stream: str) -> str:
    return f"{stream}-files"
