"""What is to be built: the capture, understood, its trials and their splits, and each trial's tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from viodat.build.cache.digests import FileState
from viodat.build.faults import reason_of
from viodat.build.finish import FinishTask
from viodat.build.gates import Exclusion, gate_consent
from viodat.build.options import BuildOptions, sync_method
from viodat.build.prepare import Prepared, TrialTask
from viodat.build.raw import RawCapture, open_raw
from viodat.build.view import files_read, whole_view_of
from viodat.capture.config_groups import group_of
from viodat.capture.config_sync import SyncMethod
from viodat.capture.raw import RawTrial
from viodat.clock import DevicePrior, neighbours_priors
from viodat.dataset.splits import Splits, assign_splits
from viodat.errors import ConfigError
from viodat.files import sha256
from viodat.pose2d import create_source


@dataclass(frozen=True)
class Order:
    """What is to be built.

    Attributes
    ----------
    source
        The capture.
    trials
        Those that are built, by id.
    splits
        Where each trial of the capture stands.
    options
        What to do.
    method
        How clocks are found.
    sessions, pieces
        Of those trials that capture.toml puts into one.
    """

    source: RawCapture
    trials: tuple[RawTrial, ...]
    splits: Splits
    options: BuildOptions
    method: SyncMethod
    sessions: Mapping[str, str]
    pieces: Mapping[str, str]

    @cached_property
    def devices(self) -> tuple[str, ...]:
        """All devices of the capture, by name."""
        return tuple(sorted({recording.device for recording in self.source.layout.recordings}))

    @cached_property
    def refused(self) -> dict[str, Exclusion]:
        """Trials of those who did not consent: nothing of theirs is read."""
        people = self.source.layout.participants
        found = {files.id: gate_consent(files.id, people[files.participant]) for files in self.trials}
        return {name: refusal for name, refusal in found.items() if refusal is not None}

    def files_read(self) -> list[Path]:
        """Give the raw files that are read, without those of trials that are refused."""
        return [path for files in self.trials if files.id not in self.refused for path in files_read(files)]

    def tasks(
        self, digests: Mapping[Path, str], states: Mapping[Path, FileState] | None = None
    ) -> dict[str, TrialTask]:
        """Give the first pass's tasks by trial, with what each file held and was when that was found out."""
        states = states or {}
        model = sha256(self.options.pose_model) if self.options.pose_model else ""
        tasks = {}
        for files in self.trials:
            # A folder may have other files by now.
            used = [path for path in files_read(files) if path in digests]
            tasks[files.id] = TrialTask(
                files,
                whole_view_of(self.source, files),
                self.options,
                {path: digests[path] for path in used},
                model,
                {path: states[path] for path in used if path in states},
            )
        return tasks

    def finishing(
        self, tasks: Mapping[str, TrialTask], prepared: Mapping[str, Prepared | Exclusion]
    ) -> dict[str, FinishTask]:
        """Give the second pass's tasks by trial, once what each says of its clocks is known."""
        drifts = {name: found.drift if isinstance(found, Prepared) else {} for name, found in prepared.items()}
        ordered = {name: drifts.get(name, {}) for name in tasks}
        finishing = {}
        for name, task in tasks.items():
            found = prepared.get(name)
            priors: Mapping[str, DevicePrior] = {}
            why = ""
            if self.method == "auto":
                try:
                    priors = neighbours_priors(ordered, name)
                except Exception as error:
                    why = reason_of(error)
            lost = found if isinstance(found, Exclusion) else None
            finishing[name] = FinishTask(
                task,
                priors,
                self.splits.trials[name],
                self.devices,
                self.sessions.get(name),
                self.pieces.get(name),
                why,
                lost,
            )
        return finishing


def plan_order(raw: Path, config: Path | None, options: BuildOptions) -> Order:
    """Understand a capture and decide what is to be built of it.

    Raises
    ------
    ConfigError
        If it cannot be understood, or lacks what the options ask for.
    """
    # Processes elsewhere need not stand in the same folder.
    source = open_raw(raw.absolute(), config, options.sync)
    trials = _chosen(source, options)
    splits = assign_splits(
        ((trial.id, trial.participant) for trial in source.layout.trials),
        test=source.config.splits.test,
        train=source.config.splits.train,
        validation=source.config.splits.validation,
    )
    method = sync_method(source.config, options.sync)
    _check_given(source, method)
    _check_detector(source, options)
    if options.pose_model is not None and not options.pose_model.is_file():
        raise ConfigError(f"--pose-model {options.pose_model}: no such file", mend="Correct the path.")
    known = [trial.id for trial in source.layout.trials]
    sessions = group_of(source.config.sessions, known, "sessions")
    pieces = group_of(source.config.pieces, known, "pieces")
    return Order(source, trials, splits, options, method, sessions, pieces)


def _chosen(source: RawCapture, options: BuildOptions) -> tuple[RawTrial, ...]:
    known = {trial.id: trial for trial in source.layout.trials}
    if unknown := [name for name in options.trials if name not in known]:
        raise ConfigError(
            f"--trial {unknown[0]}: the capture has no such trial; it has {', '.join(sorted(known)[:12])}"
            + (" ..." if len(known) > 12 else "")
        )
    return tuple(known[name] for name in sorted(set(options.trials) or known))


def _check_given(source: RawCapture, method: SyncMethod) -> None:
    """Refuse offsets that are to be the clocks and are of no recording that there is."""
    recordings, sync = source.layout.recordings, source.config.sync
    if method != "given" or not recordings or any(sync.given_offset(r.id, r.device) for r in recordings):
        return
    named = ", ".join(sorted({*sync.offset_s, *sync.recordings})[:12])
    there = ", ".join(sorted({recording.device for recording in recordings})[:12])
    raise ConfigError(
        f"--sync given: capture.toml gives offsets of {named}, and there are recordings by {there} only",
        mend="Correct the names in capture.toml [sync], or use --sync auto.",
    )


def _check_detector(source: RawCapture, options: BuildOptions) -> None:
    """Make the detector that was asked for once, so that a missing one is told before any work."""
    if "mediapipe" in (options.pose2d, source.config.pose2d.source if options.pose2d == "auto" else ""):
        create_source("mediapipe", **({"model": options.pose_model} if options.pose_model else {}))
