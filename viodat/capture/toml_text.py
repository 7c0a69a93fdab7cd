"""TOML text with the lines its keys stand on: what ``tomllib`` reads, and where a key was written.

``tomllib`` gives no positions, so :func:`line_of` looks for the key in the text. It follows table headers and
keys at the start of a line; what stands within an inline table or a list is found at the line of its key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from viodat.errors import ConfigError

_MOST_BYTES = 1_000_000
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Read a TOML file.

    Returns
    -------
    tuple
        Its content and its text.

    Raises
    ------
    ConfigError
        If the file cannot be read, is larger than 1 MB, is not UTF-8 or not TOML; the message has line and
        column.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=path) from error
    if len(content) > _MOST_BYTES:
        raise ConfigError("is larger than 1 MB, which no capture.toml is", where=path)
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"line {line}: byte 0x{content[error.start]:02X} is not UTF-8",
            where=path,
            mend="Save the file as UTF-8.",
        ) from error
    try:
        return tomllib.loads(text), text
    except RecursionError as error:
        raise ConfigError("is nested too deeply", where=path) from error
    except ValueError as error:
        raise ConfigError(_syntax_problem(str(error), text), where=path) from error


def _syntax_problem(message: str, text: str) -> str:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|(end of document))\)", message, re.DOTALL)
    if not found:
        return f"is not valid TOML: {message}"
    what, line, column, _ = found.groups()
    if line is None:
        return f"line {text.rstrip().count(chr(10)) + 1}: not valid TOML: {what} at the end of the file"
    advice = ""
    if "Cannot" not in what and re.search(r"=\s*[A-Za-z]", text.split("\n")[int(line) - 1]):
        advice = "; text needs quotes"
    return f"line {line}, column {column}: not valid TOML: {what}{advice}"


def line_of(text: str, keys: Sequence[str | int]) -> int | None:
    """Find the line, counted from 1, of a key in TOML text, or of the nearest table around it.

    Parameters
    ----------
    text
        The TOML text.
    keys
        From the outermost table to the key; a number is the place in a list of tables or values.
    """
    best_depth, best_line = 0, None
    table: tuple[str | int, ...] = ()
    array_counts: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.fullmatch(line):
            table = _parts(header[2])
            if header[1] == "[[":
                count = array_counts[table] = array_counts.get(table, -1) + 1
                table = (*table, count)
            place = table
        elif key := _KEY.match(line):
            place = (*table, *_parts(key[1]))
        else:
            continue
        depth = _common(place, keys)
        if depth == len(place) and depth > best_depth:
            best_depth, best_line = depth, number
    return best_line


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") if part[0] in "\"'" else part for part in _PART.findall(dotted))


def _common(place: Sequence[str | int], keys: Sequence[str | int]) -> int:
    depth = 0
    for mine, wanted in zip(place, keys, strict=False):
        if mine != wanted:
            break
        depth += 1
    return depth
