"""One thing is changed at a time in a copy of a small dataset, and must be told: where, which way and how far."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import viodat
from tests.unit.dataset.small import info, write_dataset
from viodat.dataset import paths, schema
from viodat.dataset.diff import NOT_COUNTED, Tolerances, diff_datasets
from viodat.dataset.diff_spread import Spread
from viodat.dataset.diff_streams import COLUMNS
from viodat.dataset.tables import read_arrays, write_arrays, write_rows
from viodat.errors import ConfigError, DatasetError
from viodat.joints import JOINT_INDEX

TRIAL, OTHER, RECORDING = "P04T01", "P04T02", "P04C01T01"
MOTION = paths.motion(TRIAL, "P04", "train")
VIDEO = paths.video(RECORDING, "P04", "train")
AUDIO = paths.audio(RECORDING, "P04", "train")
OTHER_MOTION = paths.motion(OTHER, "P04", "test")
KINDS = {MOTION: schema.MOTION, OTHER_MOTION: schema.MOTION, VIDEO: schema.VIDEO, AUDIO: schema.AUDIO}
WRIST = JOINT_INDEX["left_wrist"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Three trials of two cameras, the third trial excluded, with clocks and one waveform; read only."""
    folder = tmp_path_factory.mktemp("diff")
    write_dataset(
        folder,
        keypoints=(True, False),
        splits=("train", "test", "train"),
        excluded=("P04T03",),
        video_frames=30,
        seconds=2,
    )
    change_rows(folder, "recordings", lambda row: row["status"] == "built", offset_s=1.0, drift_ppm=0.0, sigma_ms=2.0)
    (folder / "waveform").mkdir()
    soundfile.write(folder / paths.waveform(RECORDING), np.linspace(-0.5, 0.5, 80_000), 8000, "PCM_16")
    return folder


@pytest.fixture
def copy(base, tmp_path):
    return Path(shutil.copytree(base, tmp_path / "B"))


def compare(a, b, **tolerances):
    found = diff_datasets(viodat.open_dataset(a), viodat.open_dataset(b), Tolerances(**tolerances))
    json.dumps(found.to_json())
    return found


def only(found, *names):
    """Check that the lists of these names hold something and all others nothing; give what they hold, one by one."""
    lists = ("made", "about", "only", "standings", "fields", "clocks", "rows", "streams", "not_compared")
    assert {name for name in lists if getattr(found, name)} == set(names), found
    items = [getattr(found, name) for name in names]
    assert all(len(item) == 1 for item in items), items
    return items[0][0] if len(items) == 1 else [item[0] for item in items]


def change_rows(folder, table, which, **values):
    path = folder / paths.table(table)
    rows = pq.ParquetFile(path).read().to_pylist()
    changed = [row for row in rows if which(row)]
    assert changed
    for row in changed:
        row.update({key: value(row[key]) if callable(value) else value for key, value in values.items()})
    # Not write_rows: it takes maps as they are made, not as they are read.
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.TABLES[table]), path)


def change_arrays(folder, file, **columns):
    """Give columns of a stream to functions that change them in place, or give others."""
    kind, path = KINDS[file], folder / file
    ids = {"trial": OTHER if file == OTHER_MOTION else TRIAL, "recording": Path(file).stem}
    arrays = read_arrays(path, kind)
    for name, change in columns.items():
        arrays[name] = np.array(arrays[name])
        changed = change(arrays[name])
        arrays[name] = arrays[name] if changed is None else changed
    write_arrays(path, kind, {**arrays, **{name: ids[name] for name in ids if name in kind.names}})


def add(where, amount):
    def change(array):
        array[where] += amount

    return change


def put(where, value):
    def change(array):
        array[where] = value

    return change


def test_a_copy_is_the_same(base, copy):
    found = compare(base, copy)
    assert found.same
    only(found)
    assert (found.trials, found.recordings) == (3, 6)


def test_other_bytes_with_the_same_numbers_are_the_same(base, copy):
    """NaN among them: no sigma, no velocities, no keypoints of the second camera, no pitch."""
    for file in (MOTION, VIDEO, AUDIO, paths.video("P04C02T01", "P04", "train")):
        table = pq.ParquetFile(copy / file).read()
        pq.write_table(table, copy / file, compression="gzip")
        assert (copy / file).read_bytes() != (base / file).read_bytes()
    only(compare(base, copy))


