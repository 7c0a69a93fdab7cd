import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

import viodat
from tests.mutate import mutants
from tests.unit.dataset.small import info, write_dataset
from viodat.build.facts import facts_of
from viodat.dataset import paths, schema
from viodat.errors import DatasetError


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Two trials of two cameras, the second trial excluded; read only."""
    folder = tmp_path_factory.mktemp("small")
    return write_dataset(
        folder, keypoints=(True, False), splits=("train", "test"), excluded=("P04T02",), video_frames=30, seconds=2
    )


@pytest.fixture
def copy(small, tmp_path):
    return shutil.copytree(small, tmp_path / "out")


def _without_column(path, name):
    table = pq.ParquetFile(path).read()
    pq.write_table(table.drop_columns([name]), path)


@pytest.mark.parametrize("key", ["viodat_version", "joints", "units", "feature_rates_hz", "name"])
def test_a_missing_key_of_dataset_json_is_named(copy, key):
    content = info()
    del content[key]
    (copy / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=rf"^dataset\.json: was built by viodat .* without key '{key}'\. Build it"):
        viodat.open_dataset(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": "2.0"}, r"newer than the 1\.3 .*pip install --upgrade viodat"),
        ({"schema_version": "0.9"}, r"older than the 1\.3 .*viodat build --raw RAW --out OUT"),
        ({"schema_version": "new"}, "is damaged"),
        ({"schema_version": "1.x"}, "is damaged"),
        ({"feature_rates_hz": "100"}, "key 'feature_rates_hz' is '100'"),
        ({"feature_rates_hz": ["100"]}, "key 'feature_rates_hz.0' is '100'; expected: Input should be a valid integer"),
        ({"joints": list(reversed(info()["joints"]))}, "in another order"),
        ({"viodat_version": None}, "key 'viodat_version' is None"),
    ],
)
def test_what_dataset_json_may_not_say(copy, changes, message):
    (copy / "dataset.json").write_text(json.dumps(info(**changes)))
    with pytest.raises(DatasetError, match=message):
        viodat.open_dataset(copy)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "[" * 100_000, '{"schema_version": "1.0"}'])
def test_a_damaged_dataset_json(copy, text):
    (copy / "dataset.json").write_text(text)
    with pytest.raises(DatasetError, match=r"^dataset\.json: "):
        viodat.open_dataset(copy)


def test_a_table_of_another_version_names_its_column_and_the_command(copy):
    _without_column(copy / "recordings.parquet", "keypoints")
    ds = viodat.open_dataset(copy)
    message = (
        r"^recordings\.parquet: was built by viodat 0\.1\.0 without column 'keypoints', .*"
        r"viodat build --raw RAW --out OUT"
    )
    for read in (lambda: ds.recordings, lambda: ds.video("P04C01T01")):
        with pytest.raises(DatasetError, match=message):
            read()


def test_a_stream_of_another_version_is_refused_even_if_the_column_is_not_wanted(copy):
    _without_column(copy / paths.audio("P04C01T01", "P04", "train"), "voiced")
    with pytest.raises(DatasetError, match=r"^P04C01T01\.parquet: was built by viodat 0\.1\.0 without column 'voiced'"):
        viodat.open_dataset(copy).audio_arrays("P04C01T01", columns=("features",))


def test_a_dataset_of_schema_version_1_0_is_read(copy):
    """Before motion had velocities, accelerations and angles."""
    later = ["velocity_mm_s", "acceleration_mm_s2", "angles_rad"]
    for name in later:
        _without_column(copy / paths.motion("P04T01", "P04", "train"), name)
    (copy / "dataset.json").write_text(json.dumps(info(schema_version="1.0")))
    motion = viodat.open_dataset(copy).motion("P04T01")
    assert np.isfinite(motion.joints_mm).all()
    for name in later:
        assert np.isnan(getattr(motion, name)).all(), name
        assert len(getattr(motion, name)) == len(motion.time_ns)
    (copy / "dataset.json").write_text(json.dumps(info()))
    with pytest.raises(DatasetError, match=r"without column 'velocity_mm_s', which this version reads"):
        viodat.open_dataset(copy).motion("P04T01")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_dataset_from_before_clocks_were_estimated_is_read(copy, version):
    later = ["drift_sigma_ppm", "skew_ms", "skew_sigma_ms"]
    for name in later:
        _without_column(copy / "recordings.parquet", name)
    (copy / "dataset.json").write_text(json.dumps(info(schema_version=version)))
    ds = viodat.open_dataset(copy)
    assert set(ds.recordings.columns) == set(schema.RECORDINGS.names)
    for name in later:
        assert ds.recordings[name].isna().all()
        assert all(row[name] is None for row in ds.rows("recordings"))
    assert len(viodat.PoseWindows(ds, frames=10)[0]["pose3d"]) == 10
    (copy / "dataset.json").write_text(json.dumps(info()))
    with pytest.raises(DatasetError, match=r"without column 'drift_sigma_ppm', which this version reads"):
        _ = viodat.open_dataset(copy).recordings


def test_a_dataset_of_a_later_minor_version_is_read(copy):
    (copy / "dataset.json").write_text(json.dumps(info(schema_version="1.7")))
    path = copy / paths.motion("P04T01", "P04", "train")
    table = pq.ParquetFile(path).read()
    pq.write_table(table.append_column("new", pa.nulls(len(table))), path)
    assert len(viodat.open_dataset(copy).motion("P04T01").time_ns) == 201


def test_a_recording_of_an_excluded_trial_gives_the_trials_reason(small):
    ds = viodat.open_dataset(small)
    for read in (lambda: ds.video("P04C01T02"), lambda: ds.motion("P04T02"), lambda: ds.camera("P04C02T02")):
        with pytest.raises(DatasetError, match=r"T02 is excluded: too short\. See exclusions"):
            read()


def test_an_unknown_id_lists_what_there_is(small):
    with pytest.raises(DatasetError, match="has no recording 'P09C01T01'; it has P04C01T01, P04C02T01"):
        viodat.open_dataset(small).audio("P09C01T01")


def test_a_damaged_camera_model_is_a_dataset_error(copy):
    table = pq.ParquetFile(copy / "recordings.parquet").read()
    rows = table.to_pylist()
    for row in rows:
        row["camera_model"] = '{"id": 3}'
    pq.write_table(table.from_pylist(rows, schema=table.schema), copy / "recordings.parquet")
    with pytest.raises(DatasetError, match="camera_model of P04C01T01 is damaged"):
        viodat.open_dataset(copy).camera("P04C01T01")


def test_only_the_columns_named_are_read(small):
    ds = viodat.open_dataset(small)
    assert list(ds.audio_arrays("P04C01T01", columns=("time_ns", "features"))) == ["time_ns", "features"]
    assert list(ds.video_arrays("P04C01T01", ("detected_px",))) == ["detected_px"]
    assert list(ds.motion_arrays("P04T01", ("valid",))) == ["valid"]


def test_whole_numbers_and_booleans_stay_so_beside_a_null(small):
    ds = viodat.open_dataset(small)
    assert isinstance(ds.trials["frames"].dtype, pd.Int64Dtype)
    assert ds.trials["frames"].tolist() == [201, pd.NA]
    assert isinstance(ds.recordings["calibrated"].dtype, pd.BooleanDtype)
    assert len(ds.recordings[ds.recordings["calibrated"]]) == 2
    assert ds.participants["measurement_sources"][0] == {"height_mm": "P04.vsk"}


def test_voiced_is_unknown_where_pitch_was_not_computed(small):
    track = viodat.open_dataset(small).audio("P04C01T01")
    assert track.voiced.dtype == np.float32
    assert np.isnan(track.voiced).all()


@pytest.mark.parametrize(("stream", "ids"), [("motion", ("trial",)), ("video", ("trial", "recording"))])
def test_a_folder_of_streams_reads_as_one_table_without_viodat(small, stream, ids):
    frame = pd.read_parquet(small / stream)
    assert set(frame["trial"]) == {"P04T01"}
    assert set(frame["split"]) == {"train"}
    assert frame["time_ns"].dtype == np.int64
    if "recording" in ids:
        assert frame.groupby("recording").size().to_dict() == {"P04C01T01": 30, "P04C02T01": 30}
    table = pads.dataset(small / stream, partitioning="hive").to_table(columns=[*ids, "time_ns", "participant"])
    assert table.num_rows == len(frame)


def test_every_stream_file_says_what_holds_for_it(small):
    for stream in ("motion", "video", "audio"):
        path = next((small / stream).rglob("*.parquet"))
        metadata = pq.read_schema(path).metadata
        assert metadata[b"schema_version"] == schema.SCHEMA_VERSION.encode()
        assert metadata[b"viodat_version"]
        assert b"Z up" in metadata[b"world_frame"]
        assert b"z forward" in metadata[b"camera_frame"]
        assert metadata[b"joints"].startswith(b"left_ankle,left_elbow")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("table", ["trials", "recordings"])
def test_a_damaged_table_gives_a_dataset_error_or_a_table(copy, table):
    path = copy / f"{table}.parquet"
    content = path.read_bytes()
    refused = 0
    for what, damaged in mutants(content, 40, seed=1, head_bytes=len(content)):
        path.write_bytes(damaged)
        ds = viodat.open_dataset(copy)
        try:
            ds.rows(table)
            frame = getattr(ds, table)
        except DatasetError as error:
            refused += 1
            assert str(error).startswith(f"{table}.parquet: "), what
        else:
            assert set(frame.columns) >= set(schema.TABLES[table].names), what
    assert refused > 10


def test_a_text_that_is_no_text_is_a_dataset_error(copy):
    path = copy / "trials.parquet"
    table = pq.ParquetFile(path).read()
    broken = pa.array([b"\xff\xfe", b"P04T02"]).view(pa.string())
    at = table.schema.get_field_index("trial")
    pq.write_table(table.set_column(at, table.schema.field("trial"), broken), path)
    ds = viodat.open_dataset(copy)
    for read in (lambda: ds.trials, lambda: ds.motion("P04T01")):
        with pytest.raises(DatasetError, match=r"^trials\.parquet: cannot be read as Parquet"):
            read()


def test_facts_of_a_dataset_with_an_excluded_trial(small):
    facts = facts_of(small)
    assert facts["trials"] == {"built": 1, "excluded": 1}
    assert facts["minutes"] == 0.03
    assert json.loads(json.dumps(facts)) == facts
