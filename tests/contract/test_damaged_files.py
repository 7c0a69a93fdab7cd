"""Damaged files of every kind that viodat reads: a consistent value or an error in plain words, and nothing else.

They are read in a process of their own, so that a crash of a native library is seen as one. More of them:
``python -m tests.damage --count 1500``.
"""

from __future__ import annotations

import pytest

from tests.damage import Tally, measure
from tests.formats import FORMATS

COUNT = 60


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    return measure(list(FORMATS), COUNT, seed=20)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_file_is_read_or_refused(tallies, kind):
    tally = tallies[kind]
    assert tally.bad == []
    assert tally.counts.total() == COUNT
    assert tally.counts["refused"] >= COUNT // 10


def test_there_are_enough_of_them(tallies):
    assert sum(tally.counts.total() for tally in tallies.values()) >= 2000
