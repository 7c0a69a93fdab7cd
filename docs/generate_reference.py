"""The tables of the reference pages that are made from the code, and the pictures of the demo.

A page holds ``<!-- generated: NAME -->`` and ``<!-- end generated -->``; what stands between them is written here,
from the schema, the checks, the gates and the command line, so that no table can say something that the code does not.

Run ``python docs/generate_reference.py`` after a change; ``--images`` also draws the pictures anew.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
import typing
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from viodat.body import MARKER_SETS, how_determined
from viodat.body.angles import MEANINGS
from viodat.body.skeleton.evidence import SPREADS_MM
from viodat.body.skeleton.tissues import TISSUES as EXPECTED_TISSUES
from viodat.build.checks import CHECKS
from viodat.build.gates import GATES, RECORDING_GATES, Gate
from viodat.cli.app import app
from viodat.dataset import schema
from viodat.dataset.angle_points import ANGLE_POINTS
from viodat.joints import JOINTS
from viodat.synth.faults import DESCRIPTIONS
from viodat.synth.lab.marker_motion import TISSUES
from viodat.synth.lab.marker_set import PALPATION_MM

DOCS: Final = Path(__file__).resolve().parent
COMMAND: Final = "python docs/generate_reference.py"

_STREAMS: Final = {
    "motion": schema.MOTION,
    "video": schema.VIDEO,
    "audio": schema.AUDIO,
    "annotations": schema.ANNOTATIONS,
    **schema.TABLES,
}

_NO_CLOCK = "whole column where the clock is unknown"
_NO_TRUTH = "cell where clock or calibration is unknown, number where the joint is undetermined"
_NO_FIT: Final = "cell where joints are computed frame by frame, number where the joint is undetermined"
_NULLS: Final[dict[tuple[str, str], str]] = {
    ("motion", "joints_mm"): "number where the joint is undetermined",
    ("motion", "sigma_mm"): "cell where the method states none: the methods that work frame by frame",
    ("motion", "velocity_mm_s"): _NO_FIT,
    ("motion", "acceleration_mm_s2"): _NO_FIT,
    ("motion", "angles_rad"): "cell where joints are computed frame by frame, number where the angle is undetermined",
    ("video", "time_ns"): _NO_CLOCK,
    ("video", "pose3d_mm"): _NO_TRUTH,
    ("video", "pose2d_px"): f"{_NO_TRUTH} or not before the camera",
    ("video", "detected_px"): "cell without keypoints, number where the detector saw nothing",
    ("video", "confidence"): "as detected_px; all where the detector states none",
    ("audio", "time_ns"): _NO_CLOCK,
    ("audio", "features"): "never",
    ("audio", "log_mel_db"): "row beyond the end of an imported waveform; whole column where there is none",
    ("audio", "f0_hz"): "unvoiced; whole column unless the recording is the trial's best microphone",
    ("audio", "voiced"): "whole column unless the recording is the trial's best microphone",
}
"""What a null in a column of a stream means; columns of the tables are null where the fact is not known."""

_TYPE_NAMES: Final = {Path: "path", str: "text", int: "number", float: "number", bool: "switch"}


def columns(name: str) -> str:
    """Give the table of a file's columns: type, shape, unit, frame, nulls, meaning."""
    rows = []
    for field in _STREAMS[name]:
        facts = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        shape = facts.get("shape", "").replace("x", " × ")
        unit = facts.get("unit", "")
        nulls = _NULLS.get((name, field.name), "allowed") if field.nullable else "never"
        rows.append(
            (f"`{field.name}`", _type_name(field.type), shape, unit, facts.get("frame", ""), nulls, facts["meaning"])
        )
    return _table(("column", "type", "shape", "unit", "frame", "null", "meaning"), rows)


def checks() -> str:
    """Give the table of all checks."""
    rows = [(f"`{check.id}`", str(check.level), check.why, check.mend) for check in CHECKS.values()]
    return _table(("check", "level", "why it matters", "what mends it"), rows)


