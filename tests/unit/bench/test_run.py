"""Runs: what is made, found again, refused; and the verb that makes them."""

import json

import pytest
from typer.testing import CliRunner

import viodat
from tests.unit.dataset.small import write_dataset
from viodat.bench import find_model, list_models, load_protocol, score
from viodat.bench.predictions import NAME
from viodat.bench.run import open_store, run_model
from viodat.cli.app import app
from viodat.errors import ConfigError, DatasetError

SPLITS = ("train", "train", "validation", "test")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("small"), seconds=6.0, video_frames=150, splits=SPLITS)


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
    first = run_model(model, store, tmp_path)
    again = run_model(model, store, tmp_path)
    assert (first.fresh, again.fresh) == (True, False)
    assert first.folder == again.folder
    scores = [score(run.poses, load_protocol(), metrics=["mpjpe", "p_mpjpe"]).overall for run in (first, again)]
    assert scores[0] == scores[1]
    assert {one.recording for one in first.poses} == {one.recording for one in store.of_split("test")}


def test_another_seed_or_dataset_is_another_run(small, tmp_path):
    store = open_store(small, tmp_path)
    folders = {run_model("mean-pose", store, tmp_path, seed=seed).folder for seed in (0, 1)}
    other = write_dataset(tmp_path / "other", seconds=7.0, video_frames=180, splits=SPLITS)
    folders.add(run_model("mean-pose", open_store(other, tmp_path), tmp_path).folder)
    assert len(folders) == 3


def test_time_that_is_up_leaves_a_training_to_go_on_with(small, tmp_path):
    store = open_store(small, tmp_path)
    whole = run_model("tcn", store, tmp_path / "whole")
    calls = 0
    while (found := run_model("tcn", store, tmp_path / "parts", max_minutes=0.002)) is None:
        calls += 1
    assert calls > 0
    (one,), (other,) = found.poses, whole.poses
    assert (one.pred == other.pred).all()


def test_predictions_that_were_damaged_are_told(small, tmp_path):
    store = open_store(small, tmp_path)
    run = run_model("mean-pose", store, tmp_path)
    (run.folder / NAME).write_bytes(b"PAR1 no parquet")
    with pytest.raises(DatasetError, match=r"predictions.parquet: cannot be read .* Remove it and run again"):
        run_model("mean-pose", store, tmp_path)


def test_a_dataset_without_test_trials_is_told(tmp_path):
    alone = write_dataset(tmp_path / "alone", seconds=6.0, splits=("train",))
    with pytest.raises(DatasetError, match="no recording of split 'test' has clock"):
        run_model("mean-pose", open_store(alone, tmp_path), tmp_path)


def test_predictions_are_read_without_viodat(small, tmp_path):
    pd = pytest.importorskip("pandas")
    run = run_model("mean-pose", open_store(small, tmp_path), tmp_path)
    table = pd.read_parquet(run.folder / NAME)
    assert set(table.columns) == {"recording", "frame", "pose3d_mm"}
    assert len(table.pose3d_mm[0]) == 54


def called(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def test_the_verb_prints_a_table_with_its_protocol_and_what_it_means(small, tmp_path):
    found = called("--data", small, "--runs", tmp_path, "--model", "mean-pose", "--model", "ridge")
    assert found.exit_code == 0
    assert "VioPose: prediction and target are centred on their own root" in found.stdout
    assert "no two-sided test can show" in found.stdout
    told = json.loads(
        called("--data", small, "--runs", tmp_path, "--model", "ridge", "--protocol", "all", "--json").stdout
    )
    assert set(told) == {"viopose", "mixste", "motionbert", "videopose3d"}
    (run,) = told["viopose"]["runs"]
    assert run["fresh"] is False
    assert run["overall"]["mpjpe"] > 0
    assert told["viopose"]["protocol"]["recentred"] == "both"
    assert viodat.open_dataset(small).verify().ok


def test_all_models_are_listed_with_their_recipes():
    found = CliRunner().invoke(app, ["models", "--json"])
    listed = {row["model"]: row for row in json.loads(found.stdout)}
    assert listed["tcn"]["recipes"] == ["paper", "quick"]
    assert listed["ridge"]["recipes"] == []
    assert "temporal convolutions" in CliRunner().invoke(app, ["models"]).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "mixtse"], "there is no model 'mixtse'"),
        (["--protocol", "viopse"], "there is no protocol 'viopse'"),
        (["--recipe", "slow", "--model", "tcn"], "has no recipe 'slow'; it has paper, quick"),
        (["--device", "tpu"], "expected cpu or cuda"),
        (["--max-minutes", "-1"], "expected minutes above 0"),
    ],
)
def test_mistakes_end_in_one_line(small, tmp_path, arguments, said):
    found = called("--data", small, "--runs", tmp_path, *arguments)
    assert found.exit_code == 2
    assert said in " ".join(found.stderr.split())


def test_a_dataset_that_is_not_there_is_told(tmp_path):
    found = called("--data", tmp_path / "nowhere")
    assert found.exit_code == 2
    assert "does not exist. Build one" in " ".join(found.stderr.split())
