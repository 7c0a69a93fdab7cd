"""URMP as published: chamber music whose players were recorded one by one, with notes and pitch of each; no motion.

A folder per piece (``01_Jupiter_vn_vc``) with ``AuSep_1_vn_01_Jupiter.wav`` per track, ``AuMix_01_Jupiter_vn_vc.wav``,
``Notes_1_vn_01_Jupiter.txt`` (onset in s, pitch in Hz, duration in s) and ``F0s_1_vn_01_Jupiter.txt`` (time in s, pitch
in Hz, 0 where there is none; frames of 46 ms every 10 ms, whose times are their middles). All files of a piece share
one clock. The instruments are those of the files: one folder's name has another.

Source: Li et al. 2019 (IEEE Trans. Multimedia 21:522) and the description that comes with the data.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.dataset.importers.card import About
from viodat.dataset.importers.options import Imported, ImportOptions, Progress
from viodat.dataset.importers.sources import file_text, files_below
from viodat.dataset.importers.takes import Take, contents, write_takes
from viodat.dataset.importers.trial_writer import Annotation, TrialWriter
from viodat.errors import CaptureError

_PIECE: Final = re.compile(r"\d{1,3}_(?P<title>[A-Za-z0-9]+)(?:_[a-z]+)+")
_TRACK: Final = re.compile(
    r"(?P<what>AuSep|Notes|F0s)_(?P<number>\d{1,2})_(?P<instrument>[a-z]+)_\d+_[A-Za-z0-9]+\.(?:wav|txt)"
)
_MIX: Final = re.compile(r"AuMix_.*\.wav")
_INSTRUMENTS: Final = {
    "vn": "violin", "va": "viola", "vc": "cello", "db": "double bass", "fl": "flute", "ob": "oboe", "cl": "clarinet",
    "sax": "saxophone", "bn": "bassoon", "tpt": "trumpet", "hn": "horn", "tbn": "trombone", "tba": "tuba",
}  # fmt: skip
_A4_HZ: Final = 440.0
_A4_MIDI: Final = 69
_LIMIT_BYTES: Final = 1 << 26
_LATE_S: Final = 0.1

_ABOUT: Final = About(
    format="urmp",
    name="URMP: University of Rochester Multi-Modal Music Performance",
    description="Chamber music whose players were recorded one by one, with notes and pitch of each: the sound and the "
    "annotation of URMP as published, imported into viodat's schema.",
    licence="CC0 1.0 for the copy at Dryad (https://doi.org/10.5061/dryad.ng3r749); for a copy from elsewhere its "
    "terms",
    citation="Li B, Liu X, Dinesh K, Duan Z, Sharma G. Creating a Multitrack Classical Music Performance Dataset for "
    "Multimodal Music Analysis: Challenges, Insights, and Applications. IEEE Transactions on Multimedia, 2019, 21(2), "
    "522-535.",
    missing=(
        "Motion: there is none. The videos (`Vid_*.mp4`) were not read: they are cut together from several takes, and "
        "the schema's `video` needs 3D truth.",
        "Scores: `Sco_*.mid` and `Sco_*.pdf` were not read; their notes, at the times they were played, are in "
        "`annotations`.",
        "Participants: who plays a track is not published. All pieces of one title count as one participant, so that "
        "no music crosses a split; the same player may.",
        "`f0_hz` and `voiced` of the audio stream are null: the published pitch is in `annotations`, at its own times.",
        "A test set: here nobody is tested unless --config says who.",
    ),
    contents=contents(motion=False),
    clock="zero is the first sample of a piece's sounds",
    example='pitch = ds.annotations("P01T01").query("kind == \'f0\'")',
)


def import_urmp(source: Path, folder: Path, options: ImportOptions, progress: Progress) -> Imported:
    """Write URMP, or a part of it, as a dataset of viodat's schema.

    Parameters
    ----------
    source
        The folder of the pieces, any folder above it, or one piece.
    folder
        An empty folder; the manifest is written last.
    options
        Rates of the audio frame, capture.toml.
    progress
        Called after each piece.

    Raises
    ------
    CaptureError
        If no folder is called and filled as URMP's are.
    DatasetError
        If not one piece can be imported.
    """
    found: dict[str, list[str]] = {}
    for name in files_below(source):
        place, _, file = name.rpartition("/")
        if _TRACK.fullmatch(file) or _MIX.fullmatch(file):
            found.setdefault(place, []).append(name)
    takes = []
    for place, files in found.items():
        piece = place.rpartition("/")[2] or source.resolve().name
        if match := _PIECE.fullmatch(piece):
            takes.append(Take(match["title"], piece, partial(_write, files)))
    if not takes:
        raise CaptureError(
            "holds no piece of URMP, a folder such as 01_Jupiter_vn_vc with AuSep_1_vn_01_Jupiter.wav in it",
            where=source,
            mend="Name the folder of URMP, unpacked.",
        )
    return write_takes(_ABOUT, takes, source, folder, options, progress)


def _write(files: list[str], trial: TrialWriter) -> None:
    sounds: dict[int, tuple[str, str]] = {}
    tables: list[tuple[str, int, str]] = []
    for name in files:
        match = _TRACK.fullmatch(name.rpartition("/")[2])
        if match is None:
            sounds[0] = name, "the mix of all tracks"
        elif match["what"] == "AuSep":
            instrument = _INSTRUMENTS.get(match["instrument"], match["instrument"])
            sounds[int(match["number"])] = name, f"track {int(match['number'])}, {instrument}"
        else:
            tables.append((match["what"], int(match["number"]), name))
    for number, (name, note) in sorted(sounds.items()):
        trial.sound(f"M{number:02d}", name, [note])
    for what, number, name in tables:
        recording = trial.recording(f"M{number:02d}") if number in sounds else None
        try:
            read = read_notes if what == "Notes" else read_pitch
            found = read(trial.use(name), name, recording)
        except CaptureError as error:
            trial.notes.append(f"annotation left out: {error}")
            continue
        trial.annotate(found)
        _compare_length(found, recording, name, trial)


def _compare_length(found: list[Annotation], recording: str | None, name: str, trial: TrialWriter) -> None:
    seconds = trial.out.recordings.get(recording or "", {}).get("audio_seconds")
    last = max((each.end_s or each.start_s for each in found), default=0.0)
    if seconds is not None and last > seconds + _LATE_S:
        trial.notes.append(f"{name.rpartition('/')[2]} goes on for {last - seconds:.2f} s after its sound ends")


def read_notes(path: Path, source: str, recording: str | None) -> list[Annotation]:
    """Read the notes of a track; CaptureError if a row is not onset, pitch and duration."""
    rows = _numbers(path, ("onset", "pitch", "duration"))
    if (rows[:, 1:] <= 0).any():
        raise CaptureError("has a note whose pitch or duration is not above 0", where=path)
    midi = _A4_MIDI + 12 * np.log2(rows[:, 1] / _A4_HZ)
    return [
        Annotation("note", float(onset), float(onset + duration), float(number), None, source, recording)
        for (onset, _, duration), number in zip(rows, midi, strict=True)
    ]


def read_pitch(path: Path, source: str, recording: str | None) -> list[Annotation]:
    """Read the pitch of a track; CaptureError if a row is not time and pitch, or time does not increase."""
    rows = _numbers(path, ("time", "pitch"))
    if (rows[:, 1] < 0).any() or (np.diff(rows[:, 0]) <= 0).any():
        raise CaptureError("has a pitch below 0, or times that do not increase", where=path)
    return [
        Annotation("f0", float(time), None, float(hertz) if hertz > 0 else None, None, source, recording)
        for time, hertz in rows
    ]


def _numbers(path: Path, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """(N, columns) of a table without a header, its columns divided by blanks or tabs; N is at least 1."""
    cells = [line.split() for line in file_text(path, _LIMIT_BYTES).splitlines() if line.strip()]
    wrong = next((number for number, row in enumerate(cells, 1) if len(row) != len(columns)), None)
    if wrong is not None:
        raise CaptureError(
            f"row {wrong:,} has {len(cells[wrong - 1])} columns; expected {', '.join(columns)}", where=path
        )
    try:
        values = np.array(cells, dtype=np.float64).reshape(-1, len(columns))
    except ValueError as error:
        raise CaptureError(f"has a cell that is no number ({str(error)[:80]})", where=path) from error
    if not len(values) or not np.isfinite(values).all() or (values[:, 0] < 0).any():
        raise CaptureError("is empty, or has a time below 0 or a number that is not finite", where=path)
    return values
