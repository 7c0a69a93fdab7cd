"""Seeded damage to files: what a bad disk, a broken upload or a careless edit does to a recording."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


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