def test_a_joint_that_moved(base, copy):
    change_arrays(copy, MOTION, joints_mm=add(np.s_[50:, WRIST, 1], 2.0))
    item = only(compare(base, copy), "streams")
    assert (item.stream, item.id, item.column, item.unit) == ("motion", TRIAL, "joints_mm", "mm")
    assert (item.part, item.at_s) == ("left_wrist", 0.5)
    assert item.by_part == {"left_wrist": 2.0}
    assert (item.compared, item.changed, item.appeared, item.vanished) == (201 * 18, 151, 0, 0)
    assert (item.median, item.p95, item.largest) == (0.0, 0.0, 2.0)  # 151 of 3618 are 4 %


def test_the_length_of_the_way_counts_not_its_components(base, copy):
    change_arrays(copy, MOTION, joints_mm=add(np.s_[:, WRIST], [2.0, 3.0, 6.0]))
    assert only(compare(base, copy), "streams").largest == pytest.approx(7.0)
    assert compare(base, copy, mm=7.01).same
    assert not compare(base, copy, mm=6.99).same


def test_the_summary_is_over_all_trials_that_differ(base, copy):
    change_arrays(copy, MOTION, joints_mm=add(np.s_[:], [0, 0, 2.0]))
    change_arrays(copy, OTHER_MOTION, joints_mm=add(np.s_[100, WRIST, 0], 40.0))
    found = compare(base, copy)
    (summary,) = found.summary
    assert [item.id for item in found.streams] == [TRIAL, OTHER]
    assert (summary.ids, summary.id, summary.part, summary.at_s) == (2, OTHER, "left_wrist", 1.0)
    assert summary.largest == pytest.approx(40.0)
    assert (summary.compared, summary.changed) == (2 * 201 * 18, 201 * 18 + 1)
    assert summary.median == pytest.approx(2.0, rel=0.011)
    assert summary.p95 == pytest.approx(2.0, rel=0.011)
    assert summary.by_part["left_wrist"] == pytest.approx(40.0)
    assert summary.by_part["right_knee"] == pytest.approx(2.0)


@pytest.mark.parametrize(("mine", "theirs", "told"), [("base", "copy", (0, 3)), ("copy", "base", (3, 0))])
def test_nan_against_a_number_is_told_as_such(base, copy, mine, theirs, told):
    change_arrays(copy, MOTION, joints_mm=put(np.s_[7:10, WRIST], np.nan))
    folders = {"base": base, "copy": copy}
    item = only(compare(folders[mine], folders[theirs], mm=1e6), "streams")
    assert (item.appeared, item.vanished) == told
    assert (item.changed, item.largest, item.compared) == (0, 0.0, 201 * 18 - 3)


def test_a_column_that_is_there_in_one_only(base, copy):
    change_arrays(copy, MOTION, sigma_mm=lambda array: np.ones_like(array))
    item = only(compare(base, copy), "streams")
    assert (item.column, item.appeared, item.compared) == ("sigma_mm", 201 * 18, 0)
    assert np.isnan([item.median, item.p95, item.largest, item.at_s]).all()
    assert item.part is None


@pytest.mark.parametrize(
    ("file", "column", "change", "unit", "part", "at_s", "largest"),
    [
        (MOTION, "valid", put(np.s_[3, WRIST], False), "flag", "left_wrist", 0.03, 1.0),
        (VIDEO, "pose3d_mm", add(np.s_[3, WRIST, 2], 5.0), "mm", "left_wrist", 0.1, 5.0),
        (VIDEO, "pose2d_px", add(np.s_[3, WRIST], [3.0, 4.0]), "px", "left_wrist", 0.1, 5.0),
        (VIDEO, "detected_px", add(np.s_[3, WRIST], [0.0, 1.5]), "px", "left_wrist", 0.1, 1.5),
        (VIDEO, "time_ns", add(np.s_[3], 1_500_000), "ms", None, 0.1, 1.5),
        (VIDEO, "device_time_ns", add(np.s_[3], -1_500_000), "ms", None, 0.1, 1.5),
        (AUDIO, "time_ns", add(np.s_[200], 250_000), "ms", None, 2.0, 0.25),
    ],
)  # fmt: skip
def test_each_column_in_its_unit(base, copy, file, column, change, unit, part, at_s, largest):
    change_arrays(copy, file, **{column: change})
    item = only(compare(base, copy), "streams")
    assert (item.column, item.unit, item.part, item.changed) == (column, unit, part, 1)
    assert item.id == Path(file).stem
    assert item.at_s == pytest.approx(at_s)
    assert item.largest == pytest.approx(largest, rel=1e-4)


