"""What one published take writes: its motion, its sounds, its annotations, and its rows in the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.audio import describe
from viodat.capture.audio import AudioSignal, read_audio
from viodat.capture.config import CaptureConfig
from viodat.dataset import paths, schema
from viodat.dataset.importers.foreign_text import plain
from viodat.dataset.importers.marker_joints import MarkerJoints
from viodat.dataset.importers.options import ImportOptions
from viodat.dataset.importers.output import Output, Row, to_ns
from viodat.dataset.importers.sources import digest
from viodat.dataset.waveforms import write_waveform
from viodat.errors import CaptureError, counted

_Array = NDArray[np.float32]

_NS: Final = 1e9
_LONGEST_S: Final = 1e6


@dataclass(frozen=True)
class Annotation:
    """One thing that was written about a take: as the columns of :data:`viodat.dataset.schema.ANNOTATIONS`."""

    kind: str
    start_s: float
    end_s: float | None
    value: float | None
    text: str | None
    source: str
    recording: str | None = None


@dataclass
class TrialWriter:
    """A trial in the making.

    Attributes
    ----------
    out
        The output of the import.
    trial
        Its id.
    source
        The published folder.
    inputs
        Digests of the files that were used, by their path below ``source``; it grows.
    options, config
        What was asked for.
    notes
        What was found and handled.
    """

    out: Output
    trial: str
    source: Path
    inputs: dict[str, str]
    options: ImportOptions
    config: CaptureConfig
    notes: list[str] = field(default_factory=list)
    _row: Row = field(default_factory=dict)
    _annotations: list[Annotation] = field(default_factory=list)
    _seconds: list[float] = field(default_factory=list)

    @property
    def participant(self) -> str:
        """Id of who plays."""
        return self.trial.partition("T")[0]

    @property
    def split(self) -> str:
        """The trial's split."""
        return self.out.splits.trials[self.trial]

    def recording(self, device: str) -> str:
        """Id of a device's recording of this trial."""
        participant, _, take = self.trial.partition("T")
        return f"{participant}{device}T{take}"

    def use(self, name: str) -> Path:
        """Give a published file by its path below the source, and keep its digest."""
        path = self.source / name
        self.inputs[plain(name)] = digest(path)
        return path

    def motion(self, joints: MarkerJoints, file: str) -> None:
        """Write the joints of the trial; time zero is their first frame.

        Parameters
        ----------
        joints
            As :func:`viodat.dataset.importers.marker_joints.joints_of` gives them.
        file
            Path below the source that they are from.
        """
        self.notes += joints.notes
        frames = len(joints.positions_mm)
        valid = np.asarray(np.isfinite(joints.positions_mm).all(-1))
        self._seconds.append(frames / joints.rate_hz)
        self._row |= {
            "rate_hz": joints.rate_hz,
            "frames": frames,
            "start_ns": 0,
            "marker_file": plain(file),
            "marker_set": joints.marker_set or None,
            "gap_share": joints.gap_share,
            "joint_methods": list(joints.methods),
            "joint_valid_share": [float(share) for share in valid.mean(0)],
        }
        columns: dict[str, NDArray[Any] | str | None] = {
            "trial": self.trial,
            "time_ns": to_ns(np.arange(frames) / joints.rate_hz),
            "joints_mm": joints.positions_mm,
            "sigma_mm": None,
            "valid": valid,
            "velocity_mm_s": None,
            "acceleration_mm_s2": None,
            "angles_rad": None,
        }
        self.out.write(paths.motion(self.trial, self.participant, self.split), schema.MOTION, columns)

    def sound(self, device: str, file: str, notes: Sequence[str] = (), *, unplaced: str = "") -> None:
        """Write a sound of the trial, its audio frame and its waveform; one that cannot be read is excluded.

        Parameters
        ----------
        device
            Id of the microphone.
        file
            Path below the source.
        notes
            What is known of it.
        unplaced
            Why its place on the trial's clock is unknown; empty: its first sample is at time zero.
        """
        recording = self.recording(device)
        row: Row = {
            "recording": recording,
            "trial": self.trial,
            "participant": self.participant,
            "device": device,
            "kind": "microphone",
            "split": self.split,
            "status": schema.STATUS_EXCLUDED,
            "audio_file": plain(file),
        }
        self.out.recordings[recording] = row
        try:
            signal = read_audio(self.use(file))
            rows = self._audio_rows(signal)
        except CaptureError as error:
            self.out.exclude(self.trial, recording, "import", str(error))
            return
        if unplaced:
            self.out.exclude(self.trial, recording, "clocks", unplaced)
            row["status"] = schema.STATUS_UNSYNCHRONISED
        else:
            row |= {
                "status": schema.STATUS_BUILT, "offset_s": 0.0, "drift_ppm": 0.0, "sync_method": "as published",
            }  # fmt: skip
        self._seconds.append(signal.seconds)
        row |= {
            "audio_rate_hz": signal.rate_hz,
            "audio_start_s": 0.0,
            "audio_seconds": signal.seconds,
            "notes": [*notes, *signal.notes],
        }
        for rate, (features, more) in rows.items():
            device_ns = to_ns(np.arange(len(features)) / rate)
            self.out.write(
                paths.audio(recording, self.participant, self.split, rate),
                schema.AUDIO if rate == 100 else schema.AUDIO_OTHER_RATE,
                {
                    "trial": self.trial,
                    "recording": recording,
                    "time_ns": None if unplaced else device_ns,
                    "device_time_ns": device_ns,
                    "features": features,
                    **more,
                },
            )
        write_waveform(self.out.folder / paths.waveform(recording), signal.samples, signal.rate_hz)

    def annotate(self, annotations: Sequence[Annotation]) -> None:
        """Keep annotations; they are written when the trial is closed, in order of time.

        Those at times that no take has are left out, and a note says how many.
        """
        kept = [each for each in annotations if max(abs(each.start_s), abs(each.end_s or 0.0)) < _LONGEST_S]
        if len(kept) < len(annotations):
            left_out = counted(len(annotations) - len(kept), "annotation")
            self.notes.append(f"{left_out} left out: days after the start")
        self._annotations += kept

    def close(self) -> None:
        """Write annotations and the trial's row: excluded if it has no motion and no sound."""
        alive = "frames" in self._row or any(
            row["trial"] == self.trial and row["status"] != schema.STATUS_EXCLUDED
            for row in self.out.recordings.values()
        )
        if alive and self._annotations:
            self._write_annotations()
        if not alive and not any(row["trial"] == self.trial and not row["recording"] for row in self.out.exclusions):
            self.out.exclude(self.trial, None, "import", "it has neither motion nor sound that can be read")
        self.out.trials.append(
            {
                "trial": self.trial,
                "participant": self.participant,
                "split": self.split,
                "status": schema.STATUS_BUILT if alive else schema.STATUS_EXCLUDED,
                "seconds": max(self._seconds, default=None),
                **self._row,
                "notes": [plain(note) for note in self.notes],
            }
        )

    def _audio_rows(self, signal: AudioSignal) -> dict[int, tuple[_Array, dict[str, _Array | None]]]:
        """Features by rate, and what else there is at 100 Hz."""
        found = describe(signal.samples, signal.rate_hz, self.options.rates_hz)
        rows: dict[int, tuple[_Array, dict[str, _Array | None]]] = {}
        for rate in self.options.rates_hz:
            more: dict[str, _Array | None] = {}
            if rate == 100 and found.spectrogram is not None:
                more = {"log_mel_db": found.spectrogram.levels_db, "f0_hz": None, "voiced": None}
            rows[rate] = (found.features[float(rate)].values, more)
        return rows

    def _write_annotations(self) -> None:
        rows = [
            {
                "trial": self.trial,
                "recording": each.recording,
                "kind": each.kind,
                "start_ns": round(each.start_s * _NS),
                "end_ns": None if each.end_s is None else round(each.end_s * _NS),
                "value": each.value,
                "text": None if each.text is None else plain(each.text),
                "source": plain(each.source),
            }
            for each in sorted(self._annotations, key=lambda each: (each.start_s, each.kind, each.source))
        ]
        self.out.write_rows(paths.annotation(self.trial, self.participant, self.split), schema.ANNOTATIONS, rows)
