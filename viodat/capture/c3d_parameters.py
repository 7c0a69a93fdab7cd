"""The parameter section of a C3D file as its bytes stand, without the library that decodes the rest.

ezc3d silently corrects some parameters to what it managed to read (a file cut short reports fewer
frames, no error), so what the file itself declares has to be read apart. This walk is bounded and forgiving: it
gives what stands before the first damaged record and says where that record is. Values are in file order (first
dimension fastest), text is stripped of padding.

Source: The C3D File Format User Guide (Motion Lab Systems), chapters on the parameter section.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Value = list[str] | list[float]
Parameters = Mapping[str, Mapping[str, Value]]
"""Group name -> parameter name -> values. POINT:RATE is ``parameters["POINT"]["RATE"]``; names of the standard
groups are upper case, those of PROCESSING as the recording software spells them."""

_NUMPY_CODES = {1: "u1", 2: "i2", 4: "f4"}


@dataclass(frozen=True)
class RawParameters:
    """Parameters read from the bytes.

    Attributes
    ----------
    values
        See :data:`Parameters`.
    damaged_at
        Offset in the file of the first record that makes no sense, or None.
    """

    values: Parameters
    damaged_at: int | None


class _DamagedRecordError(Exception):
    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class _Record(NamedTuple):
    position: int
    group_id: int
    name: str
    body: bytes


def walk_parameters(section: bytes, *, offset: int, processor: str) -> RawParameters:
    """Read every group and parameter of a parameter section.

    Parameters
    ----------
    section
        The file's bytes from the start of the parameter section.
    offset
        Where that start is in the file; only for ``damaged_at``.
    processor
        ``intel``, ``dec`` or ``mips``: order of bytes and form of floating-point numbers.
    """
    names: dict[int, str] = {}
    by_id: dict[int, dict[str, Value]] = {}
    damaged: int | None = None
    try:
        for record in _records(section, processor):
            if record.group_id < 0:
                names[-record.group_id] = record.name.upper()
            else:
                by_id.setdefault(record.group_id, {})[record.name] = _value(record, processor)
    except _DamagedRecordError as error:
        damaged = offset + error.position
    values: dict[str, dict[str, Value]] = {}
    for number, parameters in by_id.items():
        group = names.get(number)
        if group is not None:
            values.setdefault(group, {}).update(parameters)
    return RawParameters(values, damaged)


def clean_text(raw: bytes) -> str:
    """Text of a C3D file: UTF-8 where it is that, Latin-1 else (the format names no encoding)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\0", " ").strip()


def texts(parameters: Parameters, group: str, name: str) -> list[str]:
    """All values of a text parameter and of its continuations (LABELS, LABELS2, LABELS3 ...)."""
    found: list[str] = []
    values = parameters.get(group, {})
    number = 1
    while (key := name if number == 1 else f"{name}{number}") in values:
        found += [str(value) for value in values[key]]
        number += 1
    return found


def numbers(parameters: Parameters, group: str, name: str) -> list[float]:
    """Values of a numeric parameter; empty where it is absent or text."""
    values = parameters.get(group, {}).get(name, [])
    return [float(value) for value in values if not isinstance(value, str)]


def number(parameters: Parameters, group: str, name: str) -> float | None:
    """First value of a numeric parameter, or None."""
    values = numbers(parameters, group, name)
    return values[0] if values else None


def unsigned(value: float) -> int:
    """Give a 16-bit count that a library read as signed (or kept as a float) as what it is."""
    return int(value) & 0xFFFF if -0x8000 <= value < 0 else int(value)


def frame_field(parameters: Parameters, name: str) -> int | None:
    """TRIAL:ACTUAL_START_FIELD or ACTUAL_END_FIELD, a frame number counted from 1.

    Two unsigned 16-bit words, low and high, which most libraries give as signed.
    """
    words = [word for word in numbers(parameters, "TRIAL", name) if np.isfinite(word)]
    if not words:
        return None
    low = unsigned(words[0])
    return low if len(words) == 1 else low + (unsigned(words[1]) << 16)


def _records(section: bytes, processor: str) -> Iterator[_Record]:
    word = ">H" if processor == "mips" else "<H"
    position = 4
    while position + 2 <= len(section):
        length, group_id = struct.unpack_from("bb", section, position)
        if length == 0 or group_id == 0:
            return
        name_end = position + 2 + abs(length)
        if name_end + 2 > len(section):
            raise _DamagedRecordError(position)
        name = clean_text(section[position + 2 : name_end])
        (step,) = struct.unpack_from(word, section, name_end)
        # A step of zero marks the last record; it owns what is left.
        end = name_end + step if step else len(section)
        if not name_end + 2 <= end <= len(section):
            raise _DamagedRecordError(position)
        yield _Record(position, group_id, name, section[name_end + 2 : end])
        if not step:
            return
        position = end


def _value(record: _Record, processor: str) -> Value:
    body = record.body
    n_dimensions = body[1] if len(body) > 1 else 8
    dimensions = list(body[2 : 2 + n_dimensions])
    if n_dimensions > 7 or len(dimensions) != n_dimensions:
        raise _DamagedRecordError(record.position)
    (kind,) = struct.unpack_from("b", body)
    count = int(np.prod(dimensions, dtype=np.int64)) if dimensions else 1
    start = 2 + n_dimensions
    data = body[start : start + count * abs(kind)]
    if len(data) != count * abs(kind) or (kind != -1 and kind not in _NUMPY_CODES):
        raise _DamagedRecordError(record.position)
    if kind == -1:
        width = dimensions[0] if dimensions else 1
        return [clean_text(data[i : i + width]) for i in range(0, count, width)] if width else []
    if kind == 4 and processor == "dec":
        return [dec_float(data[i : i + 4]) for i in range(0, len(data), 4)]
    order = ">" if processor == "mips" else "<"
    return [float(v) for v in np.frombuffer(data, dtype=order + _NUMPY_CODES[kind])]


def dec_float(raw: bytes) -> float:
    """Give a VAX F_floating number (four bytes as they stand in the file) as a float.

    Its 16-bit words are swapped against IEEE and its exponent is larger by two.
    """
    return float(struct.unpack("<f", raw[2:4] + raw[0:2])[0]) / 4.0
