"""What runs say together: seeds and folds put together, intervals, courses for the figures."""

import math

import numpy as np
import pytest

from tests.unit.bench.poses import recording
from viodat.bench import find_model, load_protocol
from viodat.bench.joint_sets import VIODAT18
from viodat.bench.recipe import load_recipe
from viodat.bench.registry import build_network
from viodat.bench.rows import without_nan
from viodat.bench.scores import Scores, score
from viodat.bench.series import over_time, strongest_vibrato_mm, vibrato, wrist_path
from viodat.bench.statistics import clustered_interval, interval_within
from viodat.bench.suite import list_suites, load_suite
from viodat.errors import ConfigError


def test_scores_are_read_as_they_were_written():
    found = score([recording("P05C01T01"), recording("P08C01T02")], load_protocol(), metrics=["mpjpe", "dtw"])
    again = Scores.from_json(found.to_json(), found.protocol)
    assert again == found
    assert again.participant_means == found.participant_means


def test_what_is_drawn_together_widens_an_interval():
    """Four cameras of one take are one take: as four they would halve the width."""
    rng = np.random.default_rng(0)
    takes = rng.normal(50, 10, size=12)
    values = {f"T{t:02d}C{c}": takes[t] + rng.normal(0, 0.1) for t in range(12) for c in range(4)}
    together = clustered_interval(values, {name: name[:3] for name in values}, np.random.default_rng(1))
    alone = clustered_interval(values, {name: name for name in values}, np.random.default_rng(1))
    assert together[0] < takes.mean() < together[1]
    assert (together[1] - together[0]) / (alone[1] - alone[0]) == pytest.approx(2, rel=0.1)
    one = clustered_interval(values, dict.fromkeys(values, "P05"), np.random.default_rng(1))
    assert math.isnan(one[0])
    assert math.isnan(one[1])


def test_the_interval_of_prolific_people_weighs_them_as_the_mean_does():
    values = {"a1": 10.0, **{f"b{k}": 20.0 for k in range(99)}}
    low, high = clustered_interval(values, {name: name[0] for name in values}, np.random.default_rng(0))
    assert (low, high) == (10.0, 20.0)


def test_the_interval_over_these_people_counts_each_the_same_and_draws_whole_takes():
    rng = np.random.default_rng(0)
    values = {f"a{take}{camera}": 10.0 + 2.0 * (take % 2) for take in range(4) for camera in range(5)}
    values |= {f"b{take:02}{camera}": 30.0 for take in range(40) for camera in range(5)}
    trials, people = {name: name[:-1] for name in values}, {name: name[0] for name in values}
    low, high = interval_within(values, trials, people, rng)
    # Takes of a: 10, 12, 10, 12. Four drawn are all 10 in 6 % of the draws; b's mean never moves.
    assert (low, high) == (20.0, 21.0)
    values["b391"] = math.nan
    assert interval_within(values, trials, people, rng) == (20.0, 21.0)
    assert np.isnan(interval_within(values, trials | dict.fromkeys(trials, "one"), people, rng)).all()
    assert np.isnan(interval_within({}, {}, {}, rng)).all()


def test_missing_numbers_are_none():
    told = without_nan({"a": [math.nan, (1.0, math.inf)], "b": np.float64("nan"), "c": "text", "d": 3})
    assert told == {"a": [None, [1.0, None]], "b": None, "c": "text", "d": 3}


def test_the_error_over_time_is_told_frame_by_frame():
    one = recording("P05C01T01", frames=75)
    one.pred[:] = one.target
    one.pred[30:60] += [0, 0, 40.0]
    one.pred[30:60, [2, 8]] -= [0, 0, 40.0]
    one.valid[40, 4] = False
    one.valid[70] = False
    found = over_time({"model": one}, load_protocol())
    assert found["time_s"][30] == pytest.approx(1.0)
    errors = np.array(found["rows"]["model"])
    assert errors[[29, 30, 40, 59, 60]] == pytest.approx([0, 40 * 16 / 18, 40 * 15 / 17, 40 * 16 / 18, 0], abs=0.01)
    assert np.isnan(errors[70])


def test_the_wrists_path_is_from_the_root():
    one = recording("P05C01T01", error_mm=0, frames=600)
    found = wrist_path({"model": one})
    assert len(found["time_s"]) == len(found["truth"]) == 600
    assert found["time_s"][180] == pytest.approx(6.0)
    root = one.target[180, [2, 8]].mean(axis=0)
    np.testing.assert_allclose(found["truth"][180], one.target[180, 11] - root, atol=0.006)
    np.testing.assert_allclose(found["rows"]["model"], found["truth"])


def test_vibrato_is_found_where_it_is_and_its_size_is_measured():
    rate = 30.0
    time = np.arange(600) / rate
    one = recording("P05C01T01", error_mm=0, frames=600)
    one.target[:] = one.target[:1]
    inside = (time >= 9) & (time < 13)
    one.target[inside, 12] += np.sin(2 * np.pi * 6 * time[inside])[:, None] * np.array([6.0, 8.0, 0.0])
    one.pred[:] = one.target
    one.pred[inside, 12] -= 0.5 * np.sin(2 * np.pi * 6 * time[inside])[:, None] * np.array([6.0, 8.0, 0.0])
    assert strongest_vibrato_mm(one.target, rate) == pytest.approx(10 / math.sqrt(2), rel=0.02)
    one.target[-30:, 12] = math.nan
    found = vibrato({"half": one})
    assert max(np.abs(found["truth"][300:360])) == pytest.approx(10, rel=0.1)
    assert found["rows_rms_mm"]["half"] == pytest.approx(found["truth_rms_mm"] / 2, rel=0.01)
    assert np.isnan(found["truth"][-30:]).all()
    assert math.isnan(strongest_vibrato_mm(one.target[:20], rate))
    assert math.isnan(strongest_vibrato_mm(one.target, 15.0))


def test_every_suite_that_came_with_viodat_can_be_read():
    for name in list_suites():
        suite = load_suite(name)
        assert suite.title
        assert suite.model[0].model == "mean-pose"
    assert load_suite("table2").model[-1].published["mpjpe"] == 43.60


@pytest.mark.parametrize("recipe", ["paper", "quick"])
def test_every_ablation_is_another_network(recipe):
    """Of the same data, but for what it hears and how long its windows are."""
    rows = [row for row in load_suite("viopose_ablations").model if row.model == "viopose"]
    made = set()
    for row in rows:
        spec = find_model(row.model)
        whole = load_recipe(spec.recipes, recipe)
        *_, stage = whole.varied(row.options).stage
        network = build_network(spec, VIODAT18, stage.model)
        assert network.frames == stage.data.frames
        assert stage.data.batch == whole.stage[0].data.batch
        mixing = (network.integration, network.differentiation)
        made.add((network.audio, network.frames, network.hierarchy, mixing, str(network)))
    # One of Table 6 is the network of the recipe.
    assert len(made) == len(rows) - 1


def test_a_suite_with_a_mistake_is_told_with_its_place(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "mine"\nprotokol = "viopose"\n[[model]]\nmodel = "ridge"\n')
    with pytest.raises(ConfigError, match=r"mine.toml: protokol: Extra inputs are not permitted"):
        load_suite(path)
    path.write_text("title = ")
    with pytest.raises(ConfigError, match="is no TOML"):
        load_suite(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_suite(tmp_path / "nowhere.toml")
