from __future__ import annotations

import pytest

from tests.mutate import mutants
from viodat.capture.vsk import read_vsk
from viodat.errors import CaptureError

VSK = """<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<KinematicModel MODEL="PlugInGait" VERSION="2.5">
  <Parameters>
    <StaticParameter NAME="Bodymass" PRIOR="65" QUANTITY="mass" VALUE="72"/>
    <StaticParameter NAME="LeftLegLength" PRIOR="800" QUANTITY="length" VALUE="1000.5"/>
    <StaticParameter EXPRESSION="( 0.1288 * LeftLegLength ) - 48.56" NAME="LeftAsisTrocanterDistance"/>
    <StaticParameter NAME="RightLegLength" PRIOR="800" QUANTITY="length" VALUE="0"/>
    <StaticParameter NAME="LeftThighRotation" QUANTITY="angle" VALUE="0"/>
    <Parameter NAME="C7x" PRIOR="-150" VALUE="-160.8"/>
  </Parameters>
</KinematicModel>
"""


def test_values_under_our_names(tmp_path):
    path = tmp_path / "P05.vsk"
    path.write_text(VSK)
    subject = read_vsk(path)
    assert subject.name == "P05"
    assert subject.measurements == {"mass_kg": 72.0, "leg_length_left_mm": 1000.5, "thigh_rotation_left_rad": 0.0}


def test_lines_of_name_and_value(tmp_path):
    path = tmp_path / "P05.csv"
    path.write_text(
        "\ufeffBodymass,72.0\nLeftLegLength,1000.0\nLeftAsisTrocanterDistance,0.0\nName,x\n", encoding="utf-8"
    )
    assert read_vsk(path).measurements == {"mass_kg": 72.0, "leg_length_left_mm": 1000.0}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (VSK[:300], "not valid XML"),
        ("<KinematicModel/>", "no subject measurement"),
        ("", "no subject measurement"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "not valid XML"),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', "not valid XML"),
    ],
)
def test_what_cannot_be_read(tmp_path, content, problem):
    path = tmp_path / "P05.vsk"
    path.write_text(content)
    with pytest.raises(CaptureError, match=rf"P05\.vsk: .*{problem}"):
        read_vsk(path)


def test_missing_file(tmp_path):
    with pytest.raises(CaptureError, match="cannot be read"):
        read_vsk(tmp_path / "P05.vsk")


def test_damaged_files_are_read_or_refused(tmp_path):
    path = tmp_path / "P05.vsk"
    read, texts = 0, []
    for _, content in mutants(VSK.encode(), 150, seed=4):
        path.write_bytes(content)
        try:
            read += all(isinstance(value, float) for value in read_vsk(path).measurements.values())
        except CaptureError as error:
            texts.append(str(error))
    assert not [text for text in texts if "\n" in text]
    assert read > 10


def test_a_long_line_is_no_measurement(tmp_path):
    path = tmp_path / "P05.csv"
    path.write_text("Bodymass,72.0\n" + "x" * 200_000)
    assert read_vsk(path).measurements == {"mass_kg": 72.0}