def test_a_feature_relative_to_what_it_varies_by(base, copy):
    """Feature 0 of the small dataset is its row's number, so its standard deviation is known."""
    change_arrays(copy, AUDIO, features=add(np.s_[10, 0], 5.0))
    item = only(compare(base, copy), "streams")
    deviation = np.sqrt((201**2 - 1) / 12)
    assert (item.column, item.unit, item.part) == ("features", "of its scale", "onset_strength_norm")
    assert item.largest == pytest.approx(5.0 / deviation, rel=1e-2)
    assert compare(base, copy, share=0.09).same
    assert not compare(base, copy, share=0.08).same


def test_a_feature_that_was_constant(base, copy):
    change_arrays(copy, AUDIO, features=add(np.s_[:, 5], 3.0))
    item = only(compare(base, copy), "streams")
    assert item.by_part == {item.part: pytest.approx(1.0)}


def test_pitch_in_cents_and_voicing(base, copy, tmp_path):
    change_arrays(copy, AUDIO, f0_hz=lambda array: np.full_like(array, 440.0), voiced=lambda array: np.ones(len(array)))
    again = Path(shutil.copytree(copy, tmp_path / "C"))
    change_arrays(again, AUDIO, f0_hz=put(np.s_[20], 880.0))
    item = only(compare(copy, again), "streams")
    assert (item.column, item.unit, item.at_s) == ("f0_hz", "cent", 0.2)
    assert item.largest == pytest.approx(1200.0)
    found = compare(base, copy)
    assert {(item.column, item.appeared) for item in found.streams} == {("f0_hz", 201), ("voiced", 201)}


def test_rows_are_matched_by_time_not_by_number(base, copy):
    path = copy / MOTION
    table = pq.ParquetFile(path).read()
    pq.write_table(table.slice(5), path)
    found = only(compare(base, copy), "rows")
    assert (found.stream, found.id, found.only_a, found.only_b, found.both) == ("motion", TRIAL, 5, 0, 196)


def test_a_clock_at_both_ends_of_the_trial(base, copy):
    """What the first puts at the trial's start, 0 s, the device heard at -1 s; what at its end, 2 s, at 1 s."""
    change_rows(copy, "recordings", lambda row: row["recording"] == RECORDING, offset_s=1.003, drift_ppm=1000.0)
    item = only(compare(base, copy), "clocks")
    assert item.recording == RECORDING
    assert item.start_ms == pytest.approx(3.0 - 1.0)
    assert item.end_ms == pytest.approx(3.0 + 1.0)
    by_name = {change.field: change.delta for change in item.fields}
    assert by_name == {"offset_s": pytest.approx(0.003), "drift_ppm": pytest.approx(1000.0)}
    assert compare(base, copy, ms=4.01).same
    assert not compare(base, copy, ms=3.99).same


@pytest.mark.parametrize(
    ("values", "tolerances"),
    [({"skew_ms": 12.0}, None), ({"sigma_ms": 2.5}, {"ms": 0.6}), ({"first_frame_ns": 400_000}, {"ms": 0.5}),
     ({"confidence": 0.9}, None), ({"sync_method": "clap"}, None), ({"offset_s": None}, None)],
)  # fmt: skip
def test_what_else_belongs_to_a_clock(base, copy, values, tolerances):
    """None: nothing makes it the same, for one of the two knows nothing."""
    change_rows(copy, "recordings", lambda row: row["recording"] == RECORDING, **values)
    item = only(compare(base, copy), "clocks")
    assert [change.field for change in item.fields] == list(values)
    assert compare(base, copy, **(tolerances or {"ms": 1e9, "share": 1e9})).same is (tolerances is not None)


