"""A whole dataset on the grid in a few files that are mapped into memory: what models are trained on and scored by.

Reading Parquet window by window would starve a GPU. So each dataset is brought onto the grid once, under the digest of
its manifest and of how it is asked for, and every window is then a slice of arrays that the operating system keeps in
memory. The files hold all splits; they are nobody's only copy and may be removed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from viodat.bench.sound_store import INDEX, SoundStore, write_sounds
from viodat.bench.sources import store_sha256
from viodat.dataset import paths, schema
from viodat.dataset.cache import ByteCache
from viodat.dataset.grid import Span
from viodat.dataset.grids import Grids, assigned_splits
from viodat.dataset.new_folder import new_folder
from viodat.dataset.reader import VioDataset, open_dataset
from viodat.dataset.sound import AUDIO_KINDS
from viodat.dataset.splits import SPLITS
from viodat.errors import ConfigError, DatasetError
from viodat.files import sha256

FORMAT: Final = 6
"""Of a store, and of the sound within it."""
_WORLD_BYTES: Final = 64_000_000

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class StoredRecording:
    """Where a recording lies in the arrays.

    Attributes
    ----------
    recording, trial, participant, device, split
        Ids; ``split`` is the dataset's own.
    start_ns
        Time of its first row on the mocap clock.
    first, points
        Its rows of poses.
    width_px, height_px
        Of its pictures.
    """

    recording: str
    trial: str
    participant: str
    device: str
    split: str
    start_ns: int
    first: int
    points: int
    width_px: float
    height_px: float


class GridStore:
    """A dataset's recordings on the grid.

    Parameters
    ----------
    folder
        As :func:`grid_store` wrote it.
    dataset
        Where what is not there yet, sound, can be read; None: nowhere.

    Attributes
    ----------
    recordings
        All that have clock, calibration and keypoints, in the order of their rows.
    rate_hz, pose2d
        As asked for.
    dataset_sha256, name
        Digest of the dataset's manifest, and what its folder was called.
    """

    def __init__(self, folder: Path, dataset: Path | None = None) -> None:
        self.folder, self.dataset = folder, dataset
        self._sounds: dict[str, SoundStore] = {}
        index = json.loads((folder / INDEX).read_text("utf-8"))
        self.rate_hz = float(index["rate_hz"])
        self.pose2d = str(index["pose2d"])
        self.dataset_sha256, self.name = str(index["dataset_sha256"]), str(index["name"])
        self.recordings = tuple(StoredRecording(**row) for row in index["recordings"])

    def __reduce__(self) -> tuple[type[GridStore], tuple[Path, Path | None]]:
        return GridStore, (self.folder, self.dataset)

    @cached_property
    def pose2d_px(self) -> Float32:
        """(N, 18, 2) px; joints that the detector missed are interpolated in time (:func:`without_gaps`)."""
        return cast(Float32, self._array("pose2d_px"))

    @cached_property
    def pose3d_mm(self) -> Float32:
        """(N, 18, 3) mm, camera frame; NaN where the truth is undetermined."""
        return cast(Float32, self._array("pose3d_mm"))

    @cached_property
    def sigma_mm(self) -> Float32:
        """(N, 18) mm: standard deviation of the truth, per axis; NaN where none is stated."""
        return cast(Float32, self._array("sigma_mm"))

    def sound(self, kind: str) -> SoundStore:
        """Give the recordings' sound, one of :data:`viodat.dataset.sound.AUDIO_KINDS`, brought here first if need be.

        Raises
        ------
        DatasetError
            It was not built, no recording has it, or the dataset is not there or another one by now.
        ConfigError
            There is no such kind, or the folder cannot be written.
        """
        if kind not in AUDIO_KINDS:
            raise ConfigError(f"models cannot listen to {kind!r}; datasets store {', '.join(AUDIO_KINDS)}")
        if kind not in self._sounds:
            place = self.folder / kind
            if not (place / INDEX).is_file():
                write_sounds(self._read_anew(), [one.recording for one in self.recordings], AUDIO_KINDS[kind], place)
            self._sounds[kind] = SoundStore(place)
        return self._sounds[kind]

    def _read_anew(self) -> VioDataset:
        if self.dataset is None:
            raise DatasetError("the dataset is not known from which sound could be read", where=self.folder)
        if sha256(self.dataset / paths.MANIFEST_NAME) != self.dataset_sha256:
            raise DatasetError("was built anew while it was in use", where=self.dataset, mend="Open it again.")
        return open_dataset(self.dataset)

    def of_split(self, split: str, splits: Mapping[str, str] | None = None) -> tuple[StoredRecording, ...]:
        """Give the recordings of a split: the dataset's, or another assignment of trials to splits."""
        return tuple(one for one in self.recordings if (splits[one.trial] if splits else one.split) == split)

    def _array(self, name: str) -> NDArray[Any]:
        return np.asarray(np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))


