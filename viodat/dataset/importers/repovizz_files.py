"""The files of a RepoVizz datapack: its XML, one CSV per axis of a marker, and note alignments.

The XML (version 1) is a tree of ``Generic`` nodes with a ``Category``. A ``MoCapMarker`` holds three ``Signal`` nodes
of category X, Y and Z; ``Audio`` nodes are sounds, ``Annotation`` nodes note alignments, ``Description`` nodes texts.
Each names its ``Filename`` beside the XML. A CSV's first line is ``repovizz,framerate=F`` and more pairs, the rest all
samples, divided by commas. Attributes are written in several ways (``Name``, ``name``): their case does not count.

Nothing of a foreign XML is expanded or fetched, and no name in it leads out of the datapack's folder. Sources: the
RepoVizz export of the MoCap Toolbox (mcrepovizz), and the datapacks of the EEP data set as its readers describe them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
from defusedxml.common import DefusedXmlException
from numpy.typing import NDArray

from viodat.capture.markers import MarkerTrial
from viodat.dataset.importers.foreign_text import shown
from viodat.dataset.importers.sources import file_bytes, file_text
from viodat.dataset.importers.trial_writer import Annotation
from viodat.errors import CaptureError, counted

_XML_BYTES: Final = 1 << 26
_HEAD_BYTES: Final = 1 << 16
_ROOT: Final = re.compile(rb"<ROOT[\s/>]", re.IGNORECASE)
_CSV_BYTES: Final = 1 << 28
_AXES: Final = ("x", "y", "z")
_RATES_HZ: Final = (1.0, 10_000.0)
_SAME_RATE: Final = 1e-3
_AGAIN: Final = "Copy or download the file again."
_PITCH: Final = re.compile(r"([A-G])([#b]*)(-?\d{1,2})")
_STEPS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass
class Datapack:
    """What a datapack's XML lists; files are paths beside it.

    Attributes
    ----------
    markers
        Label -> files of x, y and z.
    sounds
        (file, name) in the order of the XML.
    alignments
        Files of notes with their times.
    texts
        (category, text) of its descriptions.
    notes
        What was left out.
    """

    markers: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    sounds: list[tuple[str, str]] = field(default_factory=list)
    alignments: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_datapack(path: Path) -> bool:
    """Say whether an XML file, damaged or not, begins as a RepoVizz datapack does."""
    return _ROOT.search(file_bytes(path, _XML_BYTES)[:_HEAD_BYTES]) is not None


def read_datapack(path: Path) -> Datapack:
    """List what a datapack holds.

    Raises
    ------
    CaptureError
        If its XML is damaged, has a document type, or is larger than 64 MiB, or a file's name leads out of its folder.
    """
    root = _xml_root(path)
    pack = Datapack()
    signals = 0
    for element, group in _walk(root):
        category = _get(element, "category").upper()
        if element.tag == "Audio":
            pack.sounds.append((_file(element, path), _get(element, "name")))
        elif element.tag == "Annotation" and _get(element, "filename").lower().endswith(".notes"):
            pack.alignments.append(_file(element, path))
        elif element.tag == "Description":
            pack.texts.append((category, _get(element, "text")))
        elif category == "MOCAPMARKER":
            _add_marker(element, group, pack, path)
        elif element.tag == "Signal" and category not in ("X", "Y", "Z"):
            signals += 1
    if signals:
        pack.notes.append(f"{counted(signals, 'signal')} beside the markers not read (descriptors, sensors)")
    return pack


def read_markers(pack: Datapack, path: Path, use: Callable[[str], Path]) -> MarkerTrial | None:
    """Read the markers of a datapack, in the unit of its files; None if there are none.

    Parameters
    ----------
    pack, path
        The datapack, and its XML.
    use
        Gives a file beside the XML.

    Returns
    -------
    MarkerTrial or None
        A marker whose axes cannot be read, or are of another length or rate than each other or than most markers,
        costs itself, and a note says why.
    """
    read: dict[str, tuple[NDArray[np.float64], float]] = {}
    notes = []
    for label, files in pack.markers.items():
        try:
            read[label] = _marker([use(file) for file in files])
        except CaptureError as error:
            notes.append(f"marker {label} left out: {error}")
    if not read:
        pack.notes += notes
        return None
    shapes = Counter((len(values), rate) for values, rate in read.values())
    (frames, rate_hz), _ = max(shapes.items(), key=lambda item: (item[1], item[0]))
    for label, (values, rate) in list(read.items()):
        if (len(values), rate) != (frames, rate_hz):
            notes.append(
                f"marker {label} left out: it has {len(values):,} frames at {rate:g} Hz, most have {frames:,} at "
                f"{rate_hz:g} Hz"
            )
            del read[label]
    positions = np.stack([values for values, _ in read.values()], axis=1)
    gap = ~np.isfinite(positions).all(-1) | (positions == 0).all(-1)
    return MarkerTrial(
        labels=tuple(read),
        positions_mm=np.where(gap[..., None], np.nan, positions),
        rate_hz=rate_hz,
        first_frame=1,
        residuals=np.where(gap, np.nan, 0.0),
        units="",
        source=path,
        notes=tuple(notes),
    )


def read_signal(path: Path) -> tuple[NDArray[np.float64], float]:
    """Read one CSV: (N,) samples, NaN where a cell is empty, and the rate in Hz.

    Raises
    ------
    CaptureError
        If its first line is not RepoVizz's, states no rate, or a cell is no number.
    """
    head, _, body = file_text(path, _CSV_BYTES).partition("\n")
    first, *pairs = (cell.strip() for cell in head.split(","))
    if first.lower() != "repovizz":
        raise CaptureError(
            f"begins with {shown(first, 20)!r}; expected repovizz,framerate=...", where=path, mend=_AGAIN
        )
    facts = {key.strip().lower(): value for key, _, value in (pair.partition("=") for pair in pairs)}
    rate_hz = _number(facts.get("framerate", ""))
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise CaptureError(
            f"states framerate={shown(facts.get('framerate', ''), 20)}; expected {_RATES_HZ[0]:g} to {_RATES_HZ[1]:g} "
            "Hz",
            where=path,
            mend=_AGAIN,
        )
    lines = [line.strip().removesuffix(",") for line in body.splitlines()]
    cells = [cell for line in lines if line for cell in line.split(",")]
    values = np.array([_number(cell) if cell.strip() else np.nan for cell in cells])
    unread = [cell for cell, value in zip(cells, values, strict=True) if np.isnan(value) and not _is_nan(cell)]
    if unread:
        raise CaptureError(f"has a sample {shown(unread[0], 20)!r}, which is no number", where=path, mend=_AGAIN)
    if not len(values):
        raise CaptureError("has no sample", where=path, mend=_AGAIN)
    return values, rate_hz


def read_alignment(path: Path, source: str) -> list[Annotation]:
    """Read a note alignment: lines of onset, offset (s) and pitch, chords with commas; rests are left out.

    Raises
    ------
    CaptureError
        If a line is none of these.
    """
    found = []
    for number, line in enumerate(file_text(path, _XML_BYTES).splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        start_s, end_s = (_number(cell) for cell in cells[:2]) if len(cells) == 3 else (np.nan, np.nan)
        if not 0 <= start_s <= end_s < np.inf:
            raise CaptureError(f"line {number:,} is not onset, offset and pitch: {shown(line, 40)!r}", where=path)
        for pitch in () if cells[2].lower() == "rest" else cells[2].split(","):
            midi = _midi(pitch)
            if midi is None:
                raise CaptureError(f"line {number:,} has the pitch {shown(pitch, 20)!r}", where=path)
            found.append(Annotation("note", start_s, end_s, midi, pitch, source))
    return found


def _xml_root(path: Path) -> Element:
    try:
        root: Any = defusedxml.ElementTree.fromstring(file_bytes(path, _XML_BYTES), forbid_dtd=True)
    except ParseError as error:
        raise CaptureError(f"is not valid XML ({error})", where=path, mend=_AGAIN) from error
    except (DefusedXmlException, LookupError, ValueError, RecursionError) as error:
        raise CaptureError(f"is XML that is not read ({type(error).__name__})", where=path, mend=_AGAIN) from error
    if not isinstance(root, Element):
        raise CaptureError("holds no XML element", where=path, mend=_AGAIN)
    return root


def _walk(root: Element) -> Iterator[tuple[Element, str]]:
    """Every element with the name of the MoCapGroup that it stands in."""
    left = [(root, "")]
    while left:
        element, group = left.pop()
        if _get(element, "category").upper() == "MOCAPGROUP":
            group = _get(element, "name")
        yield element, group
        left += [(child, group) for child in reversed(element)]


def _get(element: Element, key: str) -> str:
    return next((value.strip() for name, value in element.attrib.items() if name.lower() == key), "")


def _file(element: Element, path: Path) -> str:
    """Name of an element's file beside the XML; CaptureError if it leads elsewhere."""
    name = _get(element, "filename").replace("\\", "/")
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/") or ":" in parts[0] or "\0" in name:
        raise CaptureError(
            f"names the file {shown(name)!r}, which does not lie in the datapack's folder", where=path, mend=_AGAIN
        )
    return name


