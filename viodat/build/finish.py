"""The second pass over a trial: its clocks, what becomes of its recordings, its files and its page.

It begins with what the first pass left in the cache. What cannot be settled or written costs the trial, unless the disk
is the cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from threadpoolctl import threadpool_limits

from viodat.build.anonymous import Named, anonymous_trial, names_of
from viodat.build.cache.store import Store
from viodat.build.cache.work import Stage, Step, Work
from viodat.build.clocks import settle_clocks
from viodat.build.faults import disk_fault, faults_of_ours, reason_of
from viodat.build.gates import Exclusion
from viodat.build.options import sync_method
from viodat.build.prepare import TrialTask, first_pass
from viodat.build.raw import RawCapture
from viodat.build.report import TrialPage, draw_trial
from viodat.build.settled_sounds import settle_sounds
from viodat.build.solving import Estimated, estimate
from viodat.build.standing import Standing, find_standing, with_standing
from viodat.build.story import write_story
from viodat.build.trial import TrialResult
from viodat.build.view import parts_of, view_of
from viodat.build.writing import Tables, write_trial
from viodat.clock import DevicePrior, TrialClocks
from viodat.dataset import paths
from viodat.dataset.pseudonyms import Pseudonyms
from viodat.dataset.sketches import TrialSketch, sketch_trial
from viodat.errors import DatasetError

CLOCKS: Final = Stage("clocks", ("viodat.build.solving",), ("numpy", "scipy"))
CAMERAS: Final = Stage("cameras", ("viodat.build.standing",), ("numpy", "scipy", "opencv-python-headless"))
WRITE: Final = Stage("write", ("viodat.build.finish",), ("numpy", "scipy", "pyarrow", "opencv-python-headless"))
DRAW: Final = Stage("draw", ("viodat.build.report",), ("numpy", "matplotlib", "librosa", "av"))

SECOND_PASS: Final = (CLOCKS, CAMERAS, WRITE, DRAW)


@dataclass(frozen=True)
class FinishTask:
    """A trial after the first pass, and all that its second depends on.

    Attributes
    ----------
    trial
        The first pass's.
    priors
        What other trials say of each device's skew and drift.
    split
        Where the trial stands.
    devices
        All devices of the capture.
    session, piece
        As capture.toml names them; None where it does not.
    why_alone
        Why there are no priors, where something prevents them.
    lost
        Why the first pass gave nothing; None if it gave something.
    """

    trial: TrialTask
    priors: Mapping[str, DevicePrior]
    split: str
    devices: tuple[str, ...] = ()
    session: str | None = None
    piece: str | None = None
    why_alone: str = ""
    lost: Exclusion | None = None

    def clocks(self, evidence_key: str) -> Step:
        """Estimate the clocks."""
        priors = {device: asdict(prior) for device, prior in sorted(self.priors.items())}
        inputs = {
            "evidence": evidence_key,
            "other trials": priors,
            "why alone": self.why_alone,
        }
        return Step(CLOCKS, self.trial.files.id, inputs)

    def cameras(self, clocks_key: str) -> Step:
        """Find out where the cameras stood."""
        limit = self.view.config.gates.reprojection_share
        inputs = {
            "clocks": clocks_key,
            "option resect": self.trial.options.resect,
            "capture.toml [gates] reprojection_share": limit,
        }
        return Step(CAMERAS, self.trial.files.id, inputs)

    def write(self, evidence_key: str, cameras_key: str) -> Step:
        """Write the trial's files and rows."""
        lost = asdict(self.lost) if self.lost is not None else None
        inputs = {
            **parts_of(self.view),
            "clocks": sync_method(self.trial.raw.config, self.trial.options.sync),
            "cameras": cameras_key,
            "evidence": evidence_key,
            "files": self._names,
            "lost": lost,
            "split": self.split,
            "session": self.session,
            "piece": self.piece,
        }
        return Step(WRITE, self.trial.files.id, inputs)

    def draw(self, write_key: str) -> Step:
        """Draw the trial's page."""
        inputs = {"devices": list(self.devices), "write": write_key, "option blur_faces": self.trial.options.blur_faces}
        return Step(DRAW, self.trial.files.id, inputs)

    @cached_property
    def view(self) -> RawCapture:
        """What the second pass sees."""
        sections = ("sync", "cameras", "microphones", "gates", "audio", "pose2d", "markers")
        return view_of(self.trial.raw, self.trial.files, sections, cameras=True)

    @property
    def _names(self) -> dict[str, str | None]:
        """Names of files that tables tell, which digests do not hold."""
        raw, files = self.trial.raw, self.trial.files
        used: dict[str, Path | None] = {"markers": files.marker_file}
        for recording in files.recordings:
            used[f"{recording.id} video"] = recording.video or recording.frames_csv
            used[f"{recording.id} audio"] = recording.audio
        return {name: path.relative_to(raw.folder).as_posix() if path else None for name, path in used.items()}


@dataclass(frozen=True)
class Written:
    """What was written of a trial.

    Attributes
    ----------
    tables
        Its rows.
    waveforms
        Path of each sound in the dataset -> recording and key of the step that has the file.
    alarms
        What is probably wrong with it.
    faults
        Faults of ours that it met.
    names
        What its raw files call people, and who they are.
    sketch
        The trial in brief, to compare it with others; None if there is nothing of it.
    """

    tables: Tables = field(default_factory=Tables)
    waveforms: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    names: tuple[Named, ...] = ()
    sketch: TrialSketch | None = None


