"""Every kind of file that viodat reads: how an intact one is written, and what must hold of whatever is read.

Each entry of :data:`FORMATS` gives a file to damage and reads it as the build or the dataset's reader does. What is
read must be consistent; anything but a :class:`~viodat.errors.ViodatError` is a fault.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

import viodat
from tests.unit.capture import generated_media as media
from tests.unit.capture.c3d_files import coordinates, write_c3d
from tests.unit.capture.cameras.samples import SAMPLES, write_sample
from tests.unit.capture.test_config import FULL
from tests.unit.capture.test_participants import SEMICOLONS, TABLE
from tests.unit.capture.test_trc import trc
from tests.unit.capture.test_vsk import VSK
from tests.unit.dataset.hostile import in_array
from tests.unit.dataset.published import Release
from tests.unit.dataset.small import write_dataset
from tests.unit.pose2d.test_damage import csv_file, json_file, npz_file, openpose_file
from viodat.build.cache.digests import FileDigests
from viodat.build.cache.store import DamagedEntryError, Store, key_of
from viodat.capture import read_c3d
from viodat.capture.audio import read_audio
from viodat.capture.cameras import read_cameras
from viodat.capture.config import CaptureConfig, load_config
from viodat.capture.markers import MarkerTrial
from viodat.capture.participants import Participant, read_participants
from viodat.capture.trc import read_trc
from viodat.capture.video import iter_frames, read_video_times
from viodat.capture.vsk import read_vsk
from viodat.dataset import schema
from viodat.dataset.importers.npz import Archive
from viodat.dataset.importers.options import ImportOptions
from viodat.dataset.importers.pickled import read_pickle
from viodat.dataset.importers.viodat_v1_release import read_release
from viodat.dataset.manifest import read_manifest
from viodat.dataset.stories import story_of
from viodat.errors import CaptureError
from viodat.files import sha256
from viodat.pose2d import source_for

LIMIT_BYTES: Final = 1 << 26


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes
    ----------
    write
        Writes an intact one below an empty folder and gives the file that is to be damaged.
    read
        Reads it and asserts that what it holds is consistent.
    text
        Whether numbers and words of it can be edited.
    """

    write: Callable[[Path], Path]
    read: Callable[[Path], None]
    text: bool = False


def _file(name: str, content: bytes | str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def _markers(path: Path) -> None:
    trial: MarkerTrial = read_c3d(path, limit_s=5.0) if path.suffix == ".c3d" else read_trc(path)
    assert trial.positions_mm.shape == (trial.n_frames, len(trial.labels), 3)
    assert trial.residuals.shape == trial.positions_mm.shape[:2]
    assert len(set(trial.labels)) == len(trial.labels)
    assert not np.isinf(trial.positions_mm).any()
    assert trial.rate_hz > 0


def _media(name: str) -> Callable[[Path], Path]:
    return lambda folder: _write_media(folder, name)


def _write_media(folder: Path, name: str) -> Path:
    path = folder / name
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (22050, 2)).clip(-1, 1)
    if name.endswith((".mp4", ".mov")):
        # The index in front, where the mutator strikes most.
        codec = "libx265" if name.startswith("hevc") else "libx264"
        return media.write_video(
            path,
            media.uneven_stamps(24),
            codec=codec,
            images=[rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(24)],
            sound=noise[:, 0],
            container_options={"movflags": "faststart"},
        )
    if name.endswith(".m4a"):
        return media.write_sound(path, noise)
    if name.endswith(".csv"):
        path.write_text("pts,time_base\n" + "".join(f"{p},1/600\n" for p in media.uneven_stamps(60)))
        return path
    soundfile.write(path, noise, 44100)
    return path


def _video(path: Path) -> None:
    times = read_video_times(path)
    assert times.pts.shape == times.times_s.shape == times.times_ns.shape == (times.n_frames,)
    assert times.n_frames > 0
    assert np.all(np.diff(times.pts) > 0)
    assert np.isfinite(times.times_s).all()
    assert np.isfinite(times.duration_s)
    if times.size_px is None:
        return
    for frame in iter_frames(path):
        assert frame.image.shape == (times.size_px[1], times.size_px[0], 3)
        assert frame.pts == times.pts[frame.index]


