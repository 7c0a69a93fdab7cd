"""participants.csv as spreadsheets write it, and what must not pass unseen: other units, other columns, doubles."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mutate import mutants
from viodat.capture.measurements import MEASUREMENTS
from viodat.capture.participants import (
    Participant,
    make_participant,
    overlay,
    parse_value,
    read_participants,
)
from viodat.capture.units import unit_fault
from viodat.errors import ConfigError

TABLE = """\
participant,sex,age_group,level,handedness,height_mm,mass_kg,consent,leg_length_left_mm,thigh_rotation_left_rad
P04,female,adult,advanced,right,1712.5,61,yes,880,0
P05,m,adult,"novice, 2nd year",L,,,no,,-0.12
"""


def read(tmp_path: Path, content: str | bytes) -> dict[str, Participant]:
    path = tmp_path / "participants.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_participants(path)


def problem(tmp_path: Path, content: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, content)
    return str(caught.value)


EXPECTED = {
    "P04": Participant(
        "P04", "female", "adult", "advanced", "right", 1712.5, 61.0, True,
        {"height_mm": 1712.5, "mass_kg": 61.0, "leg_length_left_mm": 880.0, "thigh_rotation_left_rad": 0.0},
    ),
    "P05": Participant(
        "P05", "male", "adult", "novice, 2nd year", "left", None, None, False, {"thigh_rotation_left_rad": -0.12}
    ),
}  # fmt: skip


def test_blank_is_unknown_and_all_else_arrives(tmp_path):
    assert read(tmp_path, TABLE) == EXPECTED


SEMICOLONS = TABLE.replace('"novice, 2nd year"', "novice~ 2nd year").replace(",", ";").replace("~", ",")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.encode("utf-16"),
        SEMICOLONS.replace("1712.5", "1712,5").replace("-0.12", "-0,12").encode(),
        SEMICOLONS.replace(";", "\t").encode("utf-16"),
        TABLE.replace("1712.5", '"1712,5"').encode(),
        TABLE.replace("participant", " Participant ").encode(),
        TABLE.replace("P05", "\n,,,,,,,,,\nP05").encode(),
        TABLE.rstrip("\n").encode(),
    ],
    ids=["bom", "crlf", "cr", "utf16", "semicolon", "tabs", "quoted comma", "spaces", "blank rows", "no end"],
)
def test_every_spreadsheet_says_the_same(tmp_path, content):
    assert read(tmp_path, content) == EXPECTED


HEAD = "participant,height_mm,mass_kg,leg_length_left_mm,thigh_rotation_left_rad,sex\n"
MISTAKES = {
    HEAD + "P04,1.72,,,,": "line 2: P04: height_mm is 1.72, which looks like metres; write 1720",
    HEAD + "P04,172,,,,": "height_mm is 172, which looks like centimetres; write 1720",
    HEAD + "P04,,61000,,,": "mass_kg is 61000, which looks like grams; write 61",
    HEAD + "P04,,,88,,": "leg_length_left_mm is 88, which looks like centimetres; write 880",
    HEAD + "P04,,,0,,": "300 to 1300 mm was expected; leave it out where it is unknown",
    HEAD + "P04,,,-880,,": "leg_length_left_mm is -880, 300 to 1300 mm was expected",
    HEAD + "P04,,,,20,": "thigh_rotation_left_rad is 20, which looks like degrees; write 0.349066",
    HEAD + "P04,1720 mm,,,,": "height_mm is '1720 mm', a number without unit was expected",
    HEAD + "P04,unknown,,,,": "leave the cell blank where it is unknown",
    HEAD + "P04,nan,,,,": "height_mm is 'nan', a number",
    HEAD + 'P04,"1,720",,,,': "height_mm is '1,720', which is read in two ways",
    HEAD + "P04,1720,5,61,,,": "line 2: 7 cells, but the first row names 6 columns; a decimal comma",
    HEAD + "P04,1720": "line 2: 2 cells, but the first row names 6 columns; leave unknown cells blank",
    HEAD + "P04,,,,,woman": "sex is 'woman', one of female, male, other was expected",
    HEAD + ",1720,,,,": "line 2: no participant in this row",
    HEAD + "P04,,,,,\nP05,,,,,\nP04,,,,,": "line 4: participant P04 stands in line 2 too",
    "participant,heigth_mm\n": "line 1: unknown column 'heigth_mm'; did you mean 'height_mm'?",
    "participant,sex,Sex\n": "column 'sex' stands twice",
    "participant,,sex\n": "column 2 has no name",
    "id,sex\nP04,f\n": "no column 'participant' in the first row, which holds id, sex",
    "": "no column 'participant' in the first row, which holds nothing",
    HEAD + 'P04,"1720': "not a table: unexpected end of data",
    (HEAD + "P04,,,,,é").encode("latin-1"): "line 2: byte 0xE9 is not UTF-8. Save the table as 'CSV UTF-8'.",
    b"PK\x03\x04\0\0": "holds zero bytes",
}


@pytest.mark.parametrize(("content", "expected"), MISTAKES.items(), ids=lambda value: repr(value)[-30:])
def test_a_mistake_is_one_clear_line(tmp_path, content, expected):
    message = problem(tmp_path, content)
    assert message.startswith("participants.csv: ")
    assert expected in message
    assert "\n" not in message


def test_all_mistakes_are_told_together(tmp_path):
    message = problem(tmp_path, HEAD + "P04,1.72,,,,\nP05,,,,,x\n")
    assert message.split("\n")[0] == "participants.csv: 2 mistakes"
    assert "line 2: P04: height_mm" in message
    assert "line 3: P05: sex" in message


def test_no_value_of_the_table_of_measurements_is_mistaken_for_another_unit():
    for name, spec in MEASUREMENTS.items():
        assert unit_fault(name, spec.low) is None
        assert unit_fault(name, spec.high) is None
        assert unit_fault(name, spec.high * 3 + 1) is not None


@given(st.floats(1200, 2200), st.sampled_from([",", "."]))
def test_height_is_read_in_mm_and_refused_in_metres(height, mark):
    millimetres, metres = f"{height:.1f}".replace(".", mark), f"{height / 1000:.4f}".replace(".", mark)
    assert parse_value("height_mm", millimetres) == (pytest.approx(height, abs=0.051), None)
    value, fault = parse_value("height_mm", metres)
    assert value is None
    assert "looks like metres" in str(fault)


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**400, True, [1], None, {"a": 1}])
def test_what_is_no_number_is_refused(value):
    person, faults = make_participant("P05", {"height_mm": value})
    assert person.height_mm is None
    assert len(faults) == 1


def test_capture_toml_stands_above_the_table_and_differences_are_told():
    below = Participant("P05", sex="male", level="novice", measurements={"knee_width_left_mm": 90.0})
    above = Participant("P05", sex="female", measurements={"knee_width_left_mm": 95.0, "knee_width_right_mm": 94.0})
    merged, conflicts = overlay(below, above)
    assert (merged.sex, merged.level) == ("female", "novice")
    assert merged.measurements == {"knee_width_left_mm": 95.0, "knee_width_right_mm": 94.0}
    assert conflicts == (
        "P05: knee_width_left_mm: capture.toml says 95 mm, participants.csv says 90 mm; 95 mm is used",
        "P05: sex: capture.toml says female, participants.csv says male; female is used",
    )
    assert overlay(below, None) == (below, ())
    assert overlay(None, above) == (above, ())


def test_damage_gives_participants_or_a_clear_error(tmp_path):
    rng = random.Random(7)
    cases = [damaged for _, damaged in mutants(TABLE.encode(), 70, seed=3, head_bytes=120)]
    cases += [damaged for _, damaged in mutants(SEMICOLONS.encode("utf-16"), 70, seed=4, head_bytes=120)]
    for _ in range(60):
        at = rng.randrange(len(TABLE))
        cases.append((TABLE[:at] + rng.choice('x0,;"\n. -') + TABLE[at + rng.randrange(2) :]).encode())
    read_well, refused = 0, []
    for damaged in cases:
        start = time.perf_counter()
        try:
            people = read(tmp_path, damaged)
        except ConfigError as error:
            refused.append(str(error))
        else:
            read_well += 1
            for name, person in people.items():
                assert person.id == name
                assert all(math.isfinite(value) for value in person.measurements.values())
        assert time.perf_counter() - start < 2
    assert read_well >= 10
    assert len(refused) >= 100
    assert all(line.isprintable() for message in refused for line in message.split("\n"))
    assert all(message.startswith("participants.csv: ") for message in refused)
