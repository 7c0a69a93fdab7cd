"""The sound of VioDat v1.0: the audio frame at three rates, the waveform at 8 kHz, and viodat's spectrogram of that.

The published spectrograms are of an unstated kind and are not read. viodat's own is computed from the published sound:
what that leaves out, all above 4 kHz, is at the floor.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from viodat.audio import log_mel_spectrogram
from viodat.dataset import paths, schema
from viodat.dataset.importers import viodat_v1_arrays as arrays
from viodat.dataset.importers.npz import Archive
from viodat.dataset.importers.options import ImportOptions, Progress
from viodat.dataset.importers.output import to_ns
from viodat.dataset.importers.viodat_v1_arrays import FloatArray
from viodat.dataset.importers.viodat_v1_output import ReleaseOutput
from viodat.dataset.waveforms import write_waveform
from viodat.errors import CaptureError

_SOUND_HZ: Final = 8000
_AUDIO_KEYS: Final = {30: "audio_data", 100: "audio_data_100FPS", 300: "audio_data_300FPS"}


def write_sound(
    path: Path, options: ImportOptions, out: ReleaseOutput, notes: list[str], progress: Progress
) -> list[int]:
    """Write audio frames and waveforms, complete the rows, and give the rates that there are."""
    rates: list[int] = []
    alive = {name for name, row in out.recordings.items() if row["status"] != schema.STATUS_EXCLUDED}
    with_sound: set[str] = set()
    with Archive(path, options.limit_bytes) as archive:
        if not any(key in archive.names for key in _AUDIO_KEYS.values()):
            raise CaptureError(
                f"has none of {', '.join(_AUDIO_KEYS.values())}, so it is not the sound of VioDat v1.0",
                where=path,
                mend="Give mmViolin_v1.0_audio.npz as it was published.",
            )
        heard = _write_waveforms(archive, alive, out, notes, progress)
        for rate in (100, *(rate for rate in (30, 300) if rate in options.audio_rates_hz)):
            key = _AUDIO_KEYS[rate]
            if key not in archive.names:
                notes.append(f"the release has no {key}: no audio frame at {rate} Hz")
                continue
            found = arrays.read_frames(archive, key, arrays.audio_rows)
            notes += [f"{name}: {fault}" for name, fault in sorted(found.faults.items()) if name in alive]
            have = {name for name in found.arrays if name in alive and len(found.arrays[name])}
            if rates and have != with_sound:
                notes.append(f"{key} is not of the same recordings as {_AUDIO_KEYS[rates[0]]}; it was left out")
                continue
            with_sound = have
            rates.append(rate)
            for done, name in enumerate(sorted(have), 1):
                _write_features(name, rate, found.arrays[name], out, sounding=name in heard)
                progress(done, len(have), f"sound of {name}, {rate} Hz")
    for name in sorted(heard - with_sound):
        (out.folder / paths.waveform(name)).unlink()
        for key in ("audio_rate_hz", "audio_seconds"):
            out.recordings[name].pop(key)
    if silent := sorted(alive - with_sound):
        notes.append(f"without sound: {', '.join(silent[:8])}" + (f" and {len(silent) - 8} more" * (len(silent) > 8)))
    return sorted(rates)


def _write_waveforms(
    archive: Archive, alive: set[str], out: ReleaseOutput, notes: list[str], progress: Progress
) -> set[str]:
    """Write the waveforms, and give the recordings that have one: so only one member at a time is in memory."""
    if "audio_raw" not in archive.names:
        notes.append("the release has no audio_raw: there are no waveforms and no spectrograms")
        return set()
    sounds = arrays.read_frames(archive, "audio_raw", arrays.waveform)
    notes += [f"{name}: {fault}" for name, fault in sorted(sounds.faults.items()) if name in alive]
    heard = {name for name in alive & set(sounds.arrays) if len(sounds.arrays[name])}
    for done, name in enumerate(sorted(heard), 1):
        samples, row = sounds.arrays[name], out.recordings[name]
        write_waveform(out.folder / paths.waveform(name), samples, _SOUND_HZ, lossy=True)
        row |= {"audio_rate_hz": float(_SOUND_HZ), "audio_seconds": len(samples) / _SOUND_HZ}
        if name in sounds.notes:
            row["notes"].append(sounds.notes[name])
        progress(done, len(heard), f"sound of {name}")
    return heard


def _write_features(recording: str, rate: int, rows: FloatArray, out: ReleaseOutput, *, sounding: bool) -> None:
    participant, _, trial = arrays.ids_of(recording)
    row = out.recordings[recording]
    # The published loader takes row k of audio_data with frame k, whatever the video's rate is.
    true_rate = float(1 / Fraction(row["time_base"])) if rate == 30 else float(rate)
    device_s = np.arange(len(rows)) / true_rate
    columns: dict[str, NDArray[Any] | str | None] = {
        "trial": trial,
        "recording": recording,
        "time_ns": None if row.get("offset_s") is None else to_ns(device_s + row["offset_s"]),
        "device_time_ns": to_ns(device_s),
        "features": rows,
    }
    if rate == 100:
        columns |= {"log_mel_db": None, "f0_hz": None, "voiced": None}
        if sounding:
            columns["log_mel_db"] = _spectrogram(out.folder / paths.waveform(recording), len(rows))
    row.setdefault("audio_rate_hz", 44100.0)
    row.setdefault("audio_start_s", 0.0)
    row.setdefault("audio_seconds", len(rows) / true_rate)
    kind = schema.AUDIO if rate == 100 else schema.AUDIO_OTHER_RATE
    out.write(paths.audio(recording, participant, row["split"], rate), kind, columns)


def _spectrogram(waveform: Path, rows: int) -> FloatArray:
    """(rows, 128) dB at 100 Hz; NaN where the sound is over before the audio frame is."""
    samples, rate_hz = soundfile.read(waveform, dtype="float32")
    levels = log_mel_spectrogram(samples, rate_hz).levels_db[:rows]
    return np.pad(levels, ((0, rows - len(levels)), (0, 0)), constant_values=np.nan)
