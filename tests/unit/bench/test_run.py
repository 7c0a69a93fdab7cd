"""Runs: what is made, found again, refused; and the verb that makes them."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from viodat.baselines import tcn

import viodat
from tests.unit.dataset.small import write_dataset
from viodat.bench import find_model, list_models, load_protocol, score
from viodat.bench.division import divided
from viodat.bench.floors import RIDGE
from viodat.bench.predictions import NAME, read_predictions, write_predictions
from viodat.bench.run import Unfinished, chosen_recipe, open_store, read_run, run_model, store_of, time_to_train
from viodat.bench.training import How
from viodat.cli.app import app
from viodat.errors import ConfigError, DatasetError

SPLITS = ("train", "train", "validation", "test")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("small"), seconds=6.0, video_frames=150, splits=SPLITS)


@pytest.fixture(autouse=True)
def small_recipes(tmp_path_factory, monkeypatch):
    """Train the temporal CNN for a moment only: what is tested here is what becomes of a training."""
    text = Path(tcn.SPEC.recipes).read_text()
    for old, new in [
        ("epochs = 15", "epochs = 4"), ("least_steps = 500", ""), ("frames = 27", "frames = 9"),
        ("offset = 13", "offset = 4"), ("channels = 128", "channels = 16"),
    ]:  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("recipes") / "recipe.toml"
    path.write_text(text)
    monkeypatch.setattr(tcn, "SPEC", replace(tcn.SPEC, recipes=path))


def made(name, store, runs, recipe="quick", **how):
    return run_model(name, store, divided(store), runs, recipe=recipe, how=How(**how))


def test_the_floors_are_models_of_their_own_names():
    assert set(list_models()) >= {"mean-pose", "ridge", "tcn"}
    for name in ("mean-pose", "ridge", "tcn"):
        assert find_model(name).title
    assert find_model("viodat.bench.floors:RIDGE") is find_model("ridge")
    with pytest.raises(ConfigError, match="there is no model 'mixtse'; there are"):
        find_model("mixtse")
    with pytest.raises(ConfigError, match="cannot be imported"):
        find_model("nowhere.at_all:MODEL")
    with pytest.raises(ConfigError, match="is a tuple; a viodat.bench.ModelSpec was expected"):
        find_model("viodat.joints:JOINTS")


@pytest.mark.parametrize("model", ["mean-pose", "ridge", "tcn"])
def test_a_run_is_made_once_and_scored_from_what_was_written(small, tmp_path, model):
    store = open_store(small, tmp_path)
    first, again = (made(model, store, tmp_path) for _ in range(2))
    assert (first.fresh, again.fresh) == (True, False)
    assert first.folder == again.folder == read_run(first.folder).folder
    scores = [score(run.poses(store), load_protocol(), metrics=["mpjpe", "p_mpjpe"]).overall for run in (first, again)]
    assert scores[0] == scores[1]
    assert {one.recording for one in first.poses(store)} == {one.recording for one in store.of_split("test")}
    assert store_of(first).folder == store.folder


def test_a_run_tells_what_it_was_made_from_and_with(small, tmp_path):
    told = made("tcn", open_store(small, tmp_path), tmp_path).told
    assert told["identity"]["recipe"]["name"] == "quick"
    assert told["identity"]["dataset_sha256"] == open_store(small, tmp_path).dataset_sha256
    assert len(told["identity"]["code_sha256"]) == 64
    assert told["environment"]["torch"]
    assert told["peak_memory_mb"]["process"] > 50
    assert told["parameters"] > 1000
    curve = told["curves"]["train"]
    assert len(curve["loss"]) == len(curve["validation_mm"]) == 4
    assert 0 < told["trained_s"] <= told["wall_s"]


def test_another_note_is_no_other_run_and_other_kernels_are(small, tmp_path):
    store = open_store(small, tmp_path)
    first = made("tcn", store, tmp_path)
    text = tcn.SPEC.recipes.read_text()
    tcn.SPEC.recipes.write_text(text.replace('note = "27 frames', 'note = "9 frames'))
    assert made("tcn", store, tmp_path).folder == first.folder
    assert run_model("tcn", store, divided(store), tmp_path, options={"frames": 9}).folder == first.folder
    assert made("tcn", store, tmp_path, deterministic=True).folder != first.folder


def test_a_network_that_a_partial_builds_is_known_by_its_own_code(small, tmp_path, monkeypatch):
    store = open_store(small, tmp_path)
    first = made("tcn", store, tmp_path)
    monkeypatch.setattr(tcn, "SPEC", replace(tcn.SPEC, build=partial(partial(tcn.SPEC.build))))
    assert made("tcn", store, tmp_path).told["identity"]["code_sha256"] == first.told["identity"]["code_sha256"]


def test_another_seed_recipe_or_dataset_is_another_run(small, tmp_path):
    store = open_store(small, tmp_path)
    folders = {made("mean-pose", store, tmp_path, seed=seed).folder for seed in (0, 1)}
    other = write_dataset(tmp_path / "other", seconds=7.0, video_frames=180, splits=SPLITS)
    folders.add(made("mean-pose", open_store(other, tmp_path), tmp_path).folder)
    assert len(folders) == 3


def test_time_that_is_up_leaves_a_training_to_go_on_with(small, tmp_path):
    store = open_store(small, tmp_path)
    whole = made("tcn", store, tmp_path / "whole")
    calls = 0
    while isinstance(found := made("tcn", store, tmp_path / "parts", max_seconds=0.01), Unfinished):
        calls += 1
        assert found.stage == "train"
        assert found.expected_s >= found.seconds > 0
    assert calls > 0
    (one,), (other,) = found.poses(store), whole.poses(store)
    assert (one.pred == other.pred).all()


def test_time_that_is_up_is_told_with_the_stages_to_come(small, tmp_path, monkeypatch):
    text = Path(tcn.SPEC.recipes).read_text()
    quick = text[text.index("[[quick.stage]]") :]
    assert quick.count('name = "train"') == 1
    path = tmp_path / "recipe.toml"
    path.write_text(text + "\n" + quick.replace('name = "train"', 'name = "again"\ninit_from = "train"'))
    monkeypatch.setattr(tcn, "SPEC", replace(tcn.SPEC, recipes=path))
    runs = tmp_path / "runs"
    found = called("--data", small, "--runs", runs, "--model", "tcn", "--recipe", "quick", "--max-minutes", 1e-6)
    said = " ".join(found.stderr.split())
    assert re.search(r"is up after \S+ \S+: stage train, \d of 4 epochs done, which takes about", said)
    assert "at this pace, and then stage again; the same command goes on" in said


def test_the_time_of_a_training_is_measured_and_nothing_is_left_of_it(small, tmp_path, monkeypatch):
    monkeypatch.setattr("viodat.bench.run._MEASURED_S", 0.2)
    store = open_store(small, tmp_path)
    spec = find_model("tcn")
    assert time_to_train(spec, chosen_recipe(spec, "quick", {}), store, divided(store), How()) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["grids"]


def test_predictions_that_were_damaged_are_told(small, tmp_path):
    store = open_store(small, tmp_path)
    run = made("mean-pose", store, tmp_path)
    (run.folder / NAME).write_bytes(b"PAR1 no parquet")
    with pytest.raises(DatasetError, match=r"predictions.parquet: is not what the run wrote. Remove the folder"):
        run.poses(store)


@pytest.mark.parametrize("content", [None, "", "{}", '{"format": 99}'])
def test_what_is_no_run_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(ConfigError, match=r"is no finished run|is a run of format 99, this viodat reads 3"):
        read_run(tmp_path)


def test_options_go_before_those_of_the_recipe(small, tmp_path):
    store = open_store(small, tmp_path)
    division = divided(store)
    plain = run_model("tcn", store, division, tmp_path, how=How())
    wide = run_model("tcn", store, division, tmp_path, options={"channels": 24}, how=How())
    assert wide.told["parameters"] > plain.told["parameters"]
    assert wide.told["note"].endswith("channels = 24")
    with pytest.raises(ConfigError, match="refuses its arguments: .*'canals'"):
        run_model("tcn", store, division, tmp_path, options={"canals": 24}, how=How())
    with pytest.raises(ConfigError, match="is no network: it has no option 'channels'"):
        run_model("ridge", store, division, tmp_path, options={"channels": 24}, how=How())


def test_a_dataset_without_test_trials_is_told(tmp_path):
    alone = write_dataset(tmp_path / "alone", seconds=6.0, splits=("train",))
    with pytest.raises(DatasetError, match="no recording of split 'test' has clock"):
        made("mean-pose", open_store(alone, tmp_path), tmp_path)


def test_without_sound_only_models_that_listen_fail(tmp_path):
    folder = write_dataset(tmp_path / "small", seconds=6.0, video_frames=150, splits=SPLITS)
    told = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**told, "feature_rates_hz": [30]}))
    store = open_store(folder, tmp_path)
    assert made("ridge", store, tmp_path).fresh
    with pytest.raises(DatasetError, match="audio features at 100 Hz were not built; there are 30 Hz"):
        made("viopose", store, tmp_path)


def test_predictions_are_read_without_viodat(small, tmp_path):
    pd = pytest.importorskip("pandas")
    run = made("mean-pose", open_store(small, tmp_path), tmp_path)
    table = pd.read_parquet(run.folder / NAME)
    assert set(table.columns) == {"recording", "frame", "pose3d_mm"}
    assert len(table.pose3d_mm[0]) == 54


def called(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def test_the_verb_prints_a_table_with_its_protocol_and_what_it_means(small, tmp_path):
    found = called("--data", small, "--runs", tmp_path, "--suite", "floors")
    assert found.exit_code == 0
    assert "VioPose: prediction and target are centred on their own root" in found.stdout
    assert "no two-sided test can show" in found.stdout
    assert {path.name for path in (tmp_path / "results" / "floors").iterdir()} == {
        "index.html", "results.md", "results.json",
    }  # fmt: skip
    told = json.loads(
        called("--data", small, "--runs", tmp_path, "--recipe", "quick", "--protocol", "all", "--json").stdout
    )
    assert set(told["protocols"]) == {"viopose", "mixste", "motionbert", "videopose3d"}
    assert [row["model"] for row in told["rows"]] == ["mean-pose", "ridge", "tcn"]
    assert all(row["floor"] for row in told["rows"])
    network = told["rows"][2]
    assert network["overall"]["mpjpe"] > 0
    assert network["recordings"]["P04C01T04"]["mpjpe"] == pytest.approx(network["overall"]["mpjpe"])
    assert len(network["curves"][0]["loss"]) == 4
    assert told["protocol"]["recentred"] == "both"
    assert told["figures"]["wrist"]["joint"] == "right_wrist"
    assert viodat.open_dataset(small).verify().ok


def test_a_model_stands_beside_the_floors_and_one_that_fails_costs_no_other(small, tmp_path, monkeypatch):
    def refused(store, division):
        raise DatasetError("cannot be solved")

    monkeypatch.setattr("viodat.bench.floors.RIDGE", replace(RIDGE, fitted=refused))
    found = called("--data", small, "--runs", tmp_path, "--model", "viodat.bench.floors:MEAN_POSE", "--json")
    assert found.exit_code == 1
    told = json.loads(found.stdout)
    assert {row["model"] for row in told["rows"]} == {"mean-pose", "tcn", "viodat.bench.floors:MEAN_POSE"}
    assert [row["label"] for row in told["rows"]] == ["mean pose", "temporal CNN (quick)", "mean pose 2"]
    assert "ridge: cannot be solved" in found.stderr
    assert "Not in the table, for it failed: ridge (cannot be solved)." in told["notes"]


def test_on_a_cpu_nobody_waits_for_a_paper_recipe_unasked(small, tmp_path, monkeypatch):
    monkeypatch.setattr("viodat.bench.run._MEASURED_S", 0.2)
    found = called("--data", small, "--runs", tmp_path, "--model", "tcn", "--device", "cpu")
    assert found.exit_code == 2
    assert re.search(
        r"the paper recipe of tcn would take about [\d.]+ (s|min|h|days) on this CPU. Give --recipe quick",
        " ".join(found.stderr.split()),
    )


def test_runs_are_compared_by_their_folders(small, tmp_path):
    assert called("--data", small, "--runs", tmp_path, "--suite", "floors").exit_code == 0
    folders = [str(path.parent) for path in sorted(tmp_path.glob("*/run.json"))]
    found = CliRunner().invoke(app, ["compare", *folders, "--report", str(tmp_path / "page")])
    assert found.exit_code == 0
    assert "temporal CNN (quick)" in " ".join(found.stdout.split())
    assert (tmp_path / "page" / "index.html").is_file()
    twice = CliRunner().invoke(app, ["compare", folders[0], folders[0]])
    assert twice.exit_code == 2
    assert "both tested P04C01T04. Compare runs of one split" in " ".join(twice.stderr.split())
    nothing = CliRunner().invoke(app, ["compare", str(tmp_path)])
    assert nothing.exit_code == 2
    assert "is no finished run of viodat bench" in nothing.stderr


def test_what_was_done_otherwise_than_the_head_says_is_told(small, tmp_path):
    store = open_store(small, tmp_path)
    runs = [made("tcn", store, tmp_path).folder]
    runs.append(run_model("mean-pose", store, divided(store, "window"), tmp_path).folder)
    plain = tmp_path / "plain.toml"
    plain.write_text('title = "plain"\nsource = "us"\nflipped = false\n')
    found = CliRunner().invoke(app, ["compare", *map(str, runs), "--protocol", str(plain), "--json"])
    told = json.loads(found.stdout)
    said = " ".join(told["notes"])
    assert "The rows were trained and tested in several ways: folds by dataset, validation by trial; folds by" in said
    assert "Predictions are averaged with those of the mirror image in: temporal CNN (quick)" in said
    alone = CliRunner().invoke(app, ["compare", str(runs[1]), "--json"])
    told = json.loads(alone.stdout)
    assert told["validation"] == "window"
    assert told["dataset"]["train"]["trials"] == 3
    assert "Predictions are not averaged with those of the mirror image in: mean pose." in told["notes"]


def test_a_filtered_row_stands_beside_a_models_own(small, tmp_path):
    suite = tmp_path / "mine.toml"
    suite.write_text('title = "mine"\n[[model]]\nmodel = "ridge"\npublished = { mpjpe = 40.0 }\nkalman = true\n')
    told = json.loads(called("--data", small, "--runs", tmp_path, "--suite", suite, "--json").stdout)
    own, filtered = told["rows"]
    assert filtered["label"] == own["label"] + ", Kalman filter"
    assert (own["published"], filtered["published"]) == ({}, {"mpjpe": 40.0})
    assert own["runs"] == filtered["runs"]
    assert 0 < filtered["overall"]["mpjpe"] != own["overall"]["mpjpe"]


def test_velocities_and_accelerations_are_kept_where_a_model_has_them(small, tmp_path):
    store = open_store(small, tmp_path)
    (one,) = made("mean-pose", store, tmp_path).poses(store)
    assert one.velocity is None
    moving = [replace(one, velocity=one.pred + 1, acceleration=one.pred + 2)]
    write_predictions(tmp_path / NAME, moving)
    (again,) = read_predictions(tmp_path / NAME, store)
    np.testing.assert_allclose(again.velocity - again.pred, 1, atol=1e-4)
    np.testing.assert_allclose(again.acceleration - again.pred, 2, atol=1e-4)


def test_all_models_are_listed_with_their_recipes():
    found = CliRunner().invoke(app, ["models", "--json"])
    listed = {row["model"]: row for row in json.loads(found.stdout)}
    assert listed["tcn"]["recipes"] == ["paper", "quick"]
    assert listed["ridge"]["recipes"] == []
    assert "temporal CNN" in CliRunner().invoke(app, ["models"]).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "mixtse"], "there is no model 'mixtse'"),
        (["--protocol", "viopse"], "there is no protocol 'viopse'"),
        (["--recipe", "slow", "--model", "tcn"], "has no recipe 'slow'; it has paper, quick"),
        (["--device", "tpu"], "is not one of 'auto'"),
        (["--suite", "table9"], "there is no suite 'table9'; there are floors, table2"),
        (["--suite", "floors", "--model", "tcn"], "--model and --suite: expected one of them"),
        (["--folds", "participant"], "without P04 there is nothing to train on"),
        (["--validation", "participant"], "only P04 is there to train on"),
        (["--max-minutes", "-1"], "expected minutes above 0"),
        (["--seed", "-1"], "expected 0 or more"),
    ],
)
def test_mistakes_end_in_one_line(small, tmp_path, arguments, said):
    found = called("--data", small, "--runs", tmp_path, *arguments)
    assert found.exit_code == 2
    assert said in " ".join(found.stderr.split())


def test_a_mistake_in_the_last_row_of_a_suite_is_told_before_the_first_is_trained(small, tmp_path):
    suite = tmp_path / "mine.toml"
    for row, said in [
        ("options = { canals = 8 }", "'canals'"),
        ("options = { dropout = 5 }", "dropout probability has to be between 0 and 1"),
        ("options = { channels = -1 }", "Temporal"),
        ("options = { frames = 10 }", "expected a power of 3"),
        ('sound = "silent"', "does not listen"),
    ]:
        suite.write_text(
            f'title = "mine"\nrecipe = "quick"\n[[model]]\nmodel = "ridge"\n[[model]]\nmodel = "tcn"\n{row}\n'
        )
        found = called("--data", small, "--runs", tmp_path / "runs", "--suite", suite)
        assert found.exit_code == 2, row
        assert said.lower() in " ".join(found.stderr.split()).lower(), row
        assert [path.name for path in (tmp_path / "runs").iterdir()] == ["grids"]
    suite.write_text('title = "mine"\nseeds = [0, -1]\n[[model]]\nmodel = "ridge"\n')
    found = called("--data", small, "--runs", tmp_path / "runs", "--suite", suite)
    assert "seeds.1: Input should be greater than or equal to 0" in " ".join(found.stderr.split())


def test_what_pytorch_raises_costs_one_row(small, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise RuntimeError("not enough memory: you tried to allocate 9 EB")

    monkeypatch.setattr(tcn.TemporalConvolutions, "forward", full)
    found = called("--data", small, "--runs", tmp_path, "--model", "tcn", "--recipe", "quick")
    assert found.exit_code == 1
    assert "tcn: not enough memory" in " ".join(found.stderr.split())
    assert "ridge" in found.stdout


def test_a_dataset_that_is_not_there_is_told(tmp_path):
    found = called("--data", tmp_path / "nowhere")
    assert found.exit_code == 2
    assert "does not exist. Build one" in " ".join(found.stderr.split())
