"""From a built dataset to the files that others open: TRC, MOT, C3D, CSV, npz of VioDat v1.0, Hugging Face, LeRobot.

The formats stand in :data:`viodat.dataset.exports.FORMATS`, a module each. Times are on the mocap clock, 0 at frame
number 1, as in the dataset. What the dataset does not know is missing in the files too. Each file, or the folder of a
format that is a folder, is written atomically; a file that stands there already is replaced, a folder is not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from viodat.capture.spelling import did_you_mean
from viodat.dataset import schema
from viodat.dataset.exports import (
    DEFAULT,
    FORMATS,
    DatasetFormat,
    Exported,
    ExportOptions,
    Skipped,
    TrialFormat,
)
from viodat.dataset.exports.takes import Progress, Take, take_of
from viodat.dataset.reader import VioDataset
from viodat.errors import ConfigError, DatasetError

__all__ = ["Exported", "Skipped", "export_dataset", "export_trial"]


def export_trial(
    dataset: VioDataset,
    trial: str,
    folder: str | Path,
    formats: Collection[str] | None = None,
    *,
    up: str = "y",
) -> list[Path]:
    """Write one trial of a dataset in other formats.

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
        Of :data:`viodat.dataset.exports.FORMATS`. None: ``trc``, ``mot`` and ``c3d``, but ``mot`` only if the trial
        has joint angles.
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
        the recording. The others: docs/how-to/export-to-other-formats.md.

    Raises
    ------
    DatasetError
        If there is no such trial, it is excluded (with the reason), its file is missing or damaged, or it lacks what
        one of ``formats`` holds (``mot``: joint angles). Then nothing is written.
    ConfigError
        If a format or ``up`` is unknown, or a file cannot be written.

    Examples
    --------
    >>> ds = viodat.open_dataset("out")                                     # doctest: +SKIP
    >>> export_trial(ds, "P05T28", "opensim", ["trc", "mot"])               # doctest: +SKIP
    [PosixPath('opensim/P05T28.trc'), PosixPath('opensim/P05T28.mot')]
    """
    chosen = list(dict.fromkeys(formats or DEFAULT))
    target = _place(dataset, folder, chosen)
    options = ExportOptions(up=up)
    _require_trials(dataset, [trial])
    take = take_of(dataset, trial) if any(isinstance(FORMATS[name], TrialFormat) for name in chosen) else None
    faults = {name: fault for name in chosen if take and (fault := _fault(name, take))}
    if faults and formats is not None:
        raise next(iter(faults.values()))
    files: list[Path] = []
    for name in chosen:
        match FORMATS[name]:
            case TrialFormat(write=write) if take is not None and name not in faults:
                files.append(write(take, target, options))
            case DatasetFormat(export=export):
                result = export(dataset, [trial], target, options, _silent)
                if not result.files:
                    raise result.skipped[0].error
                files += result.files
    return files


def export_dataset(
    dataset: VioDataset,
    folder: str | Path,
    formats: Collection[str] = DEFAULT,
    trials: Sequence[str] = (),
    *,
    up: str = "y",
    rate_hz: int = 30,
    progress: Callable[[int, int, str], None] | None = None,
) -> Exported:
    """Write trials of a dataset in other formats; what one of them lacks does not stop the others.

    Parameters
    ----------
    dataset, folder, up
        As for :func:`export_trial`.
    formats
        Of :data:`viodat.dataset.exports.FORMATS`. ``hf`` and ``lerobot`` take a new folder for themselves.
    trials
        Their ids. Empty: all that are built.
    rate_hz
        Frames per second of a LeRobot dataset.
    progress
        Called with (done, in all, what): trials, of LeRobot recordings.

    Raises
    ------
    DatasetError
        If a trial is unknown (nothing is written then), or not one file could be written: the first reason.
    ConfigError
        If a format, ``up`` or ``rate_hz`` is unknown, or the folder cannot take it or cannot be written.
    """
    chosen = list(dict.fromkeys(formats))
    target = _place(dataset, folder, chosen)
    options = ExportOptions(up=up, rate_hz=rate_hz)
    built = [row["trial"] for row in dataset.rows("trials") if row["status"] == schema.STATUS_BUILT]
    _require_trials(dataset, trials)
    wanted = list(dict.fromkeys(trials or built))
    if not wanted:
        raise DatasetError("has no trial that was built", where=dataset.path, mend="See exclusions.parquet.")
    show = progress or _silent
    results = [_write_trials(dataset, wanted, target, chosen, options, show)]
    for name in chosen:
        if isinstance(found := FORMATS[name], DatasetFormat):
            results.append(found.export(dataset, wanted, target, options, show))
    files = tuple(file for result in results for file in result.files)
    skipped = tuple(item for result in results for item in result.skipped)
    if not files:
        raise skipped[0].error
    gone = {(item.trial, item.format) for item in skipped if item.recording is None}
    there = tuple(trial for trial in wanted if any((trial, name) not in gone for name in chosen))
    return Exported(files, skipped, tuple(note for result in results for note in result.notes), there)


def _write_trials(
    dataset: VioDataset,
    trials: Sequence[str],
    folder: Path,
    formats: Sequence[str],
    options: ExportOptions,
    progress: Progress,
) -> Exported:
    """Write the formats that have one file per trial; each trial is read once."""
    writers = {name: found for name in formats if isinstance(found := FORMATS[name], TrialFormat)}
    files: list[Path] = []
    skipped: list[Skipped] = []
    if not writers:
        return Exported((), ())
    for done, trial in enumerate(trials, 1):
        try:
            take = take_of(dataset, trial)
        except DatasetError as error:
            skipped += [Skipped(trial, name, error) for name in writers]
        else:
            for name, writer in writers.items():
                if fault := _fault(name, take):
                    skipped.append(Skipped(trial, name, fault))
                else:
                    files.append(writer.write(take, folder, options))
        progress(done, len(trials), trial)
    return Exported(tuple(files), tuple(skipped))


def _fault(name: str, take: Take) -> DatasetError | None:
    found = FORMATS[name]
    return found.fault(take) if isinstance(found, TrialFormat) else None


def _place(dataset: VioDataset, folder: str | Path, formats: Sequence[str]) -> Path:
    """Give the folder to write to; refuse formats that are unknown, and places that they cannot take."""
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(f"there is no format {name!r}", mend=_sentence(did_you_mean(name, FORMATS, "formats")))
    alone = [name for name in formats if isinstance(found := FORMATS[name], DatasetFormat) and found.whole_folder]
    if alone and len(formats) > 1:
        raise ConfigError(
            f"the format {alone[0]!r} is a folder of its own, and takes no other format beside it",
            mend="Export the formats one by one, each to a folder of its own.",
        )
    target = Path(folder)
    if target.resolve().is_relative_to(Path(dataset.path).resolve()):
        raise ConfigError(
            "lies inside the dataset, whose folders readers take as a whole",
            where=folder,
            mend="Choose a folder outside of it with --to.",
        )
    return target


def _require_trials(dataset: VioDataset, trials: Sequence[str]) -> None:
    # A trial of somebody who did not consent has no row, but a reason, which reading it gives.
    known = [row["trial"] for row in dataset.rows("trials")]
    excluded = {str(trial) for trial in dataset.exclusions["trial"]}
    for trial in trials:
        if trial not in known and trial not in excluded:
            raise DatasetError(
                f"has no trial {trial!r}", where=dataset.path, mend=_sentence(did_you_mean(trial, known, "trials"))
            )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _silent(done: int, total: int, what: str) -> None:
    pass
