"""Readers of published takes: whatever is damaged, they read it or say so in their own words."""

from __future__ import annotations

import pytest

from tests.mutate import mutants
from tests.unit.dataset.published_takes import STANDING, write_datapack, write_mosa, write_urmp
from viodat.dataset.importers.mosa_annotations import TABLES, annotations_of
from viodat.dataset.importers.mosa_motion import read_motion
from viodat.dataset.importers.repovizz_files import (
    is_datapack,
    read_alignment,
    read_datapack,
    read_markers,
    read_signal,
)
from viodat.dataset.importers.urmp import read_notes, read_pitch
from viodat.errors import ViodatError

LABELS = tuple(STANDING)[:3]


def _mosa(pattern):
    return lambda folder: next(write_mosa(folder, labels=("LWRA", "LWRB")).rglob(pattern))


def _urmp(pattern):
    return lambda folder: next(write_urmp(folder).rglob(pattern))


def _pack(pattern):
    return lambda folder: next(write_datapack(folder, labels=LABELS).parent.glob(pattern))


def _read_pack(path):
    if is_datapack(path):
        read_markers(read_datapack(path), path, lambda name: path.parent / name)


def _read_table(path):
    what = next(name for name in TABLES if path.name.endswith(f"_{name}"))
    notes = "align_notetime.csv"
    files = {notes: path.name.replace(what, notes), what: path.name}
    annotations_of(files, lambda name: path.parent / name)


CASES = {
    "motion": (_mosa("*_motion.csv"), read_motion),
    "notes of MOSA": (_mosa("*_align_notetime.csv"), _read_table),
    "beats": (_mosa("*_beat.csv"), _read_table),
    "harmony": (_mosa("*_harmony.csv"), _read_table),
    "signal": (_pack("*_X.csv"), read_signal),
    "datapack": (_pack("*.xml"), _read_pack),
    "alignment": (_pack("*.notes"), lambda path: read_alignment(path, "x")),
    "notes of URMP": (_urmp("Notes_*"), lambda path: read_notes(path, "x", None)),
    "pitch": (_urmp("F0s_*"), lambda path: read_pitch(path, "x", None)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_damaged_file_is_read_or_refused(tmp_path, case):
    write, read = CASES[case]
    path = write(tmp_path)
    original = path.read_bytes()
    refused = 0
    for what, content in mutants(original, 210, seed=7):
        path.write_bytes(content)
        try:
            read(path)
        except ViodatError as error:
            assert "\n" not in str(error), what
            refused += 1
    path.write_bytes(original)
    read(path)
    assert refused or case in ("notes of MOSA", "beats", "harmony")
