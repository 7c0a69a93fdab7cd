"""Names in capture.toml that nothing recorded has: told with their line, what is meant, and as what they are."""

from types import SimpleNamespace

from tests.unit.build.trials import recording
from viodat.build.unknown_names import unknown_names
from viodat.capture.config import load_config

LAYOUT = SimpleNamespace(
    recordings=[recording("C01").files, recording("C02").files, recording("M01").files],
    trials=[SimpleNamespace(id="P05T28")],
)


def told(tmp_path, text: str, layout=LAYOUT) -> list[str]:
    path = tmp_path / "capture.toml"
    path.write_text(text)
    return list(unknown_names(layout, load_config(path), path))


def test_a_misspelt_device_is_told_with_its_line_and_the_nearest_one(tmp_path):
    (found,) = told(tmp_path, '[capture]\nname = "x"\n[sync]\noffset_s = {C1 = 0.5, C02 = 1.0}\n')
    assert found.startswith("line 4: [sync] offset_s names C1, and there is no recording by that device; did you mean")


def test_a_misspelt_recording_and_trial_are_called_so(tmp_path):
    text = '[sync.timecode]\nP05T82 = "10:22:31:04"\n\n[sync.recordings.P05C01T29]\noffset_s = 1.0\n'
    recordings, trials = told(tmp_path, text)
    assert recordings.startswith("line 4: [sync.recordings] names P05C01T29, and there is no such recording; did you")
    assert "mean 'P05C01T28'?" in recordings
    assert trials.startswith("line 2: [sync.timecode] names P05T82, and there is no such trial; did you mean 'P05T28'?")


def test_what_is_there_is_no_finding_and_many_names_are_not_listed(tmp_path):
    assert told(tmp_path, "[microphones.M01]\nplace_mm = [0, 0, 900]\n[sync]\noffset_s = {C01 = 0.5}\n") == []
    many = SimpleNamespace(recordings=[recording(f"C{n}").files for n in range(10, 40)], trials=[])
    (found,) = told(tmp_path, '[audio]\nbest_microphone = "violin"\n', many)
    assert found == "line 2: [audio] best_microphone names violin, and there is no recording by that device"
