"""docs/how-to/read-without-viodat.md: its lines run, without viodat, and give what viodat reads."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import viodat

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "read-without-viodat.md"
TOOLS = ("DuckDB", "polars", "pandas", "datasets", "Croissant")
RIGHT_WRIST = 11

# What each part of the page made, as JSON; of frames (split, trial, frames) and of one trial its numbers.
_TELLS = {
    "DuckDB": """
told = {
    "frames": frames.values.tolist(),
    "wrist_mm": [[float(x) for x in row] for row in wrist[wrist["trial"] == TRIAL]["wrist_mm"]],
}
""",
    "polars": """
told = {
    "frames": frames.select("split", "trial", "frames").rows(),
    "wrist_mm": wrist.filter(pl.col("trial") == TRIAL).sort("time_ns")["joints_mm"].to_list(),
}
""",
    "pandas": """
told = {
    "frames": frames.values.tolist(),
    "wrist_mm": joints_mm[(motion["trial"] == TRIAL).to_numpy(), 11].tolist(),
}
""",
    "datasets": """
told = {
    "frames": [[row["split"], row["trial"], row["frames"]] for row in trials],
    "wrist_mm": motion.filter(lambda row: row["trial"] == TRIAL)[:]["joints_mm"].reshape(-1, 18, 3)[:, 11].tolist(),
}
""",
    "Croissant": """
records = [record for record in mlc.Dataset(jsonld="OUT/croissant.json").records("motion")]
counted = {}
for record in records:
    key = (record["motion/split"].decode(), record["motion/trial"].decode())
    counted[key] = counted.get(key, 0) + 1
told = {
    "frames": [[*key, count] for key, count in counted.items()],
    "wrist_mm": [
        [float(x) for x in record["motion/joints_mm"][33:36]]
        for record in records if record["motion/trial"] == TRIAL.encode()
    ],
}
""",
}


def code_of(tool: str) -> str:
    """The Python of one part of the page."""
    part = PAGE.read_text(encoding="utf-8").split(f"\n## {tool}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"^```python\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    return code


@pytest.fixture(scope="module")
def folder(demo_out, tmp_path_factory):
    """A working folder with a dataset OUT in it."""
    place = tmp_path_factory.mktemp("reading")
    (place / "OUT").symlink_to(demo_out, target_is_directory=True)
    return place


@pytest.mark.parametrize("tool", TOOLS)
def test_the_lines_of_the_page_read_what_viodat_reads(folder, tool):
    dataset = viodat.open_dataset(folder / "OUT")
    trials = dataset.trials
    trial = trials[trials["split"] == "train"]["trial"].iloc[0]
    program = f"TRIAL = {trial!r}\n{code_of(tool)}\n{_TELLS[tool]}\nimport json\nprint('TOLD' + json.dumps(told))"
    blocked = "import sys\nsys.modules['viodat'] = None\n"
    run = subprocess.run(
        [sys.executable, "-c", blocked + program],
        cwd=folder,
        env={**os.environ, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.split("TOLD")[1], parse_constant=lambda name: np.nan)
    assert sorted(map(tuple, told["frames"])) == sorted(
        zip(trials["split"], trials["trial"], trials["frames"], strict=True)
    )
    wrist = np.array([[np.nan if x is None else x for x in row] for row in told["wrist_mm"]], np.float32)
    np.testing.assert_array_equal(wrist, dataset.motion(trial).joints_mm[:, RIGHT_WRIST])


@pytest.mark.parametrize("tool", TOOLS)
def test_four_lines_are_enough(tool):
    lines = [line for line in code_of(tool).splitlines() if line.strip()]
    assert len(lines) <= 4
    assert "viodat" not in "".join(lines)