@dataclass(frozen=True)
class Finished:
    """Where in the cache the second pass left a trial's files and its page."""

    trial: str
    write_key: str
    draw_key: str


def finish(task: FinishTask, store: Store) -> Finished:
    """Run the second pass over a trial.

    Raises
    ------
    OSError
        The disk refuses what is to be written.
    """
    with threadpool_limits(1):
        return _finish(task, Work(store, task.trial.files.id))


def _finish(task: FinishTask, work: Work) -> Finished:
    files = task.trial.files
    clocks = Estimated()
    evidence_key = cameras_key = ""
    if task.lost is not None:
        result = TrialResult(files, exclusions=(task.lost,))
        work.faults += faults_of_ours((task.lost.reason,))
    else:
        result, gathered = first_pass(task.trial, work)
        evidence = gathered.value.evidence
        estimated = work.run(
            task.clocks(gathered.key),
            lambda folder: estimate(evidence, task.priors, task.why_alone) if evidence is not None else Estimated(),
            faulty=lambda value: faults_of_ours((value.fault,)),
        )
        clocks, evidence_key = estimated.value, gathered.key
        stood = work.run(
            task.cameras(estimated.key),
            lambda folder: _stood(result, task, estimated.value.clocks),
            faulty=lambda value: faults_of_ours((value.fault,)),
        )
        result, cameras_key = with_standing(result, stood.value.cameras, stood.value.fault), stood.key
    settled = _Settled(result, task, clocks)
    try:
        step = task.write(evidence_key, cameras_key)
        written = work.run(
            step, lambda folder: _written(folder, settled), faulty=lambda value: value.faults, keeps_errors=False
        )
        drawn = work.run(task.draw(written.key), lambda folder: _drawn(folder, settled), keeps_errors=False)
    except Exception as error:
        if task.lost is not None or disk_fault(error) is not None:
            raise
        reason = str(error) if isinstance(error, OSError) else reason_of(error)
        lost = Exclusion(files.id, WRITE.name, f"cannot be written: {reason}")
        return _finish(replace(task, lost=lost), work)
    return Finished(files.id, written.key, drawn.key)


@dataclass(frozen=True)
class Stood:
    """Where the cameras stood, by recording, and why that could not be found out."""

    cameras: Mapping[str, Standing] = field(default_factory=dict)
    fault: str = ""


def _stood(result: TrialResult, task: FinishTask, clocks: TrialClocks | None) -> Stood:
    """Find out where the cameras stood; where that fails they count as calibrated, with a note."""
    method = sync_method(task.view.config, task.trial.options.sync)
    try:
        return Stood(find_standing(result, task.view, task.trial.options, method, clocks))
    except Exception as error:
        return Stood(fault=reason_of(error))


class _Settled:
    """A trial on its clocks, settled when it is first asked for."""

    def __init__(self, result: TrialResult, task: FinishTask, estimated: Estimated) -> None:
        self.task = task
        self._before, self._estimated = result, estimated

    @cached_property
    def result(self) -> TrialResult:
        """The trial; a fault of ours costs it."""
        before, estimated, task = self._before, self._estimated, self.task
        clocks = estimated.clocks
        if clocks is not None and before.evidence is not None:
            clocks = replace(clocks, evidence=before.evidence)
        method = sync_method(task.view.config, task.trial.options.sync)
        fault = estimated.fault or before.clock_fault
        try:
            heard = before if clocks is None else settle_sounds(before, clocks)
            return settle_clocks(heard, task.view, method, clocks, fault)
        except Exception as error:
            lost = Exclusion(before.files.id, CLOCKS.name, reason_of(error))
            return TrialResult(before.files, exclusions=(lost,), notes=before.notes, inputs=before.inputs)

    @cached_property
    def told(self) -> TrialResult:
        """The trial as it may be told of."""
        result, view = self.result, self.task.view
        return anonymous_trial(result, view.folder, Pseudonyms(names_of(result, view)))


def _written(folder: Path, settled: _Settled) -> Written:
    task, result = settled.task, settled.told
    tables = write_trial(folder, result, task.view, task.split)
    sketch, alarms = None, result.alarms
    for row in tables.trials:
        # Of somebody who did not consent there is no row, and nothing is told.
        row |= {"session": task.session, "piece": task.piece}
        write_story(folder, result, task.view, task.split)
        try:
            sketch = sketch_trial(folder, row, tables.recordings)
        except DatasetError as error:
            # pyarrow before 26 does not read arrays with rows that are null.
            sketch = TrialSketch(row["trial"])
            alarms = (*alarms, f"it is not compared with other trials, and no part of the statistics: {error.problem}")
    reads = {recording.id: task.trial.read(recording).key for recording in task.trial.files.recordings}
    return Written(
        tables,
        {
            paths.waveform(one.files.id): (one.files.id, reads[one.files.id])
            for one in result.recordings
            if one.sound is not None and not result.excluded
        },
        alarms,
        faults_of_ours(_all_told(result)),
        names_of(settled.result, task.view),
        sketch,
    )


def _drawn(folder: Path, settled: _Settled) -> TrialPage:
    task = settled.task
    method = sync_method(task.view.config, task.trial.options.sync)
    blur = task.trial.options.blur_faces
    return draw_trial(folder, settled.told, task.view, task.split, method, task.devices, blur_faces=blur)


def _all_told(result: TrialResult) -> Iterator[str]:
    """Give all that is said of a trial and its recordings."""
    yield from (exclusion.reason for exclusion in result.exclusions)
    yield from (*result.notes, *result.alarms)
    for recording in result.recordings:
        yield from recording.notes
