"""From a built dataset to the files that biomechanists open: TRC, MOT and C3D, one of each per trial.

====  ==================================================================  =============================================
trc   joint centres as markers, mm (:mod:`viodat.capture.trc_write`)      axes of OpenSim (Y up), or the dataset's own
mot   joint angles, degrees (:mod:`viodat.dataset.mot`)                   the same whichever axis of the world is up
c3d   joint centres as points with sigma as their residual, mm, and       the dataset's world, Z up
      joint angles as points, degrees (:mod:`viodat.capture.c3d_write`)
====  ==================================================================  =============================================

Times are s on the mocap clock, 0 at frame number 1, as in the dataset: a trial that begins at a later frame begins at a
later time. What the dataset does not know is missing in the files too. Each file is written atomically; one that stands
there already is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat._version import __version__
from viodat.body.angles import ANGLES
from viodat.capture.axes import axes_matrix
from viodat.capture.c3d_write import PointSeries, write_c3d
from viodat.capture.spelling import did_you_mean
from viodat.capture.trc_write import write_trc
from viodat.dataset import schema
from viodat.dataset.angle_points import angle_points
from viodat.dataset.mot import write_mot
from viodat.dataset.reader import VioDataset
from viodat.dataset.streams import Motion
from viodat.errors import ConfigError, DatasetError, ViodatError
from viodat.joints import JOINTS

FORMATS: Final = ("trc", "mot", "c3d")

UP_AXES: Final = {"y": "x-zy", "z": "xyz"}
"""Which axis of a TRC file is up -> which of the file's axes are the world's X, Y and Z, as ``read_trc`` takes them."""

_DESCRIPTIONS: Final = {
    "pelvis": "hip joint centre",
    "index": "MCP joint centre of the index finger",
    "pinky": "MCP joint centre of the little finger",
    "thumb": "IP joint centre of the thumb",
}


@dataclass(frozen=True)
class Skipped:
    """A file that could not be written, and why."""

    trial: str
    format: str
    error: ViodatError


@dataclass(frozen=True)
class Exported:
    """What an export wrote, and what it could not."""

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class _Take:
    """One trial, ready to be written; ``name`` is also that of its files."""

    name: str
    participant: str
    rate_hz: float
    motion: Motion

    @property
    def times_s(self) -> NDArray[np.float64]:
        return self.motion.time_ns / 1e9

    @property
    def first_frame(self) -> int:
        return round(float(self.motion.time_ns[0]) / 1e9 * self.rate_hz) + 1


def export_trial(
    dataset: VioDataset,
    trial: str,
    folder: str | Path,
    formats: Collection[str] | None = None,
    *,
    up: str = "y",
) -> list[Path]:
    """Write one trial of a dataset as TRC, MOT and C3D files.

    Parameters
    ----------
    dataset
        As :func:`viodat.open_dataset` gives it.
    trial
        Its id.
    folder
        Where the files go, as ``P05T28.trc`` and so on. It is made if it is not there; files of these names are
        replaced.
    formats
        Of ``trc``, ``mot`` and ``c3d``. None: all, but ``mot`` only if the trial has joint angles.
    up
        Which axis is up in the TRC file: ``"y"`` as in OpenSim's models (its X is the world's X, its Y the world's Z,
        its Z minus the world's Y; ``read_trc(..., axes="x-zy")`` turns it back), or ``"z"`` as in the dataset.
        A C3D file has the dataset's world, Z up.

    Returns
    -------
    list of Path
        The files, in the order of ``formats``. TRC: the 18 joint centres as markers, mm, blank where missing. MOT:
        joint angles by the names of :data:`viodat.body.angles.ANGLES`, degrees, ``NaN`` where missing. C3D: the joint
        centres as points, mm, with ``sigma_mm`` as residual (0 where the method states none, -1 where the point is
        missing), and the angles as points that POINT:ANGLES lists, degrees. Times count from frame number 1 of
        the recording.

    Raises
    ------
    DatasetError
        If there is no such trial, it is excluded (with the reason), its file is missing or damaged, or ``formats``
        names ``mot`` and the trial has no joint angles. Then nothing is written.
    ConfigError
        If a format or ``up`` is unknown, or a file cannot be written.

    Examples
    --------
    >>> ds = viodat.open_dataset("out")                                     # doctest: +SKIP
    >>> export_trial(ds, "P05T28", "opensim", ["trc", "mot"])               # doctest: +SKIP
    [PosixPath('opensim/P05T28.trc'), PosixPath('opensim/P05T28.mot')]
    """
    _require_formats(formats or ())
    axes = _axes(up)
    _require_trials(dataset, [trial])
    take = _take(dataset, trial)
    lacks = None if angles_known(take.motion) else _without_angles(dataset, trial)
    if lacks and formats is not None and "mot" in formats:
        raise lacks
    chosen = [name for name in dict.fromkeys(formats or FORMATS) if not (lacks and name == "mot")]
    return [_write(take, Path(folder), name, axes) for name in chosen]


def export_dataset(
    dataset: VioDataset,
    folder: str | Path,
    formats: Collection[str] = FORMATS,
    trials: Sequence[str] = (),
    *,
    up: str = "y",
    progress: Callable[[int, int, str], None] | None = None,
) -> Exported:
    """Write trials of a dataset, each as :func:`export_trial` does; what one of them lacks does not stop the others.

    Parameters
    ----------
    dataset, folder, up
        As for :func:`export_trial`.
    formats
        Of ``trc``, ``mot`` and ``c3d``.
    trials
        Their ids. Empty: all that are built.
    progress
        Called with (trials done, trials in all, trial).

    Raises
    ------
    DatasetError
        If a trial is unknown (nothing is written then), or not one file could be written: the first reason.
    ConfigError
        If a format or ``up`` is unknown, or a file cannot be written.
    """
    _require_formats(formats)
    axes = _axes(up)
    if Path(folder).resolve().is_relative_to(Path(dataset.path).resolve()):
        raise ConfigError(
            "lies inside the dataset, whose folders readers take as a whole",
            where=folder,
            mend="Choose a folder outside of it with --to.",
        )
    built = [row["trial"] for row in dataset.rows("trials") if row["status"] == schema.STATUS_BUILT]
    _require_trials(dataset, trials)
    wanted = list(dict.fromkeys(trials or built))
    if not wanted:
        raise DatasetError("has no trial that was built", where=dataset.path, mend="See exclusions.parquet.")
    files: list[Path] = []
    skipped: list[Skipped] = []
    for done, trial in enumerate(wanted, 1):
        try:
            take = _take(dataset, trial)
        except DatasetError as error:
            skipped += [Skipped(trial, name, error) for name in dict.fromkeys(formats)]
        else:
            for name in dict.fromkeys(formats):
                if name == "mot" and not angles_known(take.motion):
                    skipped.append(Skipped(trial, name, _without_angles(dataset, trial)))
                else:
                    files.append(_write(take, Path(folder), name, axes))
        if progress:
            progress(done, len(wanted), trial)
    if not files:
        raise skipped[0].error
    return Exported(tuple(files), tuple(skipped))


def angles_known(motion: Motion) -> bool:
    """Say whether a trial has a joint angle in any frame."""
    return bool(np.isfinite(motion.angles_rad).any())


def _take(dataset: VioDataset, trial: str) -> _Take:
    motion = dataset.motion(trial)
    (row,) = [row for row in dataset.rows("trials") if row["trial"] == trial]
    if not len(motion.time_ns) or not row["rate_hz"]:
        raise DatasetError(f"trial {trial} has no frames or no rate", where=dataset.path, mend="Build it again.")
    return _Take(trial, row["participant"], float(row["rate_hz"]), motion)


def _write(take: _Take, folder: Path, name: str, axes: NDArray[np.float64]) -> Path:
    file = folder / f"{take.name}.{name}"
    try:
        _WRITERS[name](file, take, axes)
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror or error})",
            where=str(file),
            mend="Name a folder with --to where there is room and you may write.",
        ) from error
    return file


def _write_trc(file: Path, take: _Take, axes: NDArray[np.float64]) -> None:
    # X_world = R X_file, so that X_file = Rᵀ X_world; points are rows.
    turned = take.motion.joints_mm.astype(np.float64) @ axes
    write_trc(file, JOINTS, turned, take.times_s, rate_hz=take.rate_hz, first_frame=take.first_frame)


def _write_mot(file: Path, take: _Take, axes: NDArray[np.float64]) -> None:
    remarks = (
        f"Joint angles of trial {take.name}, written by viodat {__version__}.",
        "Angles are in degrees, named, signed and taken in sequence as viodat.body.angles has them, after the ISB.",
        "They are not the coordinates of an OpenSim model, whatever their names.",
        "Time is in seconds and counts from frame number 1 of the recording.",
    )
    write_mot(file, ANGLES, take.motion.angles_rad, take.times_s, remarks=remarks)


def _write_c3d(file: Path, take: _Take, axes: NDArray[np.float64]) -> None:
    motion = take.motion
    write_c3d(
        file,
        PointSeries(JOINTS, tuple(map(_description, JOINTS)), motion.joints_mm),
        motion.sigma_mm,
        rate_hz=take.rate_hz,
        first_frame=take.first_frame,
        angles=angle_points(motion.angles_rad) if angles_known(motion) else None,
        subject=take.participant,
    )


_WRITERS: Final[dict[str, Callable[[Path, _Take, NDArray[np.float64]], None]]] = {
    "trc": _write_trc,
    "mot": _write_mot,
    "c3d": _write_c3d,
}


def _description(joint: str) -> str:
    side, part = joint.split("_")
    return f"{side} {_DESCRIPTIONS.get(part, f'{part} joint centre')}"


def _require_formats(formats: Collection[str]) -> None:
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(f"there is no format {name!r}", mend=_sentence(did_you_mean(name, FORMATS, "formats")))


def _axes(up: str) -> NDArray[np.float64]:
    if up not in UP_AXES:
        raise ConfigError(f"the axis {up!r} cannot be up in a TRC file", mend="Say y or z.")
    return axes_matrix(UP_AXES[up])


def _require_trials(dataset: VioDataset, trials: Sequence[str]) -> None:
    # A trial of somebody who did not consent has no row, but a reason, which reading it gives.
    known = [row["trial"] for row in dataset.rows("trials")]
    excluded = {str(trial) for trial in dataset.exclusions["trial"]}
    for trial in trials:
        if trial not in known and trial not in excluded:
            raise DatasetError(
                f"has no trial {trial!r}", where=dataset.path, mend=_sentence(did_you_mean(trial, known, "trials"))
            )


def _without_angles(dataset: VioDataset, trial: str) -> DatasetError:
    """Say why a trial cannot be written as MOT."""
    version = str(dataset.info["schema_version"])
    (row,) = [row for row in dataset.rows("trials") if row["trial"] == trial]
    if schema.lacks(version, schema.MOTION.field("angles_rad")):
        why = f"has no joint angles: the dataset is of schema version {version}, which had none"
    else:
        methods: dict[str, Any] = dict.fromkeys(method for method in row["joint_methods"] or () if method)
        why = "has no joint angles: its joint centres are computed frame by frame"
        why += f" ({', '.join(methods)})" if methods else ""
    return DatasetError(
        f"{why}, so there is no MOT file of it; TRC and C3D need none",
        where=trial,
        mend="Angles come from the skeleton fit: viodat build --raw RAW --out OUT --joint-centres auto.",
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