def gates() -> str:
    """Give the table of a trial's quality gates."""
    return _gates(GATES.values(), "trial")


def recording_gates() -> str:
    """Give the table of a recording's quality gates."""
    return _gates(RECORDING_GATES.values(), "recording")


def _gates(listed: Iterable[Gate], what: str) -> str:
    rows = (
        (f"`{gate.name}`", gate.measures, f"{gate.sense} {gate.written(gate.limit)}", gate.finds) for gate in listed
    )
    return _table(("gate", "what is measured", "limit", f"what a {what} that fails is likely to suffer from"), rows)


def marker_sets() -> str:
    """Give the table of the marker sets that viodat knows."""
    rows = [
        (f"`{entry.name}`", entry.description, str(len(entry.markers)), _joint_list(entry.determines), entry.source)
        for entry in MARKER_SETS.values()
    ]
    return _table(("marker set", "what it is", "markers", "joints it determines, left and right", "source"), rows)


def ways_to_joints() -> str:
    """Give the table of how each marker set determines each joint: ways in the order of use, labels without a side."""
    stems = list(dict.fromkeys(joint.split("_", 1)[1] for joint in JOINTS))
    rows = []
    for entry in MARKER_SETS.values():
        ways = how_determined(entry)
        cells = (tuple(map(_without_side, ways.get(f"left_{stem}", ()))) for stem in stems)
        rows.append((f"`{entry.name}`", *(", then ".join(cell) for cell in cells)))
    return _table(("marker set", *stems), rows)


def _without_side(way: str) -> str:
    """Write a way of the left side as that of both: ``midpoint:LKNM+LKNE`` -> ``midpoint:KNM+KNE``."""
    text, _, when = way.partition(" (")
    return f"`{re.sub(r'(?<=[:+])L_?(?=[A-Z])', '', text)}`" + (f" ({when}" if when else "")


def verbs() -> str:
    """Give a section per verb with its arguments and options, and one of the options of the program itself."""
    parts = []
    for command in app.registered_commands:
        assert command.callback is not None
        parts.append(f"## `viodat {command.name}`\n\n{inspect.getdoc(command.callback)}\n\n{options(command.callback)}")
    assert app.registered_callback is not None
    assert app.registered_callback.callback is not None
    parts.append(f"## Before the verb\n\n{options(app.registered_callback.callback)}")
    return "\n".join(parts)


def options(function: Callable[..., object]) -> str:
    """Give the table of the arguments and options that a verb's function declares."""
    rows = []
    hints = typing.get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind, info = typing.get_args(hints[name])
        choices = [part for part in typing.get_args(kind) or (kind,) if part is not type(None)]
        repeatable = typing.get_origin(choices[0]) is list
        plain = typing.get_args(choices[0])[0] if repeatable else choices[0]
        # Within Annotated typer takes the first flag for the default.
        flags = [flag for flag in (info.default, *(info.param_decls or ())) if isinstance(flag, str)]
        shown = ", ".join(f"`{flag}`" for flag in flags) or f"`{name.upper()}`"
        default = parameter.default
        said = (
            "required"
            if default is inspect.Parameter.empty
            else ""
            if default is None or default is False
            else f"`{default}`"
        )
        rows.append((shown, _value_name(plain) + (", repeatable" if repeatable else ""), said, info.help))
    return _table(("argument or option", "value", "default", "meaning"), rows)


def _value_name(kind: Any) -> str:
    return ", ".join(kind) if issubclass(kind, StrEnum) else _TYPE_NAMES[kind]


def angles() -> str:
    """Give the table of the joint angles."""
    return _table(("angle", "what turns, and its sign"), ((f"`{name}`", text) for name, text in MEANINGS.items()))


