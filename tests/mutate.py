"""Seeded damage to files: what a bad disk, a broken upload or a careless edit does to a recording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

_CARELESS: Final = (
    "0", "-1", "nan", "1e308", "-1e-308", "1e999", "", "[]", "true", '"x"', "9" * 400, "9" * 5000, "2.5", "[[[1]]]",
    "null",
)  # fmt: skip

_LAUGHS: Final = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))
_ANCHORS: Final = b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(12))
HOSTILE: Final = (
    b"x" * 400_000,
    b"," * 300_000,
    b"1" * 300_000,
    b"\n" * 500_000,
    b"[" * 200_000,
    b'{"a":' * 100_000,
    b"<a>" * 100_000,
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">' + _LAUGHS + b"]><a>&l9;</a>",
    b"%YAML:1.0\na: &a [x,x,x,x,x,x,x,x,x]\n" + _ANCHORS,
    b"a" + b".a" * 5000 + b" = 1\n",
    b"\xff\xfe" + b"\x00\xd8" * 1000,
    bytes(1 << 20),
)
"""Files that are long, deep, or grow when they are read, in the one or the other format."""


def mutants(content: bytes, count: int, seed: int, head_bytes: int = 4096) -> Iterator[tuple[str, bytes]]:
    """Yield ``count`` damaged copies of ``content`` with a word on what was done to each.

    Parameters
    ----------
    content
        The intact file.
    count
        How many copies.
    seed
        Same seed, same damage.
    head_bytes
        Half of the byte changes fall within the first ``head_bytes``, where formats keep their structure.
    """
    rng = np.random.default_rng(seed)
    for number in range(count):
        kind = ("flip", "flip_head", "truncate", "zero_block", "drop_block", "repeat_block", "set_head")[number % 7]
        data = bytearray(content)
        size = len(data)
        if kind in ("flip", "flip_head", "set_head"):
            end = size if kind == "flip" else min(size, head_bytes)
            for at in rng.integers(0, end, size=int(rng.integers(1, 9))):
                data[at] = rng.integers(0, 256) if kind != "set_head" else rng.choice([0, 1, 127, 128, 255])
        elif kind == "truncate":
            del data[int(rng.integers(0, size)) :]
        else:
            start = int(rng.integers(0, size))
            stop = min(size, start + int(rng.integers(1, max(2, size // 4))))
            if kind == "zero_block":
                data[start:stop] = bytes(stop - start)
            elif kind == "drop_block":
                del data[start:stop]
            else:
                data[stop:stop] = data[start:stop]
        yield f"{kind} #{number}", bytes(data)


def careless_edits(content: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield ``count`` copies of a text in which one number, or now and then one word, became something else."""
    rng = np.random.default_rng(seed)
    text = content.decode()
    numbers = list(re.finditer(r"-?\d+(\.\d+)?(e[-+]?\d+)?", text))
    words = list(re.finditer(r"[A-Za-z_]\w+", text))
    for number in range(count):
        tokens = words if number % 5 == 0 else numbers
        token = tokens[rng.integers(len(tokens))]
        new = _CARELESS[rng.integers(len(_CARELESS))]
        yield f"{token[0]!r} -> {new[:12]!r}", (text[: token.start()] + new + text[token.end() :]).encode()