def _add_marker(element: Element, group: str, pack: Datapack, path: Path) -> None:
    files = {_get(child, "category").lower(): _file(child, path) for child in element if child.tag == "Signal"}
    label = _get(element, "name")
    if group and label.endswith(f".{group}"):
        label = label[: -len(group) - 1]
    missing = [axis for axis in _AXES if axis not in files]
    if not label or label in pack.markers:
        pack.notes.append(f"a marker {shown(label)!r} left out: it has no name, or one that was there already")
    elif missing:
        pack.notes.append(f"marker {shown(label)} left out: it has no signal {', '.join(missing)}")
    else:
        pack.markers[label] = (files["x"], files["y"], files["z"])


def _marker(files: list[Path]) -> tuple[NDArray[np.float64], float]:
    """(F, 3) of the files of three axes, and the rate."""
    signals = [read_signal(file) for file in files]
    lengths = [len(values) for values, _ in signals]
    rates = [rate for _, rate in signals]
    if len(set(lengths)) > 1 or max(rates) - min(rates) > _SAME_RATE * min(rates):
        raise CaptureError(
            f"x, y and z have {', '.join(f'{length:,}' for length in lengths)} samples at "
            f"{', '.join(f'{rate:g}' for rate in rates)} Hz"
        )
    return np.stack([values for values, _ in signals], axis=-1), rates[0]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _is_nan(cell: str) -> bool:
    return not cell.strip() or cell.strip().lower() in ("nan", "-nan")


def _midi(pitch: str) -> float | None:
    """MIDI number of C#4 and the like, C4 being 60; None if it is no pitch."""
    match = _PITCH.fullmatch(pitch.strip())
    if match is None:
        return None
    step, signs, octave = match.groups()
    return float(12 * (int(octave) + 1) + _STEPS[step] + signs.count("#") - signs.count("b"))