def angle_points() -> str:
    """Give the table of the points that hold joint angles in a C3D file; left and right in one row."""
    rows = []
    for label, names in ANGLE_POINTS.items():
        if label.startswith("R"):
            continue
        sided = names[0].startswith("left_")
        shown = f"`{label}`, `R{label[1:]}`" if sided else f"`{label}`"
        cells = [f"`{name.removeprefix('left_')}`" for name in names] + [""] * (3 - len(names))
        rows.append((shown, *cells))
    return _table(("point", "x", "y", "z"), rows)


def faults() -> str:
    """Give the table of the simulated lab's mistakes."""
    return _table(("fault", "what happens"), ((f"`{name}`", text) for name, text in DESCRIPTIONS.items()))


def tissues() -> str:
    """Give the table of soft tissue under the simulated markers."""
    rows = (
        (name, f"{t.above_mm:g}", f"{t.below_mm:g}", f"{t.follows[0]:.0%} to {t.follows[1]:.0%}", f"{t.natural_hz:g}")
        for name, t in TISSUES.items()
    )
    header = ("tissue", "joint above bent by 90°, mm", "joint below, mm", "follows axial rotation", "wobbles at, Hz")
    return _table(header, rows)


def palpation() -> str:
    """Give the table of errors of placing a marker."""
    return _table(
        ("placed by", "standard deviation along the skin, mm"), ((k, f"{v:g}") for k, v in PALPATION_MM.items())
    )


def tissue_spreads() -> str:
    """Give the table of what the fit expects of markers."""
    rows = (
        (f"`{k}`", f"{t.spread_mm:g}", f"{t.near_mm_per_rad:g}", f"{t.far_mm_per_rad:g}", f"{t.twist_mm_per_rad:g}")
        for k, t in EXPECTED_TISSUES.items()
    )
    header = ("marker on", "spread, mm", "slide by near joint, mm/rad", "by far joint, mm/rad", "by own twist, mm/rad")
    return _table(header, rows)


def evidence_spreads() -> str:
    """Give the table of how surely sources place joint centres."""
    joints = ("pelvis", "knee", "ankle", "shoulder", "elbow", "wrist", "index", "pinky", "thumb")
    rows = (
        (f"`{source}`", *(f"{spreads[joint]:g}" if joint in spreads else "" for joint in joints))
        for source, spreads in SPREADS_MM.items()
    )
    return _table(("source", *(joint.replace("pelvis", "hip") for joint in joints)), rows)


PAGES: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "reference/dataset.md": {**{name: lambda name=name: columns(name) for name in _STREAMS}, "angles": angles},
    "reference/checks.md": {"checks": checks},
    "reference/cli.md": {"verbs": verbs},
    "science/joint_centres.md": {"marker-sets": marker_sets, "ways-to-joints": ways_to_joints},
    "science/skeleton_fit.md": {"tissue-spreads": tissue_spreads, "evidence-spreads": evidence_spreads},
    "science/quality_gates.md": {"gates": gates, "recording-gates": recording_gates},
    "science/twin.md": {"tissues": tissues, "palpation": palpation},
    "how-to/simulate-a-capture.md": {"faults": faults},
    "how-to/export-to-opensim.md": {"angle-points": angle_points},
}
"""Page -> name of each part of it that is generated -> what makes it."""