def test_a_trial_that_only_one_has(base, copy):
    """Whose participant did not consent, say: then the other has no row of it but the reason."""
    change_rows(copy, "trials", lambda row: row["trial"] == OTHER, trial="P04T09")
    change_rows(copy, "exclusions", lambda row: True, trial=OTHER, stage="consent", reason="not given")
    found = compare(base, copy)
    assert [(item.table, item.id, item.side, item.why) for item in found.only] == [
        ("trials", OTHER, "a", "consent: not given"),
        ("trials", "P04T09", "b", None),
        ("exclusions", "P04T03 gates", "a", "too short"),
        ("exclusions", f"{OTHER} consent", "b", "not given"),
    ]
    assert not found.same


def test_why_a_trial_is_excluded(base, copy):
    """Its numbers are gone, which is not told for each of them."""
    change_rows(copy, "trials", lambda row: row["trial"] == OTHER, status="excluded", frames=None, seconds=None)
    path = copy / paths.table("exclusions")
    rows = pq.ParquetFile(path).read().to_pylist()
    rows.append({"trial": OTHER, "recording": None, "stage": "gates", "reason": "gaps", "value": 0.4, "limit": 0.2})
    write_rows(path, schema.EXCLUSIONS, rows)
    (copy / OTHER_MOTION).unlink()
    found = compare(base, copy)
    standing, exclusion = only(found, "standings", "only")
    assert (standing.id, standing.field, standing.a, standing.b) == (OTHER, "status", "built", "excluded")
    assert (standing.why_a, standing.why_b) == (None, "gates: gaps")
    assert (exclusion.table, exclusion.id, exclusion.side) == ("exclusions", f"{OTHER} gates", "b")


def test_another_reason_for_an_exclusion(base, copy):
    change_rows(copy, "exclusions", lambda row: True, reason="too short: 0.5 s")
    item = only(compare(base, copy), "fields")
    assert (item.table, item.change.field, item.change.b) == ("exclusions", "reason", "too short: 0.5 s")
    shutil.copytree(copy, copy.parent / "C")
    change_rows(copy, "exclusions", lambda row: True, reason="too short: 0.51 s")
    assert not compare(copy.parent / "C", copy).same
    assert compare(copy.parent / "C", copy, share=0.1).same


def test_another_split_and_its_folder(base, copy):
    change_rows(copy, "trials", lambda row: row["trial"] == TRIAL, split="validation")
    (copy / paths.motion(TRIAL, "P04", "validation")).parent.mkdir(parents=True)
    (copy / MOTION).rename(copy / paths.motion(TRIAL, "P04", "validation"))
    item = only(compare(base, copy), "standings")
    assert (item.field, item.a, item.b) == ("split", "train", "validation")


@pytest.mark.parametrize(
    ("table", "values", "field", "delta"),
    [
        ("participants", {"height_mm": 1700.0}, "height_mm", None),
        ("participants", {"measurement_sources": [("height_mm", "P04.csv")]}, "measurement_sources.height_mm", None),
        ("trials", {"joint_methods": ["pig"] * 18}, "joint_methods", None),
        ("trials", {"gap_share": 0.25}, "gap_share", None),
        ("recordings", {"frames": 31}, "frames", 1.0),
        ("recordings", {"camera_model": lambda text: text.replace("1000.0", "1001.0", 1)}, "camera_model.matrix[0][0]",
         1.0),
    ],
)  # fmt: skip
def test_a_value_of_a_table(base, copy, table, values, field, delta):
    key = {"participants": "P04", "trials": TRIAL, "recordings": RECORDING}[table]
    change_rows(copy, table, lambda row: row[table.removesuffix("s")] == key, **values)
    item = only(compare(base, copy), "fields")
    assert (item.table, item.id, item.change.field, item.change.delta) == (table, key, field, delta)


def test_one_joints_method_is_named(base, copy, tmp_path):
    change_rows(copy, "trials", lambda row: row["trial"] == TRIAL, joint_methods=["pig"] * 18)
    again = Path(shutil.copytree(copy, tmp_path / "C"))
    methods = ["pig"] * 18
    methods[WRIST] = "none: no marker"
    change_rows(again, "trials", lambda row: row["trial"] == TRIAL, joint_methods=methods)
    change = only(compare(copy, again), "fields").change
    assert (change.field, change.a, change.b) == ("joint_methods[left_wrist]", "pig", "none: no marker")


