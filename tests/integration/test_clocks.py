"""Clocks through a whole build: estimated, doubted, refused; and what a failure or an interruption leaves."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import viodat
from viodat.build import BuildOptions, ThisProcess, build_dataset, prepare, report
from viodat.build import trial as reading
from viodat.build.prepare import trial_offers
from viodat.build.raw import open_raw
from viodat.cli.app import app
from viodat.clock import Evidence, TrialEvidence, gather
from viodat.errors import ConfigError, DatasetError, ViodatError

ONE = BuildOptions(trials=("P04T01",), sync="auto", joint_centres="pig")


def believed(offered: TrialEvidence) -> Evidence:
    """Take what capture.toml says for all there is, and for likely: here the build is tested, not the estimate."""
    evidence = gather(offered, ("claims",))
    sure = (replace(one, hypotheses=(replace(one.hypotheses[0], log_odds=9.0),)) for one in evidence.observations)
    return replace(evidence, observations=tuple(sure))


@pytest.fixture
def only_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build with what capture.toml says alone."""
    monkeypatch.setattr(reading, "gather", believed)


def rewrite(raw: Path, old: str, new: str) -> None:
    config = raw / "capture.toml"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))


@pytest.fixture
def seen(raw_copy: Path) -> Path:
    """A capture whose offsets were read off the pictures, as the twin's are."""
    assert 'sigma_ms = 2.0\nof = "picture"' in (raw_copy / "capture.toml").read_text()
    rewrite(raw_copy, 'method = "given"\n', "")
    return raw_copy


@pytest.mark.usefixtures("only_claims")
def test_offsets_of_capture_toml_are_evidence_for_an_estimate(seen, demo_out, tmp_path):
    result = build_dataset(seen, tmp_path / "out", options=ONE)
    assert result.exclusions == ()
    ds = viodat.open_dataset(tmp_path / "out")
    assert ds.info["options"]["sync"] == "auto"
    row = ds.recordings.set_index("recording").loc["P04C01T01"]
    stated = viodat.open_dataset(demo_out).recordings.set_index("recording").loc["P04C01T01"]
    assert (row["status"], row["sync_method"]) == ("built", "capture.toml")
    assert row["offset_s"] - row["skew_ms"] / 1e3 == pytest.approx(stated["offset_s"], abs=1e-4)
    assert row["sigma_ms"] == pytest.approx(2.0, abs=0.3)
    assert row["skew_sigma_ms"] > 15
    assert row["confidence"] > 0.95
    assert row["drift_sigma_ppm"] > 0
    # Sound and picture have their own clocks, on both of which the times are.
    video, audio = ds.video("P04C01T01"), ds.audio("P04C01T01")
    assert video.time_ns is not None
    seen = (video.device_time_ns / 1e9 - row["skew_ms"] / 1e3) * (1 + row["drift_ppm"] * 1e-6) + row["offset_s"]
    np.testing.assert_allclose(video.time_ns / 1e9, seen, atol=2e-9)
    heard = audio.device_time_ns / 1e9 * (1 + row["drift_ppm"] * 1e-6) + row["offset_s"]
    np.testing.assert_allclose(audio.time_ns / 1e9, heard, atol=2e-9)
    assert ds.verify().ok


@pytest.mark.usefixtures("only_claims")
def test_an_uncertain_clock_keeps_its_recording_out_of_windows_only(raw_copy, tmp_path):
    rewrite(raw_copy, "sigma_ms = 2.0", "sigma_ms = 40.0")
    build_dataset(raw_copy, tmp_path / "out", options=ONE)
    ds = viodat.open_dataset(tmp_path / "out")
    (row,) = ds.exclusions.to_dict("records")
    assert (row["recording"], row["stage"]) == ("P04C01T01", "clocks")
    assert row["value"] > 40 > row["limit"]
    assert set(ds.recordings["status"]) == {"uncertain"}
    assert ds.video("P04C01T01").valid.any()
    assert len(ds.audio("P04C01T01").time_ns)
    with pytest.raises(DatasetError, match="1 uncertain"):
        viodat.PoseWindows(ds, split="train", frames=30)
    page = (tmp_path / "out" / "reports" / "trials" / "P04T01.html").read_text()
    assert "P04C01T01 is not trained on (clocks): clock_sigma_ms is" in page
    assert "uncertain" in page
    card = (tmp_path / "out" / "README.md").read_text()
    assert "1 of the recordings have no clock certain enough to train on" in card
    assert "left out" not in card.split("## What is in it")[0]
    assert "left out" not in page.split("P04C01T01 is not trained on")[0].split("<main")[-1]


@pytest.mark.usefixtures("only_claims")
def test_a_recording_that_nothing_tells_of_is_listed_with_the_reason(raw_copy, tmp_path):
    text = (raw_copy / "capture.toml").read_text()
    (raw_copy / "capture.toml").write_text(text[: text.index("[sync]")])
    result = build_dataset(raw_copy, tmp_path / "out", options=BuildOptions(trials=("P04T01",)))
    assert result.trials == 1
    (row,) = result.exclusions
    assert (row["recording"], row["stage"]) == ("P04C01T01", "clocks")
    assert "its clock is unknown" in row["reason"]
    ds = viodat.open_dataset(tmp_path / "out")
    assert set(ds.recordings["status"]) == {"unsynchronised"}
    assert ds.video("P04C01T01").time_ns is None


