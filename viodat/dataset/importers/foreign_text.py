"""Foreign text as it may be printed and stored."""

from __future__ import annotations


def plain(text: str) -> str:
    """Give a text as UTF-8 can hold it: names of files may have bytes that are no letters."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shown(text: str, most: int = 80) -> str:
    """Give a foreign text as it may be printed: one line, printable ASCII, not too long."""
    clean = text.encode("ascii", "backslashreplace").decode().replace("\n", " ")
    clean = "".join(letter if letter.isprintable() else "?" for letter in clean)
    return clean if len(clean) <= most else clean[: most - 3] + "..."
