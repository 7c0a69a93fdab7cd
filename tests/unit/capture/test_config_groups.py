"""capture.toml [sessions] and [pieces]."""

import pytest

from viodat.capture.config import load_config
from viodat.capture.config_groups import group_of
from viodat.errors import ConfigError

TRIALS = ["P04T01", "P04T28", "P05T01", "P05T28"]


def load(tmp_path, text):
    path = tmp_path / "capture.toml"
    path.write_text(text)
    return load_config(path)


def test_trials_are_named_by_ids_and_patterns(tmp_path):
    config = load(tmp_path, '[sessions]\nmonday = ["P04T*"]\n[pieces]\n"Kreutzer 2" = ["*T28", "P05T01"]\n')
    assert group_of(config.sessions, TRIALS, "sessions") == {"P04T01": "monday", "P04T28": "monday"}
    assert group_of(config.pieces, TRIALS, "pieces") == dict.fromkeys(["P04T28", "P05T28", "P05T01"], "Kreutzer 2")


def test_nothing_is_named_where_nothing_is_said(tmp_path):
    assert group_of(load(tmp_path, "").pieces, TRIALS, "pieces") == {}


def test_the_same_trial_may_be_named_twice_in_one_group():
    assert group_of({"a": ["P04*", "*T01"]}, TRIALS, "pieces")["P04T01"] == "a"


def test_a_trial_in_two_groups_is_refused():
    with pytest.raises(ConfigError, match=r"capture.toml: \[pieces\] puts P04T01 into 'a' and 'b'"):
        group_of({"a": ["P04*"], "b": ["*T01"]}, TRIALS, "pieces")


def test_a_pattern_of_no_trial_is_refused():
    with pytest.raises(ConfigError, match=r"\[sessions\] 'a': 'P09T01' is no trial; there are P04T01, P04T28"):
        group_of({"a": ["P09T01"]}, TRIALS, "sessions")


@pytest.mark.parametrize("text", ['a = ["../x"]', 'a = ["P*0*1*"]', '"" = ["P04T01"]', 'a = "P04T01"', "a = 3"])
def test_what_is_no_group_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match=r"line \d: \[pieces\]"):
        load(tmp_path, f"[pieces]\n{text}\n")
