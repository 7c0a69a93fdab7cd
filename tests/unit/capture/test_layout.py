"""What a raw folder is understood to hold: trials, recordings, what is missing, what nothing explains."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from viodat.capture.config import CaptureConfig
from viodat.capture.layout import CaptureLayout
from viodat.errors import ConfigError

VIODAT: list[str] = []
for _line in """
participants.csv capture.toml calibration/room.toml
P05/P05_static.c3d P05/P05_rom.c3d P05/P05.vsk
P05/P05T28.c3d P05/P05C01T28.mp4 P05/P05C02T28.MOV P05/P05M01T28.wav P05/P05C01T28.keypoints.npz
P05/P05T29.c3d P05/P05C01T29.m4a P05/P05C01T29.frames.csv P05/P05C02T29.mp4 P05/P05M01T29.wav
P13/P13_static.c3d P13/P13T01.c3d P13/P13C01T01.mp4 P13/P13C02T01.mp4 P13/P13M01T01.wav
""".splitlines():
    VIODAT += _line.split()


def folder(root: Path, paths: list[str], table: str = "participant,sex\nP05,f\nP13,m\n") -> Path:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(table if path == "participants.csv" else "")
    return root


def config(**tables: object) -> CaptureConfig:
    return CaptureConfig.model_validate(tables)


def without(*names: str) -> list[str]:
    return [path for path in VIODAT if path not in names]


def test_the_viodat_layout_needs_no_configuration(tmp_path):
    layout = CaptureLayout.scan(folder(tmp_path, VIODAT))
    assert [trial.id for trial in layout.trials] == ["P05T28", "P05T29", "P13T01"]
    first, second, third = layout.trials
    assert (first.participant, first.marker_file) == ("P05", tmp_path / "P05/P05T28.c3d")
    assert (first.static, first.rom) == (tmp_path / "P05/P05_static.c3d", tmp_path / "P05/P05_rom.c3d")
    assert (first.vsk, third.vsk, third.rom) == (tmp_path / "P05/P05.vsk", None, None)
    assert [r.id for r in first.recordings] == ["P05C01T28", "P05C02T28", "P05M01T28"]
    assert [r.kind for r in first.recordings] == ["camera", "camera", "microphone"]
    assert first.recordings[0].keypoints == tmp_path / "P05/P05C01T28.keypoints.npz"
    phone = second.recordings[0]
    assert (phone.video, phone.audio) == (None, tmp_path / "P05/P05C01T29.m4a")
    assert phone.frames_csv == tmp_path / "P05/P05C01T29.frames.csv"
    assert (phone.participant, phone.trial, phone.device) == ("P05", "P05T29", "C01")
    assert layout.calibration == (tmp_path / "calibration/room.toml",)
    assert {name: person.sex for name, person in layout.participants.items()} == {"P05": "female", "P13": "male"}
    assert layout.missing == layout.unmatched == layout.notes == ()
    assert len(layout.recordings) == 9


def test_nothing_is_written_and_nothing_but_the_table_is_opened(tmp_path):
    folder(tmp_path, VIODAT)
    for path in tmp_path.rglob("*.c3d"):
        path.write_bytes(os.urandom(100))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    CaptureLayout.scan(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_order_in_which_files_were_made_does_not_matter(tmp_path):
    shuffled = [*VIODAT]
    random.Random(1).shuffle(shuffled)
    for name, paths in (("a", VIODAT), ("b", shuffled)):
        folder(tmp_path / name, [*paths, "notes.txt", "P05/P05C09T77.mp4"])
    one, other = CaptureLayout.scan(tmp_path / "a"), CaptureLayout.scan(tmp_path / "b")
    assert repr(one).replace(str(tmp_path / "a"), "") == repr(other).replace(str(tmp_path / "b"), "")


@pytest.mark.parametrize(
    ("lost", "what", "where", "text"),
    [
        ("P05/P05C02T29.mp4", "recording", "P05T29", "no recording by C02, which other trials have (expected P05/"),
        ("P13/P13C01T01.mp4", "recording", "P13T01", "no recording by C01"),
        ("P13/P13M01T01.wav", "recording", "P13T01", "(expected P13/P13M01T01.{m4a,wav"),
        ("P13/P13_static.c3d", "static", "P13", "no static trial (expected P13/P13_static.c3d)"),
        ("P05/P05T29.c3d", "trial", "P05C01T29", "there is no marker file of trial P05T29"),
        ("P05/P05C01T29.frames.csv", "frames", "P05C01T29", "neither video nor frame stamps"),
        ("calibration/room.toml", "calibration", "C01, C02", "no calibration file (expected calibration/*)"),
        ("P13/P13T01.c3d", "trial", "P13", "is in participants.csv, and there is no trial"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_what_was_expected(tmp_path, lost, what, where, text):
    missing = CaptureLayout.scan(folder(tmp_path, without(lost))).missing
    found = [miss for miss in missing if miss.what == what and miss.where == where]
    assert found, [str(miss) for miss in missing]
    assert text in str(found[0])


def test_a_device_is_expected_where_the_same_participant_has_it_and_not_of_others(tmp_path):
    layout = CaptureLayout.scan(folder(tmp_path, [*VIODAT, "P05/P05C10T28.mp4"]))
    assert [(miss.what, miss.where) for miss in layout.missing] == [("recording", "P05T29")]


def test_a_participant_without_row_is_named(tmp_path):
    layout = CaptureLayout.scan(folder(tmp_path, VIODAT, table="participant,sex\nP05,f\n"))
    assert [str(miss) for miss in layout.missing] == ["P13: has trials, and no row in participants.csv"]
    assert layout.participants["P13"].sex is None


def test_without_table_nobody_lacks_a_row(tmp_path):
    assert CaptureLayout.scan(folder(tmp_path, without("participants.csv"))).missing == ()


def test_a_recording_without_trial_is_kept_apart(tmp_path):
    layout = CaptureLayout.scan(folder(tmp_path, without("P05/P05T29.c3d")))
    assert "P05C01T29" in [recording.id for recording in layout.recordings]
    assert "P05C01T29" not in [recording.id for trial in layout.trials for recording in trial.recordings]


def test_names_in_the_configuration_that_nothing_has_are_told(tmp_path):
    layout = CaptureLayout.scan(
        folder(tmp_path, VIODAT),
        config(
            sync={"method": "given", "offset_s": {"C01": 0.0, "C1": 0.0}},
            cameras={"ids": {"C7": "x"}},
            audio={"best_microphone": "M02"},
            participants={"P99": {"sex": "f"}},
        ),
    )
    said = [str(miss) for miss in layout.missing]
    assert "capture.toml: [sync] offset_s names C1, and there is no recording of it" in said
    assert "capture.toml: [cameras] ids names C7, and there is no recording of it" in said
    assert "capture.toml: [audio] best_microphone names M02, and there is no recording of it" in said
    assert "P99: is in capture.toml [participants], and there is no trial of this participant" in said
    assert sum(miss.what == "offset" for miss in layout.missing) == 6


@pytest.mark.parametrize(("written", "sync", "missed"), [("given", "auto", 0), ("auto", "given", 6), ("auto", None, 0)])
def test_offsets_are_missed_where_the_method_in_force_needs_them(tmp_path, written, sync, missed):
    settings = config(sync={"method": written, "offset_s": {"C01": 0.0}})
    layout = CaptureLayout.scan(folder(tmp_path, VIODAT), settings, sync)
    assert sum(miss.what == "offset" for miss in layout.missing) == missed


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("P05/p05T30.c3d", "differs in upper and lower case from [files] trial"),
        ("P05/P05T30.trc", "has the extension .trc, unlike [files] trial"),
        ("P05/P05C01T28.avi", "has the extension .avi, unlike [files] video"),
        ("P05/P06T30.c3d", "has participant 'P05' and also 'P06', unlike [files] trial"),
        ("P05/P05Cam1T28.mp4", "has device 'Cam1', which [ids] device"),
        ("P05/P05take3.c3d", "has trial 'take3', which [ids] trial = 'T\\d+' does not match"),
        ("P05/raw/P05T30.c3d", "is in 'P05/raw', not in '{participant}', unlike [files] trial"),
        ("P05/P05C01T28.thm", "no pattern in capture.toml [files] explains it"),
        ("readme.txt", "no pattern in capture.toml [files] explains it"),
    ],
)
def test_a_file_that_no_pattern_explains_is_listed_with_the_likely_reason(tmp_path, path, hint):
    layout = CaptureLayout.scan(folder(tmp_path, [*VIODAT, path]))
    assert [miss.path for miss in layout.unmatched] == [path]
    assert hint in str(layout.unmatched[0])


def test_ignored_hidden_and_desktop_files_are_not_listed(tmp_path):
    paths = [*VIODAT, ".DS_Store", "P05/._P05T28.c3d", "Thumbs.db", ".git/config", "notes.txt", "old/P05T28.c3d"]
    layout = CaptureLayout.scan(folder(tmp_path, paths), config(files={"ignore": ["*.txt", "old/"]}))
    assert layout.unmatched == ()


def test_a_static_trial_may_be_a_trial(tmp_path):
    files = {"static": "{participant}/{participant}T01.c3d"}
    layout = CaptureLayout.scan(folder(tmp_path, ["P05/P05T01.c3d", "P05/P05T02.c3d"]), config(files=files))
    assert [trial.static for trial in layout.trials] == [tmp_path / "P05/P05T01.c3d"] * 2


def test_no_static_expected_none_missed(tmp_path):
    layout = CaptureLayout.scan(folder(tmp_path, ["P05/P05T01.c3d"]), config(files={"static": []}))
    assert layout.missing == ()


def test_keypoints_may_be_folders_and_ids_may_be_given(tmp_path):
    given = {"participant": "P00", "trial": "T01", "device": "C{n}"}
    files = {
        "trial": {"pattern": "points.trc", "participant": "P00", "trial": "T01"},
        "video": {"pattern": "videos/cam{n}.mp4", **given},
        "keypoints": {"pattern": "pose/cam{n}_json/", **given},
    }
    paths = ["points.trc", "videos/cam01.mp4", *(f"pose/cam01_json/{frame}.json" for frame in range(5))]
    layout = CaptureLayout.scan(folder(tmp_path, paths), config(files=files))
    assert layout.unmatched == ()
    assert layout.recordings[0].id == "P00C01T01"
    assert layout.recordings[0].keypoints == tmp_path / "pose/cam01_json"


@pytest.mark.parametrize(
    ("paths", "tables", "words"),
    [
        (["P05/P05T28.c3d", "P05/P05T28.C3D"], {}, ["T28.C3D", "T28.c3d", "both the trial file of P05T28"]),
        (["P05/P05T28.c3d", "P05/P05C01T28.mp4", "P05/P05C01T28.mov"], {}, ["both the video file of P05C01T28"]),
        (["P05/P05T28.c3d", "P05/a.vsk", "P05/b.vsk"], {}, ["P05/a.vsk", "P05/b.vsk", "both the vsk file"]),
        (
            ["a.c3d"],
            {"files": {"trial": [
                {"pattern": "a.c3d", "participant": "P01", "trial": "T01"},
                {"pattern": "*.c3d", "participant": "P01", "trial": "T02"},
            ]}},
            ["trial P01 T01 by 'a.c3d'", "trial P01 T02 by '*.c3d'"],
        ),
        (
            ["P05/P05T28.c3d", "P05/P05C01T28.mp4"],
            {"files": {"audio": "{participant}/{participant}{device}{trial}.mp4"}},
            ["video P05 C01 T28", "audio P05 C01 T28"],
        ),
        (
            ["P1/T11.c3d", "P11/T1.c3d"],
            {"files": {"trial": "{participant}/T{n}.c3d"}},
            ["does not tell the trial"],
        ),
        (
            ["P1/11.c3d", "P11/1.c3d"],
            {"ids": {"trial": r"\d+"}, "files": {"trial": "{participant}/{trial}.c3d"}},
            ["id P111 stands for two things"],
        ),
        (
            ["Ann Lee/1.c3d"],
            {"ids": {"participant": ".+", "trial": r"\d"}, "files": {"trial": "{participant}/{trial}.c3d"}},
            ["participant would be 'Ann Lee'"],
        ),
        (
            ["P05/P05T28.c3d", "x.mp4"],
            {"files": {"video": {"pattern": "x.mp4", "participant": "P05", "trial": "T28", "device": "phone"}}},
            ["device 'phone' is neither of [ids] camera"],
        ),
        (["P05/P05T28.c3d"], {"splits": {"test": ["P5"]}}, ["[splits] test names P5, who has no trial; there are P05"]),
        (
            ["P05/P05T28.c3d", "P06/P06T28.c3d"],
            {"splits": {"train": ["P05"]}},
            ["[splits] P06 is in neither train nor test"],
        ),
        (["notes.txt", "HC1/HC1_02.c3d"], {}, ["no trial among 2 files", "{participant}{trial}.c3d", "HC1/HC1_02.c3d"]),
        (["P05/P05take1.c3d"], {}, ["no trial among 1 files", "has trial 'take1'"]),
        ([], {}, ["holds no files", "P05/P05T28.c3d"]),
    ],
)  # fmt: skip
def test_contradictions_are_refused_naming_both_sides(tmp_path, paths, tables, words):
    folder(tmp_path, paths)
    if paths == ["P05/P05T28.c3d", "P05/P05T28.C3D"] and len(list((tmp_path / "P05").iterdir())) < 2:
        pytest.skip("this file system takes both names for one file")
    with pytest.raises((ConfigError, ValueError)) as caught:
        CaptureLayout.scan(tmp_path, config(**tables))
    for word in words:
        assert word in str(caught.value)


def test_no_folder_and_a_file_in_its_place_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        CaptureLayout.scan(tmp_path / "mocap")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        CaptureLayout.scan(tmp_path / "file")


def test_a_mistake_in_the_table_is_the_tables(tmp_path):
    with pytest.raises(ConfigError, match=r"participants\.csv: line 1: unknown column 'sxe'"):
        CaptureLayout.scan(folder(tmp_path, VIODAT, table="participant,sxe\n"))


def test_conflicts_of_table_and_configuration_are_noted(tmp_path):
    layout = CaptureLayout.scan(folder(tmp_path, VIODAT), config(participants={"P05": {"sex": "male"}}))
    assert layout.notes == ("P05: sex: capture.toml says male, participants.csv says female; male is used",)
    assert layout.participants["P05"].sex == "male"


def test_links_are_followed_out_of_the_folder_once_and_never_round(tmp_path):
    raw = folder(tmp_path / "raw", without("P13/P13T01.c3d"))
    disk = folder(tmp_path / "disk", ["P13T01.c3d"])
    for name, target in (("P06", disk), ("P07", disk), ("loop", raw), ("up", tmp_path), ("again", raw / "P05")):
        (raw / name).symlink_to(target, target_is_directory=True)
    (raw / "P05" / "P05T30.c3d").symlink_to(tmp_path / "gone.c3d")
    (disk / "back").symlink_to(raw, target_is_directory=True)
    layout = CaptureLayout.scan(raw)
    listed = {miss.path: miss.hint for miss in layout.unmatched}
    assert "P06/P13T01.c3d" in listed
    for link in ("P07", "loop", "up", "again", "P06/back"):
        assert listed[link] == "is a link to a folder that is here already"
    assert listed["P05/P05T30.c3d"] == "is a broken link or no regular file"
    assert len(layout.trials) == 2


def test_any_names_are_understood_or_refused(tmp_path):
    """Names made of the pieces of right names: never another error, and no file is lost."""
    rng = random.Random(4)
    pieces = ["P05", "p05", "P٣", "T28", "C01", "M1", "/", "//", "_static", ".", ".c3d", ".C3D", ".mp4", " ", "é",
              "\udcff", "\n", "*", "{", "keypoints", ".npz", "calibration", "participants.csv"]  # fmt: skip
    refused = 0
    for number in range(100):
        raw = tmp_path / str(number)
        folder(raw, ["P05/P05T28.c3d"])
        for _ in range(6):
            name = "/".join(part.strip(".") for part in "".join(rng.choices(pieces, k=5)).split("/") if part.strip("."))
            if name and not (raw / name).exists() and all(not p.is_file() for p in (raw / name).parents):
                folder(raw, [name])
        files = sum(path.is_file() for path in raw.rglob("*"))
        try:
            layout = CaptureLayout.scan(raw)
        except ConfigError as error:
            refused += 1
            message = str(error)
        else:
            message = "\n".join(map(str, (*layout.missing, *layout.unmatched)))
            explained = sum(
                file is not None
                for r in layout.recordings for file in (r.video, r.audio, r.keypoints, r.frames_csv)
            )  # fmt: skip
            statics = {trial.static for trial in layout.trials} - {None}
            assert files >= len(layout.unmatched) + len(layout.trials) + explained + len(statics)
        message.encode("utf-8")
    assert refused < 100


def test_names_that_nothing_recorded_has_are_told(tmp_path):
    config = CaptureConfig.model_validate(
        {"sync": {"timecode": {"P05T99": "10:00:00:00"}}, "microphones": {"M09": {"place_mm": [0, 0, 0]}}}
    )
    (tmp_path / "P05").mkdir()
    for name in ("P05T28.c3d", "P05C01T28.mp4"):
        (tmp_path / "P05" / name).write_bytes(b"x")
    missing = [str(item) for item in CaptureLayout.scan(tmp_path, config).missing if item.what == "device"]
    assert any("[sync.timecode] names P05T99" in text for text in missing)
    assert any("[microphones] names M09" in text for text in missing)


def test_links_that_lead_to_themselves_and_pipes_are_no_files(tmp_path):
    raw = folder(tmp_path / "raw", VIODAT)
    (raw / "P05" / "P05T30.c3d").symlink_to("P05T30.c3d")
    (raw / "one").symlink_to("two")
    (raw / "two").symlink_to("one")
    os.mkfifo(raw / "P05" / "P05C03T28.mp4")
    (raw / "P05" / "P05C04T28.mp4").symlink_to("/dev/zero")
    layout = CaptureLayout.scan(raw)
    listed = {miss.path: miss.hint for miss in layout.unmatched}
    names = ("P05/P05T30.c3d", "one", "two", "P05/P05C03T28.mp4", "P05/P05C04T28.mp4")
    assert listed == dict.fromkeys(names, "is a broken link or no regular file")


def test_names_that_no_table_can_hold_are_passed_over(tmp_path):
    raw = folder(tmp_path / "raw", VIODAT)
    odd = (b"P05T3\xff.c3d", b"P05C0\n1T28.mp4", b"P05\x1b[31mC01T29.mp4", b"x" * 251 + b".mp4")
    for name in odd:
        Path(os.fsdecode(os.fsencode(raw / "P05") + b"/" + name)).write_bytes(b"x")
    (raw / os.fsdecode(b"P\xff9")).mkdir()
    (raw / os.fsdecode(b"P\xff9/P09T01.c3d")).write_bytes(b"x")
    layout = CaptureLayout.scan(raw)
    assert len(layout.trials) == 3
    told = [str(miss) for miss in layout.unmatched]
    assert sum("has a character in its name that cannot be written" in text for text in told) == 4
    assert len(told) == 5
    assert all(text.isprintable() for text in told)


def test_who_agrees_is_not_passed_over(tmp_path):
    raw = folder(tmp_path / "raw", without("participants.csv"))
    (raw / "participants.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(ConfigError, match=r"participants\.csv is a broken link .* who agrees"):
        CaptureLayout.scan(raw)
