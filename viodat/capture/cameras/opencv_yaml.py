"""The YAML that cv::FileStorage and ROS's camera_calibration write, and no more of YAML than that.

Mappings by indentation, ``!!opencv-matrix`` and other tags (dropped), block sequences, flow sequences and
mappings over several lines, quoted and plain scalars. OpenCV's own parser is not used: it lives in C++,
where a damaged file can cost the process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_KEY = re.compile(r"^([A-Za-z_][\w .-]{0,80}?|\"[^\"]*\"|'[^']*')\s{0,20}:(?:\s+(.*))?$")
_TAG = re.compile(r"^!!?[\w-]*\s*")
_COMMENT = re.compile(r"(^|\s)#.*$")
_TOKEN = re.compile(r"\s*(\"[^\"]*\"|'[^']*'|[\[\]{},]|[^\[\]{},]+)")
_SPECIAL = {".nan": float("nan"), ".inf": float("inf"), "-.inf": float("-inf")}
_MAX_DEPTH = 20


class YamlError(ValueError):
    """The text is not the YAML that is read here; the message has the line number."""


@dataclass
class _Lines:
    rows: list[tuple[int, int, str]]
    at: int = 0

    def peek(self) -> tuple[int, int, str] | None:
        return self.rows[self.at] if self.at < len(self.rows) else None


def parse_yaml(text: str) -> dict[str, Any]:
    """Parse a document whose top level is a mapping.

    Raises
    ------
    YamlError
        If it is not one.
    """
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        content = _COMMENT.sub("", line).rstrip()
        if not content.strip() or content.startswith(("%", "---", "...")):
            continue
        if "\t" in content[: len(content) - len(content.lstrip())]:
            raise YamlError(f"line {number}: a tab in the indentation")
        rows.append((number, len(content) - len(content.lstrip()), content.strip()))
    lines = _Lines(_joined(rows))
    value = _block(lines, 0) if lines.rows else {}
    if lines.peek() is not None or not isinstance(value, dict):
        row = lines.peek() or (1, 0, "")
        raise YamlError(f"line {row[0]}: expected 'key: value', got {row[2][:40]!r}")
    return value


def _joined(rows: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Rows in which a flow sequence that goes over several lines has become one."""
    joined: list[tuple[int, int, str]] = []
    open_brackets = 0
    parts: list[str] = []
    start = (0, 0)
    for number, indent, content in rows:
        if open_brackets == 0:
            start, parts = (number, indent), []
        parts.append(content)
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", content)
        open_brackets += bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")
        if open_brackets < 0:
            raise YamlError(f"line {number}: a bracket is closed that was not opened")
        if open_brackets == 0:
            joined.append((*start, " ".join(parts)))
    if open_brackets:
        raise YamlError(f"line {start[0]}: a bracket is never closed")
    return joined


def _block(lines: _Lines, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise YamlError("nested too deeply")
    first = lines.peek()
    if first is None:
        return None
    return _sequence(lines, first[1], depth) if first[2].startswith("-") else _mapping(lines, first[1], depth)


def _mapping(lines: _Lines, indent: int, depth: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    while (row := lines.peek()) is not None and row[1] == indent:
        match = _KEY.match(row[2])
        if match is None:
            raise YamlError(f"line {row[0]}: expected 'key: value', got {row[2][:40]!r}")
        key = match[1].strip("\"'")
        if key in values:
            raise YamlError(f"line {row[0]}: key {key!r} is there twice")
        lines.at += 1
        values[key] = _value(_TAG.sub("", match[2] or ""), lines, indent, row[0], depth)
    if (row := lines.peek()) is not None and row[1] > indent:
        raise YamlError(f"line {row[0]}: unexpected indentation")
    return values


def _sequence(lines: _Lines, indent: int, depth: int) -> list[Any]:
    items: list[Any] = []
    while (row := lines.peek()) is not None and row[1] == indent and row[2].startswith("-"):
        rest = row[2][1:].strip()
        body = _TAG.sub("", rest)
        lines.at += 1
        if body and _KEY.match(body):
            # "- key: value" opens a mapping whose further keys stand below the first.
            lines.at -= 1
            lines.rows[lines.at] = (row[0], indent + len(row[2]) - len(rest), body)
            items.append(_block(lines, depth + 1))
        else:
            items.append(_value(body, lines, indent, row[0], depth))
    return items


def _value(text: str, lines: _Lines, indent: int, number: int, depth: int) -> Any:
    if text:
        return _flow(text, number)
    below = lines.peek()
    nested = below is not None and (below[1] > indent or (below[1] == indent and below[2].startswith("- ")))
    return _block(lines, depth + 1) if nested else None


def _flow(text: str, number: int) -> Any:
    if text[0] not in "[{":
        return _scalar(text)
    tokens = [token.strip() for token in _TOKEN.findall(text)]
    value, rest = _flow_value(tokens, 0, number, 0)
    if rest != len(tokens):
        raise YamlError(f"line {number}: text after a closing bracket")
    return value


def _flow_value(tokens: list[str], at: int, number: int, depth: int) -> tuple[Any, int]:
    if depth > _MAX_DEPTH or at >= len(tokens):
        raise YamlError(f"line {number}: nested too deeply" if depth > _MAX_DEPTH else f"line {number}: ends early")
    token = tokens[at]
    if token not in "[{":
        return _scalar(token), at + 1
    if token == "{":
        raise YamlError(f"line {number}: flow mappings are not read")
    items = []
    at += 1
    while at < len(tokens) and tokens[at] != "]":
        if tokens[at] != ",":
            item, at = _flow_value(tokens, at, number, depth + 1)
            items.append(item)
        else:
            at += 1
    return items, at + 1


def _scalar(text: str) -> Any:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text.lower() in _SPECIAL:
        return _SPECIAL[text.lower()]
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None if text in ("null", "~") else text
