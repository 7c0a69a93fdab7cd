import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.mutate import mutants
from viodat.body.angles import ANGLES
from viodat.dataset import schema
from viodat.dataset.tables import read_arrays, read_table, write_arrays, write_rows
from viodat.errors import DatasetError


def _motion(frames: int) -> dict[str, np.ndarray | str]:
    rng = np.random.default_rng(0)
    joints = rng.normal(0, 500, (frames, 18, 3)).astype(np.float32)
    joints[1, 4] = np.nan
    joints[2] = np.nan
    return {
        "trial": "P04T01",
        "time_ns": np.arange(frames, dtype=np.int64) * 10_000_000,
        "joints_mm": joints,
        "sigma_mm": np.full((frames, 18), np.nan, np.float32),
        "valid": np.isfinite(joints).all(-1),
        "velocity_mm_s": joints + 1,
        "acceleration_mm_s2": joints - 1,
        "angles_rad": np.full((frames, len(ANGLES)), 0.25, np.float32),
    }


def test_arrays_come_back_with_nan_where_null(tmp_path):
    columns = _motion(5)
    assert write_arrays(tmp_path / "a.parquet", schema.MOTION, columns) == 5
    again = read_arrays(tmp_path / "a.parquet", schema.MOTION)
    assert "trial" not in again
    del columns["trial"]
    for name, values in columns.items():
        np.testing.assert_array_equal(again[name], values)
        assert again[name].dtype == values.dtype


def test_missing_numbers_are_null_in_the_file_not_zero_and_not_nan(tmp_path):
    write_arrays(tmp_path / "a.parquet", schema.MOTION, _motion(5))
    column = pq.read_table(tmp_path / "a.parquet").column("joints_mm").combine_chunks()
    assert column.type == pa.list_(pa.float32(), 54)
    assert column.values.null_count == 3 + 54
    assert not np.isnan(column.values.drop_null().to_numpy()).any()


def test_every_field_carries_its_meaning_and_every_measure_its_unit(tmp_path):
    write_arrays(tmp_path / "a.parquet", schema.MOTION, _motion(3))
    field = pq.read_schema(tmp_path / "a.parquet").field("joints_mm")
    assert field.metadata[b"unit"] == b"mm"
    assert field.metadata[b"frame"] == b"world"
    assert field.metadata[b"shape"] == b"18x3"
    assert field.metadata[b"joints"].split(b",")[2] == b"left_pelvis"
    for table in (schema.MOTION, schema.VIDEO, schema.AUDIO, *schema.TABLES.values()):
        for column in table:
            assert column.metadata[b"meaning"], column.name
            suffix = column.name.rsplit("_", 1)[-1]
            if suffix in ("mm", "px", "s", "hz", "ns", "ms", "ppm", "kg", "rad", "db"):
                assert b"unit" in column.metadata, column.name


def test_the_names_of_the_angles_stand_in_the_file(tmp_path):
    write_arrays(tmp_path / "a.parquet", schema.MOTION, _motion(3))
    field = pq.read_schema(tmp_path / "a.parquet").field("angles_rad")
    assert field.type == pa.list_(pa.float32(), len(ANGLES))
    assert field.metadata[b"angles"].decode().split(",") == list(ANGLES)
    assert field.metadata[b"unit"] == b"rad"


@pytest.mark.parametrize("columns", [None, ("angles_rad",), ("time_ns", "velocity_mm_s")])
def test_a_column_that_came_with_a_later_minor_version_reads_as_nan(tmp_path, columns):
    write_arrays(tmp_path / "new.parquet", schema.MOTION, _motion(5))
    table = pq.ParquetFile(tmp_path / "new.parquet").read()
    pq.write_table(table.drop_columns(["velocity_mm_s", "acceleration_mm_s2", "angles_rad"]), tmp_path / "a.parquet")
    again = read_arrays(tmp_path / "a.parquet", schema.MOTION, columns, version="1.0")
    shapes = {"velocity_mm_s": (5, 18, 3), "acceleration_mm_s2": (5, 18, 3), "angles_rad": (5, len(ANGLES))}
    assert set(again) == set(columns or schema.MOTION.names) - {"trial"}
    for name in set(again) & set(shapes):
        assert again[name].shape == shapes[name]
        assert again[name].dtype == np.float32
        assert np.isnan(again[name]).all()
    # The file's own version had them: a file without them is damaged.
    with pytest.raises(DatasetError, match="without column 'velocity_mm_s'"):
        read_arrays(tmp_path / "a.parquet", schema.MOTION, columns)


def test_a_column_that_is_missing_altogether_reads_as_nan(tmp_path):
    frames = 4
    columns = {name: None for name in schema.VIDEO.names} | {
        "trial": "P04T01",
        "recording": "P04C01T01",
        "device_time_ns": np.arange(frames),
        "pts": np.arange(frames),
        "valid": np.zeros((frames, 18), bool),
    }
    write_arrays(tmp_path / "v.parquet", schema.VIDEO, columns)
    again = read_arrays(tmp_path / "v.parquet", schema.VIDEO)
    assert again["pose3d_mm"].shape == (frames, 18, 3)
    assert again["pose3d_mm"].dtype == np.float32
    assert np.isnan(again["pose3d_mm"]).all()
    assert again["time_ns"].dtype != np.int64
    assert again["pts"].dtype == np.int64