def grid_store(
    dataset: VioDataset,
    folder: Path,
    *,
    rate_hz: float = 30.0,
    pose2d: str = "detected",
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> GridStore:
    """Open a dataset's store below a folder, made first if it is not there.

    Parameters
    ----------
    dataset
        An open one.
    folder
        Where stores lie.
    rate_hz, pose2d
        As in :class:`viodat.PoseWindows`.
    progress
        Called with (recordings done, recordings in all, which).

    Raises
    ------
    DatasetError
        No recording has all that a window needs.
    ConfigError
        The folder cannot be written.
    """
    asked = _asked(sha256(dataset.path / paths.MANIFEST_NAME), rate_hz, pose2d)
    place = folder / store_key(*asked.values())
    if not (place / INDEX).is_file():
        # What has no index was not finished.
        shutil.rmtree(place, ignore_errors=True)
        with new_folder(place, option="--runs") as made:
            _write(dataset, made, asked, progress)
    return GridStore(place, dataset.path)


def store_key(dataset_sha256: str, rate_hz: float, pose2d: str) -> str:
    """Give the name of a store's folder; parameters as in :func:`grid_store`."""
    asked = {"format": FORMAT, "code": store_sha256(), **_asked(dataset_sha256, rate_hz, pose2d)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _asked(dataset_sha256: str, rate_hz: float, pose2d: str) -> dict[str, Any]:
    return {"dataset_sha256": dataset_sha256, "rate_hz": rate_hz, "pose2d": pose2d}


def _write(
    dataset: VioDataset, folder: Path, asked: Mapping[str, Any], progress: Callable[[int, int, str], None]
) -> None:
    grids = Grids(dataset, asked["rate_hz"], asked["pose2d"], None, ByteCache(_WORLD_BYTES))
    splits = assigned_splits(dataset)
    people = {row["recording"]: row for row in dataset.rows("recordings")}
    spans = sorted(grids.spans(splits, SPLITS, None), key=lambda span: span.recording)
    total = sum(span.points for span in spans)
    arrays = {
        "pose2d_px": _new(folder, "pose2d_px", np.float32, (total, schema.N_JOINTS, 2)),
        "pose3d_mm": _new(folder, "pose3d_mm", np.float32, (total, schema.N_JOINTS, 3)),
        "sigma_mm": _new(folder, "sigma_mm", np.float32, (total, schema.N_JOINTS)),
    }
    rows: list[dict[str, Any]] = []
    first = 0
    for done, span in enumerate(spans):
        progress(done, len(spans), span.recording)
        if not np.isfinite(span.image_size).all() and (camera := dataset.camera(span.recording)) is not None:
            # The picture's size is not stored; that for which the camera was calibrated is.
            span = replace(span, image_size=camera.size_px)
        grid = grids.read(span)
        part = slice(first, first + span.points)
        arrays["pose2d_px"][part] = without_gaps(grid.pose2d, span.image_size)
        arrays["pose3d_mm"][part], arrays["sigma_mm"][part] = grid.pose3d, grids.sigma(span)
        rows.append(asdict(_placed(span, people[span.recording], splits[span.trial], first)))
        first += span.points
    for array in arrays.values():
        array.flush()
    text = json.dumps({**asked, "name": dataset.path.resolve().name, "recordings": rows})
    (folder / INDEX).write_text(text, encoding="utf-8")


def _new(folder: Path, name: str, kind: Any, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    return np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)


def _placed(span: Span, row: Mapping[str, Any], split: str, first: int) -> StoredRecording:
    return StoredRecording(
        span.recording,
        span.trial,
        str(row["participant"]),
        str(row["device"]),
        split,
        span.start_ns,
        first,
        span.points,
        *span.image_size,
    )


def without_gaps(px: Float32, image_size: Sequence[float]) -> Float32:
    """Give (T, J, 2) px without NaN.

    A joint that was missed is interpolated linearly in time, held before its first and after its last sighting; one
    that was never seen lies on the mean of the others, or in the middle of the picture where there are none. Networks
    take no NaN; every model is given the same.
    """
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(px).all(axis=-1))
    filled = px.copy()
    frames = np.arange(len(px))
    for joint in range(px.shape[1]):
        there = seen[:, joint]
        if there.any() and not there.all():
            for axis in range(2):
                filled[:, joint, axis] = np.interp(frames, frames[there], px[there, joint, axis])
    never = ~seen.any(axis=0)
    if never.all():
        filled[:] = (np.asarray(image_size, dtype=np.float32) - 1) / 2
    elif never.any():
        filled[:, never] = filled[:, ~never].mean(axis=1, keepdims=True)
    return filled