def test_all_kinds_of_evidence_are_asked_and_nothing_far_off_is_built(demo_raw, demo_out, tmp_path):
    """3 s tell little: there need be no answer, but one that is sure of itself must be right."""
    build_dataset(demo_raw, tmp_path / "out", options=ONE)
    ds = viodat.open_dataset(tmp_path / "out")
    row = ds.recordings.set_index("recording").loc["P04C01T01"]
    assert not any("please report this" in reason for reason in ds.exclusions["reason"])
    if row["status"] == "built":
        stated = viodat.open_dataset(demo_out).video("P04C01T01").time_ns
        assert np.abs(ds.video("P04C01T01").time_ns - stated).max() < 4e6 * max(row["sigma_ms"], 5.0)


def test_evidence_that_fails_costs_its_trials_clocks_only(seen, tmp_path, monkeypatch):
    first = []

    def failing(offered, *_):
        place = offered.motion.joints_mm[0, 0].tolist()
        first.append(place)
        if place == first[0]:
            raise ValueError("a fault of ours")
        return believed(offered)

    monkeypatch.setattr(reading, "gather", failing)
    options = replace(ONE, trials=("P04T01", "P04T02"))
    result = build_dataset(seen, tmp_path / "out", options=options)
    assert result.trials == 2
    (row,) = result.exclusions
    assert row["recording"] == "P04C01T01"
    assert "unexpected ValueError: a fault of ours (please report this)" in row["reason"]
    assert result.faults == ("unexpected ValueError: a fault of ours (please report this), met at P04T01",)
    ds = viodat.open_dataset(tmp_path / "out")
    assert list(ds.recordings["status"]) == ["unsynchronised", "built"]
    assert len(ds.motion("P04T01").time_ns)


@pytest.mark.parametrize("when", ["digests", "read", "written"])
@pytest.mark.usefixtures("only_claims")
def test_an_interruption_in_either_pass_leaves_nothing_but_the_cache(demo_raw, tmp_path, when):
    def interrupt(done: int, total: int, what: str) -> None:
        if when in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_dataset(demo_raw, tmp_path / "out", options=ONE, progress=interrupt)
    assert {path.name for path in tmp_path.iterdir()} <= {".out.cache"}