def _sound(path: Path) -> None:
    signal = read_audio(path)
    assert signal.samples.ndim == 2
    assert signal.samples.shape[0] > 0
    assert np.isfinite(signal.samples).all()
    assert np.isfinite(signal.start_s)
    assert signal.rate_hz > 0


def _subject(path: Path) -> None:
    assert all(np.isfinite(value) for value in read_vsk(path).measurements.values())


def _cameras(path: Path) -> None:
    for camera in read_cameras(path).values():
        assert np.isfinite(camera.matrix).all()
        np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-6)


def _keypoints(path: Path) -> None:
    source = path.parent if path.parent.name.endswith("_json") else path
    keypoints = source_for(source).read(source)
    assert keypoints.px.shape == (keypoints.n_frames, 18, 2)
    assert keypoints.confidence.shape == keypoints.px.shape[:2]
    assert not np.isinf(keypoints.px).any()


def _openpose(folder: Path) -> Path:
    for number in range(4):
        path = _file(f"C01_json/{number:04d}.json", openpose_file())(folder)
    return path


def _config(path: Path) -> None:
    assert isinstance(load_config(path), CaptureConfig)


def _people(path: Path) -> None:
    assert all(isinstance(person, Participant) for person in read_participants(path).values())


def _archive(path: Path) -> None:
    if path.name == "mmViolin_v1.0.npz":
        read_release(path, ImportOptions(limit_gib=LIMIT_BYTES / 2**30))
    with Archive(path, LIMIT_BYTES) as archive:
        for name in archive.names:
            archive.read(name)


def _release(name: str) -> Callable[[Path], Path]:
    return lambda folder: Release({"P04C01T01": 0.0}).write(folder).with_name(name)


def _pickle(path: Path) -> None:
    read_pickle(io.BytesIO(path.read_bytes()), where=path, name="poses", limit_bytes=LIMIT_BYTES)