def test_notes_are_told_but_do_not_count(base, copy):
    change_rows(copy, "trials", lambda row: row["trial"] == TRIAL, notes=["3 gaps"])
    found = compare(base, copy)
    assert only(found, "fields").change.field == "notes"
    assert found.same


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"viodat_version": "0.2.0"}, "viodat_version"),
        ({"options": {"sync": "none"}}, "options"),
        ({"config": {"sync": {"method": "given"}}}, "config"),
        ({"inputs_sha256": "ab" * 32}, "inputs_sha256"),
    ],
)
def test_how_it_was_made_is_told_but_does_not_count(base, copy, changes, field):
    (copy / "dataset.json").write_text(json.dumps(info(**changes)))
    found = compare(base, copy)
    assert only(found, "made").field == field
    assert found.same
    assert f"dataset.json {field}" in NOT_COUNTED


def test_an_option_is_named_by_its_key(base, copy, tmp_path):
    again = Path(shutil.copytree(copy, tmp_path / "C"))
    (copy / "dataset.json").write_text(json.dumps(info(options={"sync": "auto", "pose2d": "auto"})))
    (again / "dataset.json").write_text(json.dumps(info(options={"sync": "none", "pose2d": "auto"})))
    change = only(compare(copy, again), "made")
    assert (change.field, change.a, change.b) == ("options.sync", "auto", "none")


def test_what_a_dataset_says_of_itself_counts(base, copy):
    (copy / "dataset.json").write_text(json.dumps(info(licence="CC BY 4.0")))
    found = compare(base, copy)
    change = only(found, "about")
    assert (change.field, change.a, change.b) == ("licence", None, "CC BY 4.0")
    assert not found.same


def test_the_sound_itself(base, copy):
    path = copy / paths.waveform(RECORDING)
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples, rate, "PCM_24")
    assert compare(base, copy).same, "the same samples in other bytes"
    samples[72_000] += 0.125
    soundfile.write(path, samples, rate, "PCM_24")
    item = only(compare(base, copy), "streams")
    assert (item.stream, item.id, item.changed, item.at_s) == ("waveform", RECORDING, 1, 9.0)
    assert item.largest == pytest.approx(0.125)
    soundfile.write(path, samples[:76_000], rate, "PCM_24")
    assert compare(base, copy).rows[0].only_a == 4000
    soundfile.write(path, samples, 16000, "PCM_24")
    assert only(compare(base, copy), "fields").change.field == "samplerate"
    path.unlink()
    assert only(compare(base, copy), "fields").change.field == "file"
    path.write_bytes(b"fLaC nothing")
    with pytest.raises(DatasetError, match=r"P04C01T01\.flac: cannot be read as sound"):
        compare(base, copy)


def test_an_older_schema_version_is_compared_by_what_both_have(base, copy):
    """As a dataset of 1.0: without velocities, accelerations, angles and sigmas of clocks."""
    for number, split in ((1, "train"), (2, "test")):
        path = copy / paths.motion(f"P04T0{number}", "P04", split)
        table = pq.ParquetFile(path).read()
        pq.write_table(table.drop_columns(["velocity_mm_s", "acceleration_mm_s2", "angles_rad"]), path)
    path = copy / "recordings.parquet"
    table = pq.ParquetFile(path).read().drop_columns(["drift_sigma_ppm", "skew_ms", "skew_sigma_ms"])
    rows = table.to_pylist()
    rows[0]["sigma_ms"] = 9.0  # of the offset, in those days
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    (copy / "dataset.json").write_text(json.dumps(info(schema_version="1.0")))
    found = compare(base, copy)
    assert found.schema_versions == ("1.3", "1.0")
    assert not found.same
    assert not any((found.fields, found.clocks, found.streams, found.rows, found.only, found.about))
    assert [text.split(":")[0] for text in found.not_compared] == ["motion", "trials", "recordings", "recordings"]
    assert "velocity_mm_s, acceleration_mm_s2, angles_rad: not in schema 1.0" in found.not_compared[0]
    assert "session, piece: not in schema 1.0" in found.not_compared[1]
    assert "sigma_ms" in found.not_compared[3]
    change_arrays_1_0(copy)
    (item,) = compare(base, copy).streams
    assert (item.column, item.part, item.largest) == ("joints_mm", "left_wrist", pytest.approx(2.0))