@pytest.mark.usefixtures("only_claims")
def test_progress_counts_trials_in_both_passes(demo_raw, tmp_path):
    told = []
    options = replace(ONE, trials=("P04T01", "P04T02"))
    build_dataset(demo_raw, tmp_path / "out", options=options, progress=lambda *step: told.append(step))
    assert [step for step in told if "digests" not in step[2]] == [
        (0, 2, "0 read"),
        (1, 2, "P04T01 read"),
        (2, 2, "P04T02 read"),
        (0, 2, "0 written"),
        (1, 2, "P04T01 written"),
        (2, 2, "P04T02 written"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.cache", "out"]
    assert not list((tmp_path / "out").rglob(".*"))


@pytest.mark.usefixtures("only_claims")
def test_same_capture_same_bytes(demo_raw, tmp_path):
    for name in ("a", "b"):
        build_dataset(demo_raw, tmp_path / name, options=ONE)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert files
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


@pytest.mark.usefixtures("only_claims")
def test_the_command_line_says_which_recordings_are_not_trained_on(raw_copy, tmp_path, monkeypatch):
    # A process of its own would not know that only claims count.
    monkeypatch.setattr("viodat.build.LocalPool", lambda *_: ThisProcess())
    rewrite(raw_copy, "sigma_ms = 2.0", "sigma_ms = 40.0")
    words = ["build", "--raw", str(raw_copy), "--out", str(tmp_path / "out"), "--trial", "P04T01", "--sync", "auto"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0
    assert "not trained on: P04C01T01 (clocks): clock_sigma_ms is" in result.output
    assert "built 1 trial and 1 recording" in result.output


def test_the_command_line_tells_of_recordings_without_a_clock_by_the_method_in_force(raw_copy, tmp_path):
    """Offsets of one phone and a build with --sync given; and the other way round no offset is missed."""
    text = (raw_copy / "capture.toml").read_text()
    (raw_copy / "capture.toml").write_text(text[: text.index("[sync]")] + "[sync]\noffset_s = {C01 = 0.5}\n")
    soundfile.write(raw_copy / "P04" / "P04M01T01.wav", np.random.default_rng(0).normal(0, 0.1, 44100), 44100)
    words = ["build", "--raw", str(raw_copy), "--out", str(tmp_path / "out"), "--trial", "P04T01", "--sync"]
    result = CliRunner().invoke(app, [*words, "given", "--joint-centres", "pig"])
    assert result.exit_code == 0, result.output
    assert "built 1 trial and 2 recordings, 1 of them without a clock, in " in result.output.replace("\n", " ")
    (line,) = [line for line in result.output.splitlines() if "P04M01T01" in line]
    assert "not trained on: P04M01T01 (clocks): its clock is unknown" in line
    assert "give it in capture.toml [sync] offset_s = {M01 = ...}" in line
    ds = viodat.open_dataset(tmp_path / "out")
    assert dict(zip(ds.recordings["recording"], ds.recordings["status"], strict=True)) == {
        "P04C01T01": "built", "P04M01T01": "unsynchronised",
    }  # fmt: skip
    assert list(ds.exclusions["recording"]) == ["P04M01T01"]
    page = (tmp_path / "out" / "reports" / "index.html").read_text()
    assert "P04M01T01: no offset in capture.toml" in page


@pytest.mark.usefixtures("only_claims")
def test_no_offset_is_missed_where_clocks_are_estimated(raw_copy, tmp_path):
    soundfile.write(raw_copy / "P04" / "P04M01T01.wav", np.random.default_rng(0).normal(0, 0.1, 44100), 44100)
    result = build_dataset(raw_copy, tmp_path / "out", options=ONE)
    assert (result.recordings, result.unsynchronised) == (2, 1)
    assert not [note for note in result.notes if "no offset" in note]
    assert "no offset" not in (tmp_path / "out" / "reports" / "index.html").read_text()


def test_given_clocks_of_devices_that_are_not_there_are_refused_before_any_work(raw_copy, tmp_path):
    text = (raw_copy / "capture.toml").read_text()
    sync = '[sync]\nmethod = "given"\noffset_s = {C1 = 0.5}\n'
    (raw_copy / "capture.toml").write_text(text[: text.index("[sync]")] + sync)
    with pytest.raises(ConfigError, match="gives offsets of C1, and there are recordings by C01 only"):
        build_dataset(raw_copy, tmp_path / "out", options=replace(ONE, sync=None))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("only_claims")
def test_no_trial_is_in_memory_while_the_next_is_taken_up(seen, tmp_path, monkeypatch):
    """In either pass: counted where a trial comes in, not where one is done with."""
    sounds: list[weakref.ref] = []
    alive = []
    read = prepare.read_pass

    def watched(*args):
        gc.collect()
        alive.append(sum(sound() is not None for sound in sounds))
        joined, result = read(*args)
        sounds.extend(weakref.ref(one.sound.samples) for one in result.recordings if one.sound is not None)
        return joined, result

    monkeypatch.setattr(prepare, "read_pass", watched)
    build_dataset(seen, tmp_path / "out", options=replace(ONE, trials=("P04T01", "P04T02")))
    assert len(sounds) == 4
    assert alive == [0, 0, 0, 0]


def test_given_clocks_that_nobody_gave_are_refused_before_any_work(raw_copy, tmp_path):
    text = (raw_copy / "capture.toml").read_text()
    (raw_copy / "capture.toml").write_text(text[: text.index("[sync]")])
    with pytest.raises(ConfigError, match="--sync given: capture.toml gives no offset"):
        build_dataset(raw_copy, tmp_path / "out", options=replace(ONE, sync="given"))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("only_claims")
def test_a_trial_that_cannot_be_drawn_leaves_nothing_but_its_rows(seen, tmp_path, monkeypatch):
    """Its streams, its sound and the figures that were drawn already go with it; the other trial stays whole."""
    draw = report.clock_page

    def refuse(out, shown, *args, **options):
        page = draw(out, shown, *args, **options)
        if shown.trial == "P04T01":
            assert page.figures
            raise ValueError("no such font")
        return page

    monkeypatch.setattr(report, "clock_page", refuse)
    options = replace(ONE, trials=("P04T01", "P04T02"))
    build_dataset(seen, tmp_path / "out", options=options)
    ds = viodat.open_dataset(tmp_path / "out")
    assert list(ds.trials["status"]) == ["excluded", "built"]
    (row,) = ds.exclusions.to_dict("records")
    assert (row["trial"], row["stage"]) == ("P04T01", "write")
    assert row["reason"] == "cannot be written: unexpected ValueError: no such font (please report this)"
    left = [path.name for path in (tmp_path / "out").rglob("*") if "P04T01" in path.name or "P04C01T01" in path.name]
    assert sorted(left) == ["P04T01.html", "P04T01.json"]
    assert list((tmp_path / "out" / "reports" / "clocks").glob("P04T02-*"))
    assert ds.verify().ok


def test_what_a_trial_offers_can_be_read_without_a_build(raw_copy):
    raw = open_raw(raw_copy)
    files = next(trial for trial in raw.layout.trials if trial.id == "P04T01")
    offered = trial_offers(files, raw, ONE)
    assert [device.name for device in offered.devices] == sorted({one.device for one in files.recordings})
    assert offered.motion is not None
    assert offered.motion.seconds > 1


def test_a_trial_that_is_left_out_offers_nothing(raw_copy):
    (raw_copy / "P04" / "P04T01.c3d").write_bytes(b"nothing")
    raw = open_raw(raw_copy)
    files = next(trial for trial in raw.layout.trials if trial.id == "P04T01")
    with pytest.raises(ViodatError, match="P04T01"):
        trial_offers(files, raw, ONE)
