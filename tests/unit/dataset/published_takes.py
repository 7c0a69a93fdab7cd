"""MOSA, URMP and RepoVizz datapacks in their published layouts, small, with known truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

MOSA_HZ = 120.0
SECONDS = 2.0

STANDING = {
    "LFHD": (60, 70, 1650), "RFHD": (60, -70, 1650), "LBHD": (-80, 60, 1650), "RBHD": (-80, -60, 1650),
    "C7": (-60, 0, 1480), "CLAV": (60, 0, 1440), "T10": (-80, 0, 1250), "STRN": (80, 0, 1250),
    "LSHO": (0, 180, 1450), "RSHO": (0, -180, 1450), "LELB": (150, 300, 1200), "RELB": (120, -320, 1150),
    "LWRA": (330, 200, 1300), "LWRB": (300, 240, 1290), "RWRA": (260, -150, 1250), "RWRB": (280, -200, 1240),
    "LFIN": (400, 180, 1310), "RFIN": (320, -120, 1260), "LHND": (390, 190, 1310), "RHND": (310, -130, 1260),
    "LASI": (100, 120, 1000), "RASI": (100, -120, 1000), "LPSI": (-80, 40, 1000), "RPSI": (-80, -40, 1000),
    "LKNE": (20, 140, 520), "RKNE": (20, -140, 520), "LANK": (0, 130, 90), "RANK": (0, -130, 90),
    "LHEE": (-60, 110, 40), "RHEE": (-60, -110, 40), "LTOE": (150, 120, 40), "RTOE": (150, -120, 40),
    "VIOLINE": (600, 330, 1400), "VIOLINB": (150, 120, 1420), "BOWE": (500, 100, 1300), "BOWB": (400, -200, 1280),
}  # fmt: skip
"""A player facing +X, left at +Y, Z up, mm; the trunk is upright and level, so that centres can be told by hand."""

MOSA_LABELS = tuple(label for label in STANDING if label not in ("LHND", "RHND"))

# By hand from STANDING: Harrington 2007 (one variable each), markers of 14 mm; Rab 2002; midpoints.
TRUE_JOINTS = {
    "left_pelvis": (100 - 7 - 0.24 * 166 - 9.9, 0.33 * 240 + 7.3, 1000 - 0.30 * 240 - 10.9),
    "right_pelvis": (100 - 7 - 0.24 * 166 - 9.9, -0.33 * 240 - 7.3, 1000 - 0.30 * 240 - 10.9),
    "left_shoulder": (0, 180, 1450 - 0.17 * 360 - 7),
    "right_shoulder": (0, -180, 1450 - 0.17 * 360 - 7),
    "left_wrist": (315, 220, 1295),
    "right_wrist": (270, -175, 1245),
}


def sway(frames: int, rate_hz: float) -> np.ndarray:
    """(F, 3) mm: how the whole player moves."""
    t = np.arange(frames) / rate_hz
    return np.stack([20 * np.sin(2 * t), 15 * np.cos(3 * t), 0 * t], -1)


def markers_at(labels: Sequence[str], frames: int, rate_hz: float) -> np.ndarray:
    """(F, M, 3) mm."""
    return np.array([STANDING[label] for label in labels], float).reshape(-1, 3) + sway(frames, rate_hz)[:, None]


def tone(path: Path, hertz: float = 440.0, seconds: float = SECONDS, rate_hz: int = 22050, subtype="PCM_16") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * hertz * t), rate_hz, subtype=subtype)


MOSA_TABLES = {
    "align_notetime": "note_id,onset,offset,score_position,score_position_offset,note,midi_number,note_duration,bar_id,"
    "bar_position\n0,0.2,0.6,0.0,1.0,A4,69,1.0,0,0.0\n1,0.6,1.4,1.0,3.0,C#5,73,2.0,0,1.0\n2,1.4,1.8,3.0,4.0,E5,76,1.0,0,3.0\n",
    "beat": "beat\n0\n1\n2\n3\n9\n",
    "downbeat": "downbeat\n0\n",
    "expression": "onset,offset,expression\n0,1,legato\n3,2,cresc\n",
    "phrase_section": "onset,offset,Section\n0,4.25,A\n",
    "harmony": "onset,offset,key,degree,quality,inversion,roman number\n0,2,d,5,D7,1,V65\n",
    "cadence": "onset,resolve time,offset,cadence type\n2,4,3,AC\n",
    "note": "Onset,Offset,MIDI number\n0,1,69\n",
}  # fmt: skip


def write_mosa(
    root: Path,
    takes: Sequence[str] = ("ba1_yv10_t1",),
    *,
    labels: Sequence[str] = MOSA_LABELS,
    header: str = "{label}_{axis}",
    scale: float = 1.0,
) -> Path:
    """Write takes as MOSA_dataset/instrument/piece/performer/trial/piece_performer_trial_*; gives the folder."""
    for take in takes:
        piece, performer, trial = take.split("_")
        folder = root / performer[:2] / piece / performer / trial
        tone(folder / f"{take}_audio.wav")
        frames = round(SECONDS * MOSA_HZ)
        names = [header.format(label=label, axis=axis) for label in labels for axis in "xyz"]
        rows = (scale * markers_at(labels, frames, MOSA_HZ)).reshape(frames, -1)
        lines = [",".join(names), *(",".join(f"{value:.6f}" for value in row) for row in rows)]
        (folder / f"{take}_motion.csv").write_text("\n".join(lines) + "\n")
        (folder / f"{take}_motion_norm.csv").write_text("a,b\n1,2\n")
        tables = folder / "annotation" / "annotations"
        tables.mkdir(parents=True)
        for name, text in MOSA_TABLES.items():
            (tables / f"{take}_{name}.csv").write_text(text)
    return root


def write_urmp(root: Path, pieces: Mapping[str, Sequence[str]] | None = None) -> Path:
    """Write pieces (folder -> instruments) of two notes each; gives the folder."""
    for piece, instruments in (pieces or {"01_Jupiter_vn_vc": ("vn", "vc")}).items():
        folder = root / piece
        number, title = piece.split("_")[:2]
        tone(folder / f"AuMix_{piece}.wav", rate_hz=48000, subtype="PCM_24")
        (folder / f"Sco_{piece}.mid").write_bytes(b"MThd")
        for track, instrument in enumerate(instruments, 1):
            name = f"{track}_{instrument}_{number}_{title}"
            tone(folder / f"AuSep_{name}.wav", 440.0 / track, rate_hz=48000, subtype="PCM_24")
            (folder / f"Notes_{name}.txt").write_text(
                f"0.100\t{440 / track:.3f}\t0.500\n0.700\t{880 / track:.3f}\t0.900\n"
            )
            times = 0.023 + 0.01 * np.arange(150)
            pitch = np.where(times < 0.6, 440.0 / track, 0.0)
            lines = [f"{time:.3f}\t{hertz:.3f}" for time, hertz in zip(times, pitch, strict=True)]
            (folder / f"F0s_{name}.txt").write_text("\n".join(lines) + "\n")
    return root


TELMI_HZ = 100.0


def signal_csv(values: np.ndarray, rate_hz: float = TELMI_HZ) -> str:
    """One axis as the MoCap Toolbox writes it: a comma after each sample."""
    return f"repovizz,framerate={rate_hz:.2f},minval={np.nanmin(values):f},maxval={np.nanmax(values):f}\n" + "".join(
        f"{value:f}," for value in values
    )


def marker_xml(label: str, group: str) -> str:
    signals = "".join(
        f'<Signal ID="ROOT0_MoCa0_MoCa1_{axis}0" Expanded="0" Category="{axis}" Name="{axis}" FileType="CSV" '
        f'DefaultPath="0" Filename="{label}_{axis}.csv" BytesPerSample="" FrameSize="" NumSamples="" '
        f'SpecSampleRate="0.0" SampleRate="{TELMI_HZ:.2f}" />\n'
        for axis in "XYZ"
    )
    return (
        f'<Generic Name="{label}.{group}" _Extra="" ID="ROOT0_MoCa0_MoCa1" Category="MoCapMarker" Expanded="1">\n'
        f"{signals}</Generic>\n"
    )


def write_datapack(
    folder: Path, name: str = "take1", *, labels: Sequence[str] = tuple(STANDING), scale: float = 1.0, more: str = ""
) -> Path:
    """Write one datapack with markers, a sound, an alignment and a descriptor; gives its XML."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = round(SECONDS * TELMI_HZ)
    for label, values in zip(labels, markers_at(labels, frames, TELMI_HZ).swapaxes(0, 1) * scale, strict=True):
        for axis, column in zip("XYZ", values.T, strict=True):
            (folder / f"{label}_{axis}.csv").write_text(signal_csv(column))
    tone(folder / "audio.wav", rate_hz=44100)
    (folder / "align_vln1.notes").write_text("0.10 0.50 C#4\n0.50 0.80 rest\n0.80 1.50 G3,D4\n")
    xml = (
        '<ROOT ID="ROOT0">\n'
        '<Generic ID="ROOT0_META0" Category="METADATA" Name="Info"><Description Category="TITLE" Text="Scales" />'
        '<Description Category="LICENSE" Text="ask us" /></Generic>\n'
        f'<Generic ID="ROOT0_MoCa0" Category="MoCapGroup" Name="{name}" _Extra="" Expanded="1">\n'
        + "".join(marker_xml(label, name) for label in labels)
        + "</Generic>\n"
        '<Generic Category="AudioGroup" Name="Audio"><Audio Category="Ambient" FileType="WAV" Filename="audio.wav" '
        'name="Cardioid microphone" SampleRate="44100" /></Generic>\n'
        '<Generic Category="Score" Name="Score Alignment"><Annotation FileType="NOTES" Filename="align_vln1.notes" '
        'Name="vln1" /></Generic>\n'
        '<Generic Category="DescriptorGroup" Name="Gestures"><Signal Category="Descriptor" Filename="vel.csv" '
        f'Name="bow velocity" /></Generic>\n{more}</ROOT>'
    )
    path = folder / f"{name}.xml"
    path.write_text(xml)
    return path
