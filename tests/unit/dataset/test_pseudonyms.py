"""Names of people become participant ids, however they are written, and nothing else does."""

import pytest

from viodat.dataset.pseudonyms import Pseudonyms

PEOPLE = [("Annabel Quist", "P04"), ("Al", "P05"), ("P06", "P06"), ("José M.", "P09")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Annabel Quist:LASI", "P04:LASI"),
        ("annabel_quist/AnnabelQuistT01.c3d", "P04/P04T01.c3d"),
        ("ANNABEL-QUIST.vsk says 846 mm", "P04.vsk says 846 mm"),
        ("Annabel  Quist and Al", "P04 and P05"),
        ("Calibration, total, Alto", "Calibration, total, Alto"),
        ("Al_T01.c3d", "P05_T01.c3d"),
        ("P06T01", "P06T01"),
        ("JOSÉ m.vsk", "P09.vsk"),
        ("nobody", "nobody"),
    ],
)
def test_names_in_texts(text, expected):
    assert Pseudonyms(PEOPLE).text(text) == expected


def test_plain_values_keep_their_shape():
    value = {"Annabel Quist.c3d": ["Al", 1, None, ("Annabel Quist",)], "x": 2.5}
    assert Pseudonyms(PEOPLE).plain(value) == {"P04.c3d": ["P05", 1, None, ("P04",)], "x": 2.5}


def test_a_name_that_several_have_is_nobodys():
    people = Pseudonyms([("Template", "P04"), ("Template", "P05")])
    assert people.text("Template:LASI") == "subject:LASI"


def test_a_longer_name_goes_first():
    people = Pseudonyms([("Annabel", "P04"), ("Annabel Quist", "P05")])
    assert people.text("Annabel Quist, Annabel") == "P05, P04"


@pytest.mark.parametrize("names", [[], [("", "P04")], [("12", "P04")], [("...", "P04")]])
def test_what_is_no_name_replaces_nothing(names):
    assert Pseudonyms(names).text("P04 T12 ...") == "P04 T12 ..."