def change_arrays_1_0(folder):
    path = folder / MOTION
    table = pq.ParquetFile(path).read()
    field = table.schema.field("joints_mm")
    joints = np.stack(table.column("joints_mm").to_numpy()).reshape(-1, 18, 3)
    joints[:, WRIST, 2] += 2.0
    column = pa.FixedSizeListArray.from_arrays(pa.array(joints.ravel(), pa.float32()), type=field.type)
    pq.write_table(table.set_column(table.schema.get_field_index("joints_mm"), field, column), path)


def test_a_newer_minor_version_is_said(base, copy):
    (copy / "dataset.json").write_text(json.dumps(info(schema_version="1.9")))
    (said,) = compare(base, copy).not_compared
    assert "after schema 1.3" in said


@pytest.mark.parametrize("file", [MOTION, VIDEO, AUDIO, "trials.parquet", "cameras.parquet"])
@pytest.mark.parametrize("content", [None, b"PAR1"])
def test_a_missing_or_damaged_file_is_an_error_that_says_of_which_dataset(base, copy, file, content):
    (copy / file).unlink()
    if content is not None:
        (copy / file).write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        compare(base, copy)
    assert str(caught.value).startswith(str(copy / file))


@pytest.mark.parametrize("tolerances", [{"mm": -1.0}, {"ms": float("nan")}, {"share": float("inf")}])
def test_a_tolerance_that_is_none(tolerances):
    with pytest.raises(ConfigError, match="--tolerance.*expected a number that is not negative"):
        Tolerances(**tolerances)


def test_every_column_of_the_streams_is_compared_but_ids_and_keys():
    """A column that comes to the schema must come here."""
    keys = {"motion": {"time_ns"}, "video": {"pts"}}
    kinds = {"motion": schema.MOTION, "video": schema.VIDEO, "audio": schema.AUDIO}
    kinds |= {"audio30": schema.AUDIO_OTHER_RATE, "audio300": schema.AUDIO_OTHER_RATE}
    assert set(COLUMNS) == set(kinds)
    for stream, kind in kinds.items():
        expected = set(kind.names) - {"trial", "recording"} - keys.get(stream, {"device_time_ns"})
        assert {column.name for column in COLUMNS[stream]} == expected, stream
        for column in COLUMNS[stream]:
            field = kind.field(column.name)
            length = field.type.list_size if pa.types.is_fixed_size_list(field.type) else 1
            width = int(field.metadata[b"shape"].split(b"x")[-1]) if column.is_vector else 1
            assert not column.parts or len(column.parts) * width == length, column


@given(st.lists(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=50), min_size=1, max_size=5))
def test_quantiles_in_constant_memory(parts):
    spread = Spread()
    for part in parts:
        spread.add(np.array(part, np.float32))
    values = np.sort(np.concatenate([np.array(part, np.float32) for part in parts]))
    for share in (0.5, 0.95, 1.0):
        exact = float(np.quantile(values, share, method="inverted_cdf"))
        assert spread.quantile(share) == pytest.approx(exact, rel=0.011, abs=1e-9)


PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "compare-datasets.md"


def test_the_page_names_all_that_does_not_count():
    table = PAGE.read_text(encoding="utf-8").split("## What does not count")[1]
    for name, why in NOT_COUNTED.items():
        assert f"| {' '.join(f'`{word}`' for word in name.split())} | {why} |" in table


def test_the_code_of_the_page_runs(base, copy, monkeypatch):
    monkeypatch.chdir(copy.parent)
    shutil.copytree(base, "A")
    change_arrays(copy, MOTION, joints_mm=add(np.s_[:, WRIST, 1], 2.0))
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names = {}
    exec(compile(code, PAGE.name, "exec"), names)
    assert names["found"].same is False
    assert names["far"] == {TRIAL: 2.0}
