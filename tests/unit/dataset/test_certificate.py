"""The certificate of a dataset's splits, made of its files and checked again from them."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.unit.dataset.played import motion, played, sound, write_played
from viodat.dataset.certificate import certify
from viodat.dataset.reader import open_dataset
from viodat.dataset.recheck import check_splits
from viodat.dataset.sketches import compute_statistics, sketch_trial
from viodat.dataset.statistics import StreamSums, from_root, summed, training_statistics


def rows(*trials: tuple[str, str, str], **more: list) -> list[dict]:
    return [
        {"trial": trial, "participant": person, "split": split, "status": "built"}
        | {key: values[k] for key, values in more.items()}
        for k, (trial, person, split) in enumerate(trials)
    ]


def statements(trials: list[dict]) -> dict:
    sketches = {row["trial"]: sketch_trial(None, {**row, "status": "excluded"}, []) for row in trials}
    return certify(trials, sketches, None).statements


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return write_played(
        tmp_path_factory.mktemp("clean"),
        [played("P04T01", "train"), played("P04T02", "validation"), played("P05T01", "test")],
    )


@pytest.fixture
def copy(clean, tmp_path):
    return shutil.copytree(clean, tmp_path / "copy")


def test_a_clean_dataset_is_certified_and_the_check_agrees(clean):
    result = check_splits(open_dataset(clean))
    holds = {name: one.holds for name, one in result.certificate.statements.items()}
    assert holds == {
        "participants": True,
        "sessions": True,
        "pieces": None,
        "near_duplicates": True,
        "statistics": True,
    }
    assert result.errors == ()
    assert result.notes == ("pieces is not known: capture.toml names no pieces",)
    assert result.certificate.to_json() == open_dataset(clean).info["certificate"]


def test_a_participant_in_training_and_test_is_an_error(tmp_path):
    out = write_played(tmp_path, [played("P04T01", "train"), played("P04T02", "test")])
    assert check_splits(open_dataset(out)).errors == (
        "participant P04 is in the test split (P04T02) and outside it (P04T01)",
    )


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_copied_take_in_another_split_is_an_error(tmp_path, split):
    copied = played("P05T09", split, joints_mm=motion(0)[300:], features=sound(0)[250:])
    out = write_played(tmp_path, [played("P04T01", "train", joints_mm=motion(0), features=sound(0)), copied])
    errors = check_splits(open_dataset(out)).errors
    assert [text.partition(" for ")[0] for text in errors] == [
        "P04T01 and P05T09 have the same motion",
        "P04T01 and P05T09 have the same sound",
    ]
    assert errors[0].endswith(f"; P04T01 is in train, P05T09 in {split}")


def test_a_copied_take_in_the_same_split_is_no_error(tmp_path):
    out = write_played(
        tmp_path, [played("P04T01", "train", joints_mm=motion(0)), played("P04T02", "train", joints_mm=motion(0))]
    )
    result = check_splits(open_dataset(out))
    assert result.ok
    assert "1 pair within a split" in result.certificate.statements["near_duplicates"].how


def test_short_trials_leave_near_duplicates_unknown(tmp_path):
    out = write_played(tmp_path, [played("P04T01", "train", 4.0), played("P05T01", "test", 4.0)])
    statement = check_splits(open_dataset(out)).certificate.statements["near_duplicates"]
    assert statement.holds is None
    assert "2 trials" in statement.how


def test_pieces_and_sessions_on_both_sides_are_told():
    found = statements(
        rows(
            ("P04T01", "P04", "train"),
            ("P04T02", "P04", "train"),
            ("P05T01", "P05", "test"),
            session=["monday", None, "monday"],
            piece=["Kreutzer 2", "Scales", "Kreutzer 2"],
        )
    )
    assert found["sessions"].counter_examples == (
        "session monday is in the test split (P05T01) and outside it (P04T01)",
    )
    assert found["pieces"].holds is False


def test_pieces_that_are_named_of_some_trials_only_are_not_known():
    trials = rows(("P04T01", "P04", "train"), ("P05T01", "P05", "test"), piece=["Kreutzer 2", None])
    assert statements(trials)["pieces"].holds is None


def test_validation_may_share_a_participant_with_training():
    assert statements(rows(("P04T01", "P04", "train"), ("P04T02", "P04", "validation")))["participants"].holds


def test_the_digest_is_of_trials_and_splits():
    one, other = (
        certify(trials, {row["trial"]: sketch_trial(None, {**row, "status": "excluded"}, []) for row in trials}, None)
        for trials in (rows(("P04T01", "P04", "train")), rows(("P04T01", "P04", "test")))
    )
    assert one.trials_sha256 != other.trials_sha256


def test_a_certificate_that_says_otherwise_than_the_files_is_an_error(copy):
    info = json.loads((copy / "dataset.json").read_text())
    info["certificate"]["statements"]["pieces"]["holds"] = True
    info["certificate"]["trials_sha256"] = "0" * 64
    (copy / "dataset.json").write_text(json.dumps(info))
    assert check_splits(open_dataset(copy)).errors == (
        "dataset.json certifies other trials or splits than trials.parquet has",
        "dataset.json says of pieces: holds; the files say: not known",
    )


@pytest.mark.parametrize("damage", [{"statements": 3}, {"statements": {"pieces": []}}, {"trials_sha256": 1}, {}])
def test_a_damaged_certificate_is_an_error_and_no_crash(copy, damage):
    info = json.loads((copy / "dataset.json").read_text())
    info["certificate"] = damage
    (copy / "dataset.json").write_text(json.dumps(info))
    assert not check_splits(open_dataset(copy)).ok


def test_statistics_that_saw_the_test_split_are_an_error(copy):
    info = json.loads((copy / "dataset.json").read_text())
    info["statistics"] = compute_statistics(open_dataset(copy), ("P04T01", "P05T01"))
    (copy / "dataset.json").write_text(json.dumps(info))
    errors = check_splits(open_dataset(copy)).errors
    assert "statistics are from P05T01, which are not in the training split" in errors


def test_statistics_that_were_changed_are_an_error(copy):
    info = json.loads((copy / "dataset.json").read_text())
    info["statistics"]["streams"]["audio"]["mean"][3] += 0.01
    (copy / "dataset.json").write_text(json.dumps(info))
    assert "statistics of audio are not those of the training split" in check_splits(open_dataset(copy)).errors


@pytest.mark.parametrize(
    "damage",
    [{}, {"trials": 3, "streams": []}, {"trials": ["P04T01"], "streams": {"audio": 3, "world_mm": {"mean": "x"}}}],
)
def test_damaged_statistics_are_an_error_and_no_crash(copy, damage):
    info = json.loads((copy / "dataset.json").read_text())
    info["statistics"] = damage
    (copy / "dataset.json").write_text(json.dumps(info))
    assert any("statistics" in text for text in check_splits(open_dataset(copy)).errors)


def test_a_file_in_the_folder_of_another_split_is_an_error(copy):
    place = copy / "motion/split=test/participant=P04"
    place.mkdir(parents=True)
    shutil.copy(copy / "motion/split=train/participant=P04/P04T01.parquet", place)
    assert (
        "motion/split=test/participant=P04/P04T01.parquet: trials.parquet has P04T01 in split train, participant P04"
    ) in check_splits(open_dataset(copy)).errors


def test_a_file_with_rows_of_another_trial_is_an_error(copy):
    folder = copy / "motion"
    shutil.copy(
        folder / "split=test/participant=P05/P05T01.parquet", folder / "split=train/participant=P04/P04T01.parquet"
    )
    errors = check_splits(open_dataset(copy)).errors
    assert "motion/split=train/participant=P04/P04T01.parquet holds rows of trial P05T01" in errors
    assert any(text.startswith("P04T01 and P05T01 have the same motion, number for number") for text in errors)


def test_a_file_of_no_trial_is_an_error(copy):
    place = copy / "audio/split=train/participant=P04"
    shutil.copy(place / "P04C01T01.parquet", place / "P09C01T01.parquet")
    assert (
        "audio/split=train/participant=P04/P09C01T01.parquet belongs to no trial of trials.parquet"
        in check_splits(open_dataset(copy)).errors
    )


def test_statistics_are_of_the_training_trials_alone(clean):
    dataset = open_dataset(clean)
    stored = dataset.info["statistics"]
    assert stored["trials"] == ["P04T01"]
    joints = dataset.motion("P04T01").joints_mm.astype(float)
    centred = joints - joints[:, [2, 8]].mean(1, keepdims=True)
    np.testing.assert_allclose(stored["streams"]["world_mm"]["mean"], centred.mean(0), atol=1e-6)
    np.testing.assert_allclose(stored["streams"]["world_mm"]["std"], centred.std(0), atol=1e-6)
    features = dataset.audio("P04C01T01").features.astype(float)
    np.testing.assert_allclose(stored["streams"]["audio"]["std"], features.std(0), rtol=1e-6)
    assert set(stored["streams"]) == {"world_mm", "camera_mm", "projected_px", "detected_px", "audio"}


def test_sums_are_those_of_the_whole_whatever_the_parts_and_their_order():
    values = np.random.default_rng(0).normal(1000, 3, (100, 4))
    values[::7, 1] = np.nan
    values[:, 3] = np.nan
    parts = [(f"T{k}", StreamSums({"audio": summed(values[k * 20 : k * 20 + 20])})) for k in range(5)]
    whole = training_statistics(parts)["streams"]["audio"]
    assert whole == training_statistics(parts[::-1])["streams"]["audio"]
    np.testing.assert_allclose(np.array(whole["mean"][:3], float), np.nanmean(values[:, :3], 0))
    np.testing.assert_allclose(np.array(whole["std"][:3], float), np.nanstd(values[:, :3], 0), rtol=1e-6)
    assert (whole["mean"][3], whole["std"][3], whole["count"]) == (None, None, 100)


def test_joints_count_from_a_root_that_is_there():
    joints = motion(0, 1.0).astype(float)
    joints[3, 2] = np.nan
    centred = from_root(joints)
    assert np.isnan(centred[3]).all()
    np.testing.assert_allclose(centred[:3, [2, 8]].mean(1), 0, atol=1e-9)


def test_uncertain_recordings_do_not_count(clean):
    dataset = open_dataset(clean)
    trial, recording = dataset.rows("trials")[0], {**dataset.rows("recordings")[0], "status": "uncertain"}
    assert set(sketch_trial(clean, trial, [recording]).sums.sums) == {"world_mm"}


def test_the_sound_is_that_of_the_recording_with_pitch(clean, tmp_path):
    out = shutil.copytree(clean, tmp_path / "out")
    place = out / "audio/split=train/participant=P04"
    table = pq.read_table(place / "P04C01T01.parquet", partitioning=None)
    index = table.column_names.index("voiced")
    voiced = table.set_column(index, table.schema.field(index), [[True] * len(table)])
    other = pq.read_table(out / "audio/split=test/participant=P05/P05C01T01.parquet", partitioning=None)
    pq.write_table(voiced, place / "P04C02T01.parquet")
    pq.write_table(other, place / "P04C01T01.parquet")
    dataset = open_dataset(out)
    trial, first = dataset.rows("trials")[0], dataset.rows("recordings")[0]
    sketch = sketch_trial(out, trial, [first, {**first, "recording": "P04C02T01", "frames": None}])
    assert sketch.sound.digest == sketch_trial(clean, trial, [first]).sound.digest