def rendered(page: str) -> str:
    """Give the text of a page with every generated part as the code is now."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, make in PAGES[page].items():
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end generated -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{page}: expected one part '<!-- generated: {name} -->' ... '<!-- end generated -->'")
        made = make()
        text = pattern.sub(lambda found, made=made: f"{found[1]}\n{made}\n{found[2]}", text)
    return text


def draw_images() -> None:
    """Draw docs/images anew from one simulated take: a take sheet, what four phones saw, and what one heard."""
    from viodat.build import BuildOptions, build_dataset
    from viodat.synth import TwinOptions, write_twin

    with tempfile.TemporaryDirectory() as folder:
        raw, out = Path(folder) / "raw", Path(folder) / "out"
        write_twin(raw, TwinOptions(participants=2, trials=1, seconds=10.0, device_start_s=0.5, rom_seconds=0.0))
        build_dataset(raw, out, options=BuildOptions(trials=("P05T01",)))
        sheet, sound = Path(folder) / "sheet.png", Path(folder) / "sound.png"
        _draw_contact_sheet(raw / "P05", sheet)
        _draw_spectrogram(raw / "P05" / "P05C01T01.mp4", sound)
        _keep(out / "reports" / "trials" / "P05T01.png", 0.6, "take_sheet_demo.png")
        _keep(sheet, 1.0, "twin_contact_sheet.png")
        _keep(sound, 1.0, "twin_spectrogram.png")


def _keep(drawing: Path, share: float, name: str) -> None:
    """Put a drawing among the images at a share of its size, in 256 colours."""
    from PIL import Image

    from viodat.files import atomic_path

    with Image.open(drawing) as image:
        size = round(image.width * share), round(image.height * share)
        smaller = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(256)
    with atomic_path(DOCS / "images" / name) as temporary:
        smaller.save(temporary, "PNG", optimize=True)


def _draw_contact_sheet(folder: Path, path: Path) -> None:
    """Lay out six instants of the four videos of a trial."""
    from itertools import pairwise

    import av

    from viodat.synth.picture.sheet import contact_sheet

    instants_s = [3.9, 4.6, 5.3, 6.4, 7.5, 8.6]
    rows = {}
    for video in sorted(folder.glob("*.mp4")):
        with av.open(str(video)) as container:
            # Cut to the middle, where the player stands.
            frames = [
                (frame.time or 0.0, frame.to_ndarray(format="rgb24")[60:, 360:960])
                for frame in container.decode(video=0)
            ]
        rows[video.stem[3:6]] = [
            next(image for (start, image), (end, _) in pairwise(frames) if start <= s < end) for s in instants_s
        ]
    contact_sheet(list(rows.values()), path, list(rows), [f"{s:g} s" for s in instants_s], width_px=230)


def _draw_spectrogram(recording: Path, path: Path) -> None:
    """Draw the sound of a recording from 0 to 8 kHz."""
    import librosa
    import matplotlib.pyplot as plt
    import numpy as np

    from viodat.capture import read_audio

    track = read_audio(recording)
    power = np.abs(librosa.stft(track.samples[:, 0], n_fft=2048, hop_length=256)) ** 2
    figure, axes = plt.subplots(figsize=(9.6, 3.2), layout="constrained")
    extent = (0, len(track.samples) / track.rate_hz, 0, track.rate_hz / 2000)
    drawn = axes.imshow(
        librosa.power_to_db(power, ref=np.max, top_db=80), origin="lower", aspect="auto", extent=extent, cmap="magma"
    )
    axes.set(xlabel="time of the phone, s", ylabel="frequency, kHz", ylim=(0, 8))
    figure.colorbar(drawn, label="level, dB")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_fixed_size_list(kind):
        return f"{_type_name(kind.value_type)}[{kind.list_size}]"
    if pa.types.is_list(kind):
        return f"list of {_type_name(kind.value_type)}"
    if pa.types.is_map(kind):
        return f"map of {_type_name(kind.key_type)} to {_type_name(kind.item_type)}"
    return {"double": "float64", "float": "float32"}.get(str(kind), str(kind))


def _joint_list(joints: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(joint.split("_", 1)[1] for joint in joints))


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def main() -> None:
    """Write every generated part into its page."""
    for page in PAGES:
        text = rendered(page)
        if text != (DOCS / page).read_text(encoding="utf-8"):
            (DOCS / page).write_text(text, encoding="utf-8")
            print(f"wrote docs/{page}")
    if "--images" in sys.argv[1:]:
        draw_images()
        print("drew docs/images")


if __name__ == "__main__":
    main()