def _dataset(pattern: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        write_dataset(folder / "out", seconds=1.0, video_frames=20)
        _file("out/reports/trials/P04T01.json", json.dumps({"trial": "P04T01", "left_out": [], "recordings": {}}))(
            folder
        )
        return next((folder / "out").rglob(pattern))

    return write


def _dataset_of(path: Path) -> Any:
    return viodat.open_dataset(next(folder for folder in path.parents if folder.name == "out"))


def _stream(read: Callable[[Any], Any]) -> Callable[[Path], None]:
    def check(path: Path) -> None:
        found = read(_dataset_of(path))
        lengths = {len(value) for one in fields(found) if (value := getattr(found, one.name)) is not None}
        assert len(lengths) == 1

    return check


def _table(path: Path) -> None:
    dataset = _dataset_of(path)
    frame = getattr(dataset, path.stem)
    assert set(frame.columns) >= set(schema.TABLES[path.stem].names)
    if path.stem == "recordings":
        dataset.rows("recordings")
        for name in frame["recording"]:
            dataset.camera(name)


_RESULT: Final = {"offset_s": 0.25, "joints_mm": np.arange(54.0).reshape(1, 18, 3), "notes": ("12 frames",)}
_PARTS: Final = {"option": "auto"}


def _entry(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        store = Store(folder / "cache")
        with store.scratch("joints", "P05T28") as scratch:
            store.write("joints", "P05T28", key_of(_PARTS), _PARTS, _RESULT, scratch, 0.5)
        return folder / "cache" / "joints" / "P05T28" / key_of(_PARTS) / name

    return write


def _cached(path: Path) -> None:
    entry = Store(path.parents[3]).read("joints", "P05T28", key_of(_PARTS))
    if entry is None:
        raise CaptureError("not in the cache", where=path)
    try:
        value = entry.value()
    except DamagedEntryError as error:
        raise CaptureError("not in the cache", where=path) from error
    assert entry.parts == _PARTS
    assert value["offset_s"] == _RESULT["offset_s"]
    assert value["notes"] == _RESULT["notes"]
    np.testing.assert_array_equal(value["joints_mm"], _RESULT["joints_mm"])


def _digests(folder: Path) -> Path:
    raw = _file("P05T28.c3d", bytes(100))(folder)
    digests = FileDigests(folder / "digests.json")
    digests.of([raw])
    digests.save()
    return folder / "digests.json"


def _known_digests(path: Path) -> None:
    raw = path.with_name("P05T28.c3d")
    digests = FileDigests(path)
    known = digests.states([raw])
    assert digests.of([raw]) == {raw: sha256(raw)}
    if not known:
        raise CaptureError("not in the cache", where=path)


_LABELS: Final = ("LASI", "RASI", "LPSI", "RPSI")

FORMATS: Final[dict[str, Format]] = {
    "c3d": Format(lambda f: write_c3d(f / "a.c3d", _LABELS, analog=np.ones((200, 2))), _markers),
    "c3d in metres": Format(
        lambda f: write_c3d(f / "a.c3d", _LABELS, coordinates(len(_LABELS)) / 1000, units="m"), _markers
    ),
    "trc": Format(_file("a.trc", trc()), _markers, text=True),
    "vsk": Format(_file("P05.vsk", VSK), _subject, text=True),
    **{
        f"calibration {name}": Format(partial(write_sample, name), _cameras, text=True) for name in SAMPLES
    },
    "h264 in mp4": Format(_media("phone.mp4"), _video),
    "hevc in mp4": Format(_media("hevc.mp4"), _video),
    "h264 in mov": Format(_media("phone.mov"), _video),
    "sound in mp4": Format(_media("phone.mp4"), _sound),
    **{
        name: Format(_media(f"sound.{name}"), _sound) for name in ("m4a", "wav", "flac")
    },
    "frames.csv": Format(_media("phone.frames.csv"), _video, text=True),
    "keypoints npz": Format(_file("a.npz", npz_file(compressed=False)), _keypoints),
    "keypoints npz compressed": Format(_file("a.npz", npz_file(compressed=True)), _keypoints),
    "keypoints json": Format(_file("a.json", json_file()), _keypoints, text=True),
    "keypoints csv": Format(_file("a.csv", csv_file()), _keypoints, text=True),
    "keypoints OpenPose": Format(_openpose, _keypoints, text=True),
    "participants.csv": Format(_file("participants.csv", TABLE), _people, text=True),
    "participants.csv UTF-16": Format(_file("participants.csv", SEMICOLONS.encode("utf-16")), _people),
    "capture.toml": Format(_file("capture.toml", FULL), _config, text=True),
    "published npz": Format(_release("mmViolin_v1.0.npz"), _archive),
    "published npz of sound": Format(_release("mmViolin_v1.0_audio.npz"), _archive),
    "pickle": Format(_file("a.pkl", in_array({"P05C01T01": np.arange(9.0), "fps": np.float64(30)})), _pickle),
    "motion parquet": Format(_dataset("motion/**/*.parquet"), _stream(lambda ds: ds.motion("P04T01"))),
    "video parquet": Format(_dataset("video/**/*.parquet"), _stream(lambda ds: ds.video("P04C01T01"))),
    "audio parquet": Format(_dataset("audio/**/*.parquet"), _stream(lambda ds: ds.audio("P04C01T01"))),
    **{f"{name}.parquet": Format(_dataset(f"{name}.parquet"), _table) for name in schema.TABLES},
    "dataset.json": Format(_dataset("dataset.json"), lambda path: len(_dataset_of(path).info) and None, text=True),
    "manifest.json": Format(_dataset("manifest.json"), lambda path: read_manifest(path.parent) and None, text=True),
    "story": Format(_dataset("P04T01.json"), lambda path: story_of(path.parents[2], "P04T01") and None, text=True),
    "cache value.json": Format(_entry("value.json"), _cached, text=True),
    "cache arrays.npz": Format(_entry("arrays.npz"), _cached),
    "cache digests.json": Format(_digests, _known_digests, text=True),
}  # fmt: skip
