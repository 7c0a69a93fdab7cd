"""README.md: what it states is counted from the tables and streams, and nobody is named who did not consent."""

import re

import numpy as np
import pyarrow.parquet as pq
import pytest

import viodat
from tests.unit.dataset.fitted import FITTED, write_fitted_dataset
from tests.unit.dataset.small import info
from viodat.dataset import paths, schema
from viodat.dataset.card import write_card
from viodat.dataset.licence import licence_id, licence_url
from viodat.dataset.tables import write_rows

CARD_INFO = {"description": "Etudes.", "licence": "CC-BY-4.0", "citation": "Doe 2025."}


@pytest.fixture
def folder(tmp_path):
    return write_fitted_dataset(tmp_path / "out")


def card_of(folder, *, change=lambda tables: None, **more):
    tables = {
        name: pq.read_table(folder / paths.table(name)).to_pylist(maps_as_pydicts="strict") for name in schema.TABLES
    }
    change(tables)
    for name, kind in schema.TABLES.items():
        write_rows(folder / paths.table(name), kind, tables[name])
    write_card(folder, info(**{**CARD_INFO, **more}), tables["trials"], tables["recordings"], tables["exclusions"])
    return (folder / "README.md").read_text(encoding="utf-8")


def test_it_states_the_spread_of_joints_and_clocks_that_the_dataset_has(folder):
    def sure(tables):
        for row, sigma in zip(tables["recordings"], (2.0, 6.0, None), strict=True):
            row |= {"offset_s": 0.1, "sigma_ms": sigma, "sync_method": "claps+vibrato"}

    card = card_of(folder, change=sure)
    sigma = viodat.open_dataset(folder).motion(FITTED).sigma_mm
    assert f"{np.nanmedian(sigma):.1f} mm in the median" in card
    assert "4 ms in the median and 6 ms at most" in card
    assert "claps+vibrato (2)" in card


def test_what_was_left_out_is_counted_by_reason(folder):
    def leave_out(tables):
        row = {"trial": "P04T09", "recording": None, "stage": "gates", "value": None, "limit": None}
        tables["exclusions"] += [
            {**row, "reason": f"{share} % of the markers are missing"} for share in ("41.5", "60", "72")
        ]

    card = card_of(folder, change=leave_out)
    assert "3 x gates, for example: 41.5 % of the markers are missing (P04T09, P04T09, P04T09)" in card
    assert "1 x gates: too short (P04T03)" in card


def test_what_is_missing_is_counted(folder):
    def lose(tables):
        tables["recordings"][0] |= {"keypoints": None, "calibrated": False}
        tables["recordings"][1] |= {"status": "unsynchronised", "audio_rate_hz": None}

    card = card_of(folder, change=lose)
    for line in (
        "1 of 2 recordings without a calibrated camera: no 2D truth",
        "1 of 2 recordings without detected keypoints",
        "1 of 2 recordings without sound",
        "1 of 2 recordings without a clock: no truth",
    ):
        assert f"- {line}\n" in card


def test_consent_is_counted_and_who_refused_is_not_described(folder):
    def ask(tables):
        tables["participants"][0]["consent"] = "yes"
        tables["exclusions"].append(
            {"trial": "P07T01", "recording": None, "stage": "consent", "reason": "participant P07 did not consent"}
        )

    card = card_of(folder, change=ask)
    assert "1 participant; 1 consented, of 0 no answer is on record." in card
    assert "1 trial of participants who did not consent are not in the dataset." in card


def test_licence_and_citation_stand_in_words_and_for_machines(folder):
    card = card_of(folder)
    assert "**Licence.** CC-BY-4.0" in card
    assert "**Cite.** Doe 2025." in card
    assert "\nlicense: cc-by-4.0\n" in card.split("\n---\n")[0]
    card = card_of(folder, licence="", citation="")
    assert "The lab states no licence." in card
    assert "\nlicense: unknown\n" in card


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("CC BY-NC 4.0", "cc-by-nc-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
        ("ODbL-1.0", "odbl", "https://opendatacommons.org/licenses/odbl/1-0/"),
        ("ask us", "other", "ask us"),
        ("", "unknown", ""),
    ],
)
def test_licences_by_the_names_of_others(text, name, url):
    assert (licence_id(text), licence_url(text)) == (name, url)


def test_the_header_names_what_is_there_and_no_more(folder):
    header = card_of(folder).split("\n---\n")[0]
    configs = re.findall(r"config_name: (\w+)", header)
    # No cameras in this dataset; participants have a map.
    assert configs == ["trials", "recordings", "exclusions", "motion", "video", "audio"]
    assert re.findall(r"split: (\w+)", header.split("config_name: motion")[1].split("- config_name")[0]) == [
        "train",
        "test",
    ]


def test_names_that_yaml_could_misread_are_quoted(folder):
    header = card_of(folder, name='Bach: "Solo" #1\nnew').split("\n---\n")[0]
    assert 'pretty_name: "Bach: \\"Solo\\" #1\\nnew"' in header
