"""Tables as spreadsheets save them: encoding and separator found out, cells as text, rows with lines."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from viodat.errors import ConfigError

_MOST_BYTES = 10_000_000
_SEPARATORS = (",", ";", "\t")


def read_rows(path: Path) -> list[tuple[int, tuple[str, ...]]]:
    """Read a table written with ``,``, ``;`` or tabs.

    The separator is the one of the three that is most frequent in the first row.

    Returns
    -------
    list of (int, tuple of str)
        The line on which a row ends, counted from 1, and its cells; rows without any text are left out.

    Raises
    ------
    ConfigError
        If the file cannot be read, is larger than 10 MB, is not UTF-8 or UTF-16, or has a quote without end.
    """
    text = _text(path)
    first_row = next((line for line in text.split("\n") if line.strip()), "")
    separator = max(_SEPARATORS, key=first_row.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, tuple(cells)))
    except csv.Error as error:
        raise ConfigError(
            f"line {reader.line_num}: not a table: {error}",
            where=path,
            mend="Look for a \" without its counterpart, or save the file again as 'CSV UTF-8'.",
        ) from error
    return rows


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=path) from error
    if len(content) > _MOST_BYTES:
        raise ConfigError("is larger than 10 MB, which no table of participants is", where=path)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"line {line}: byte 0x{content[error.start]:02X} is not UTF-8",
            where=path,
            mend="Save the table as 'CSV UTF-8'.",
        ) from error
    if "\0" in text:
        raise ConfigError("holds zero bytes: it is no text", where=path, mend="Save the table as 'CSV UTF-8'.")
    return text