def test_same_arrays_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_arrays(tmp_path / f"{name}.parquet", schema.MOTION, _motion(5))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_wrong_shape_is_refused(tmp_path):
    columns = _motion(5) | {"sigma_mm": np.zeros((5, 17))}
    with pytest.raises(ValueError, match="sigma_mm: expected 5 rows of 18 numbers"):
        write_arrays(tmp_path / "a.parquet", schema.MOTION, columns)
    assert not (tmp_path / "a.parquet").exists()


def test_a_text_is_the_same_in_all_rows(tmp_path):
    write_arrays(tmp_path / "a.parquet", schema.MOTION, _motion(5))
    assert pq.ParquetFile(tmp_path / "a.parquet").read()["trial"].to_pylist() == ["P04T01"] * 5


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("valid", None),
        ("trial", None),
        ("time_ns", np.array([0, 1, np.nan, 3, 4])),
        ("valid", np.full((5, 18), np.nan)),
    ],
)
def test_a_required_column_cannot_lack_a_value(tmp_path, name, values):
    with pytest.raises(ValueError, match=f"{name}: a required column lacks a value"):
        write_arrays(tmp_path / "a.parquet", schema.MOTION, _motion(5) | {name: values})


@pytest.mark.parametrize("stream", [schema.MOTION, schema.VIDEO, schema.AUDIO, schema.AUDIO_OTHER_RATE])
def test_ids_and_validity_are_never_null(stream):
    for name in ("trial", "recording", "valid", "device_time_ns"):
        if name in stream.names:
            assert not stream.field(name).nullable, name
    assert not schema.MOTION.field("time_ns").nullable


def test_a_boolean_that_was_not_computed_is_null_not_false(tmp_path):
    columns = {name: None for name in schema.AUDIO.names} | {
        "trial": "P04T01",
        "recording": "P04C01T01",
        "device_time_ns": np.arange(3),
        "voiced": np.array([1.0, 0.0, np.nan]),
    }
    write_arrays(tmp_path / "a.parquet", schema.AUDIO, columns)
    assert pq.ParquetFile(tmp_path / "a.parquet").read()["voiced"].to_pylist() == [True, False, None]
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.parquet", schema.AUDIO)["voiced"], [1.0, 0.0, np.nan])


def test_a_column_of_another_type_is_refused(tmp_path):
    pq.write_table(pa.table({"time_ns": pa.array([1], pa.int32())}), tmp_path / "a.parquet")
    kind = pa.schema([pa.field("time_ns", pa.int64())])
    with pytest.raises(DatasetError, match="built by viodat 0.0.1 with column 'time_ns' of type int32"):
        read_arrays(tmp_path / "a.parquet", kind, built_by="0.0.1")


def test_rows_with_missing_keys(tmp_path):
    rows = [{"trial": "P05T28", "stage": "gates", "reason": "too short", "value": 1.0, "limit": float("nan")}]
    assert write_rows(tmp_path / "e.parquet", schema.EXCLUSIONS, rows) == 1
    assert read_table(tmp_path / "e.parquet").to_pylist() == [
        {"trial": "P05T28", "recording": None, "stage": "gates", "reason": "too short", "value": 1.0, "limit": None}
    ]  # fmt: skip


def test_an_empty_table_keeps_its_schema(tmp_path):
    assert write_rows(tmp_path / "e.parquet", schema.EXCLUSIONS, []) == 0
    assert read_table(tmp_path / "e.parquet").schema.names == schema.EXCLUSIONS.names


def test_a_column_nobody_knows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no column for"):
        write_rows(tmp_path / "e.parquet", schema.EXCLUSIONS, [{"trail": "P05T28"}])


def test_other_readers_read_it(tmp_path):
    write_arrays(tmp_path / "split=train" / "participant=P04" / "a.parquet", schema.MOTION, _motion(5))
    table = pq.read_table(tmp_path, columns=["time_ns", "split", "participant"])
    assert table.num_rows == 5
    assert table.column("split").to_pylist() == ["train"] * 5


@pytest.mark.timeout(60)
def test_damaged_files_give_a_dataset_error(tmp_path):
    write_arrays(tmp_path / "a.parquet", schema.MOTION, _motion(5))
    content = (tmp_path / "a.parquet").read_bytes()
    refused = 0
    for what, damaged in mutants(content, 60, seed=0, head_bytes=len(content)):
        (tmp_path / "b.parquet").write_bytes(damaged)
        try:
            again = read_arrays(tmp_path / "b.parquet", schema.MOTION)
        except DatasetError as error:
            refused += 1
            assert str(error).startswith("b.parquet: "), what
        else:
            assert again["joints_mm"].shape[1:] == (18, 3), what
    assert refused > 30


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"^P04T01.parquet: is missing from the dataset"):
        read_table(tmp_path / "P04T01.parquet")
