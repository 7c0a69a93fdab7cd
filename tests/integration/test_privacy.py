"""Nothing that a build writes names a person whom the raw files name: not in a cell, a path, a page or a tag."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import av
import ezc3d
import pyarrow.parquet as pq
import pytest
from PIL import Image

from viodat.build import BuildOptions, build_dataset

NAME = "Annabel Quist"
PARTS = ("annabel", "quist")

CONFIG = """
[markers]
subject = "Annabel Quist"

[files]
ignore = ["truth/"]
trial = [
    "{participant}/{participant}{trial}.c3d",
    { pattern = "Annabel Quist/Annabel Quist {trial}.c3d", participant = "P04" },
]
static = [
    "{participant}/{participant}_static.c3d",
    { pattern = "Annabel Quist/Annabel Quist static.c3d", participant = "P04" },
]
vsk = { pattern = "Annabel Quist/*.vsk", participant = "P04" }
video = [
    "{participant}/{participant}{device}{trial}.mp4",
    { pattern = "Annabel Quist/Annabel Quist {device}{trial}.mp4", participant = "P04" },
]
keypoints = [
    "{participant}/{participant}{device}{trial}.keypoints.npz",
    { pattern = "Annabel Quist/Annabel Quist {device}{trial}.npz", participant = "P04" },
]
calibration = "calibration/*"
"""

VSK = """<?xml version="1.0" encoding="UTF-8"?>
<KinematicModel MODEL="Annabel Quist"><Parameters>
<StaticParameter NAME="LeftLegLength" VALUE="846"/><StaticParameter NAME="RightLegLength" VALUE="856"/>
</Parameters></KinematicModel>
"""


@pytest.fixture(scope="module")
def named_out(demo_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of a capture in which P04 is called by name wherever a lab's files can."""
    folder = tmp_path_factory.mktemp("privacy")
    raw = Path(shutil.copytree(demo_raw, folder / "raw"))
    named = raw / NAME
    named.mkdir()
    for path in sorted((raw / "P04").iterdir()):
        place = named / path.name.replace("P04", f"{NAME} ").replace(" _", " ").replace(".keypoints.", ".")
        {".c3d": _named_c3d, ".mp4": _named_video}.get(path.suffix, shutil.copyfile)(path, place)
    shutil.rmtree(raw / "P04")
    (named / f"{NAME}.vsk").write_text(VSK)
    for path in sorted((raw / "calibration").iterdir()):
        path.rename(path.with_name(f"{NAME} {path.name}"))
    # Else participants.csv would stand above the .vsk, which then is the source of nothing.
    lines = [line.split(",") for line in (raw / "participants.csv").read_text().splitlines()]
    blank = [lines[0].index(f"leg_length_{side}_mm") for side in ("left", "right")]
    for row in lines[1:]:
        row[blank[0]] = row[blank[1]] = ""
    (raw / "participants.csv").write_text("".join(",".join(row) + "\n" for row in lines))
    own = (raw / "capture.toml").read_text().replace('[files]\nignore = ["truth/"]\n', "")
    (raw / "capture.toml").write_text(own + CONFIG)
    return build_dataset(raw, folder / "out", options=BuildOptions(trials=("P04T01",))).out


def _named_c3d(path: Path, place: Path) -> None:
    """Copy a marker file as Nexus writes it: the subject before every label, and in SUBJECTS."""
    file = ezc3d.c3d(str(path))
    labels = file["parameters"]["POINT"]["LABELS"]["value"]
    file["parameters"]["POINT"]["LABELS"]["value"] = [f"{NAME}:{label.partition(':')[2] or label}" for label in labels]
    file.add_parameter("SUBJECTS", "USED", [1])
    file.add_parameter("SUBJECTS", "NAMES", [NAME])
    file.add_parameter("SUBJECTS", "LABEL_PREFIXES", [f"{NAME}:"])
    file.add_parameter("MANUFACTURER", "COMPANY", [f"for {NAME}"])
    file.write(str(place))


def _named_video(path: Path, place: Path) -> None:
    """Copy a video with the name among its tags."""
    with av.open(str(path)) as source, av.open(str(place), "w") as target:
        target.metadata.update({"title": NAME, "artist": NAME, "comment": f"violin: {NAME}"})
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)


def _texts(out: Path) -> Iterator[tuple[str, str]]:
    """Give every text below a folder with its place: names, bytes as text, decoded cells, tags of pictures."""
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        yield f"the path {name}", name
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield name, content.decode("latin-1")
        yield f"{name} (UTF-16)", content.decode("utf-16-le", errors="ignore")
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as file:
                table = file.read()
            yield f"{name}, metadata", str(table.schema.metadata)
            for column in table.column_names:
                if "string" in str(table.schema.field(column).type):
                    yield f"{name}, column {column}", str(table.column(column).to_pylist())
        elif path.suffix == ".png":
            with Image.open(path) as picture:
                yield f"{name}, tags", str(picture.info)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    yield f"{name}, {member}", archive.read(member).decode("latin-1")


def test_nothing_that_is_written_names_a_participant(named_out: Path) -> None:
    leaks = {place for place, text in _texts(named_out) if any(part in text.casefold() for part in PARTS)}
    assert not leaks, "\n".join(sorted(leaks))
