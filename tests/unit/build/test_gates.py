"""Gates hold a number against a limit, say which, and take other limits from capture.toml."""

import pytest

from viodat.build.gates import (
    CLOCKS,
    GATES,
    RECORDING_GATES,
    STAGE,
    Reading,
    clock_gate,
    gate_clock,
    gate_readings,
    with_limits,
)
from viodat.capture.config import CaptureConfig
from viodat.capture.config_joints import GatesTable
from viodat.errors import ConfigError

NAN = float("nan")
ALL = {**GATES, **RECORDING_GATES}


def test_every_gate_can_be_set_in_capture_toml_and_nothing_else():
    assert list(GatesTable.model_fields) == list(ALL)


@pytest.mark.parametrize("gate", ALL.values(), ids=ALL.keys())
def test_a_gate_explains_itself(gate):
    assert gate.measures
    assert gate.finds
    assert gate.mend[0].isupper()
    assert gate.mend.endswith(".")
    assert gate.unit != "share" or 0 <= gate.limit <= 1


@pytest.mark.parametrize("gate", ALL.values(), ids=ALL.keys())
def test_a_gate_keeps_its_limit_and_rejects_beyond(gate):
    beyond = gate.limit - 0.01 if gate.sense == "at least" else gate.limit + 0.01
    within = gate.limit + 0.01 if gate.sense == "at least" else gate.limit - 0.01
    assert gate.keeps(gate.limit)
    assert gate.keeps(within)
    assert not gate.keeps(beyond)
    # What cannot be measured, as the residual of a fit that was not made, rejects nothing.
    assert gate.keeps(NAN)


def test_the_first_gate_that_fails_is_the_reason_with_its_number():
    readings = [
        Reading(GATES["gap_share"], 0.1),
        Reading(GATES["marker_residual_mm"], 87.25, "the worst marker is RWRA of right_wrist"),
        Reading(GATES["sigma_mm"], 99.0),
    ]
    found = gate_readings("P05T28", readings)
    assert found is not None
    assert (found.trial, found.recording, found.stage) == ("P05T28", None, STAGE)
    assert (found.value, found.limit) == (87.25, 40.0)
    assert found.reason.startswith(
        "marker_residual_mm is 87.2 mm, but must be at most 40 mm; the worst marker is RWRA of right_wrist. "
    )
    assert gate_readings("P05T28", readings[:1]) is None


def test_a_reading_without_detail_says_what_is_likely_wrong():
    reading = Reading(GATES["gap_share"], 0.643)
    assert "gap_share is 64%, but must be at most 50%; likely a body" in reading.reason
    assert reading.reason.endswith(GATES["gap_share"].mend)


def test_limits_of_capture_toml_stand_above_ours():
    config = CaptureConfig.model_validate({"gates": {"sigma_mm": 5, "segment_gap_share": 1.0}})
    gates = with_limits(config.gates)
    assert gates["sigma_mm"].limit == 5
    assert gates["segment_gap_share"].keeps(1.0)
    assert gates["gap_share"] == GATES["gap_share"]
    assert with_limits(GatesTable()) == dict(GATES)


def test_the_limit_of_a_clock_is_half_a_frame_unless_it_is_set():
    assert clock_gate(GatesTable(), None).limit == pytest.approx(16.667, abs=1e-3)
    assert clock_gate(GatesTable(), 1 / 60).limit == pytest.approx(8.333, abs=1e-3)
    assert clock_gate(GatesTable(clock_sigma_ms=40.0), 1 / 60).limit == 40


def test_an_uncertain_clock_is_told_with_its_number():
    gate = clock_gate(GatesTable(), 1 / 30)
    assert gate_clock("P05T28", "P05C01T28", gate, 16.6) is None
    assert gate_clock("P05T28", "P05C01T28", gate, NAN) is None
    found = gate_clock("P05T28", "P05C01T28", gate, 23.14)
    assert found is not None
    assert (found.stage, found.recording, found.value) == (CLOCKS, "P05C01T28", 23.14)
    assert found.limit == pytest.approx(16.667, abs=1e-3)
    assert found.reason.startswith("clock_sigma_ms is 23.1 ms, but must be at most 16.7 ms; likely a take")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gap_share = 2", r"\[gates\] gap_share is 2; a number of at most 1 was expected"),
        ("sigma = 5", r"unknown key 'sigma' in \[gates\]; did you mean 'sigma_mm'"),
        ("residual_mm = 0", r"\[gates\] residual_mm is 0; a number above 0 was expected"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(tmp_path, text, words):
    from viodat.capture.config import load_config

    path = tmp_path / "capture.toml"
    path.write_text(f"[gates]\n{text}\n")
    with pytest.raises(ConfigError, match=words):
        load_config(path)
