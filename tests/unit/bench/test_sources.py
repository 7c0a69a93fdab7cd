"""What a run is known by: all of viodat's code that makes its predictions."""

import ast
from pathlib import Path

import viodat
from viodat.bench.sources import _PREDICTED_BY, _STORED_BY, prediction_sha256, store_sha256

ROOT = Path(viodat.__file__).parent
# They keep, name or score what others make.
WITHOUT_A_SAY = {"bench/checkpoint.py", "bench/compiled.py", "bench/poses.py", "bench/registry.py", "bench/sources.py"}


def imported(name):
    """Give all modules of viodat.bench that a file imports, and those that they import."""
    found, waiting = set(), [name]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("viodat.bench."):
                waiting.append("/".join(node.module.split(".")[1:]) + ".py")
    return found


def test_nothing_that_trains_or_predicts_is_forgotten():
    assert imported("bench/staged.py") | imported("bench/floors.py") == WITHOUT_A_SAY | {
        name for name in _PREDICTED_BY if name.startswith("bench/")
    }
    assert set(_STORED_BY) < set(_PREDICTED_BY)


def test_another_file_is_another_digest(tmp_path):
    one = tmp_path / "model.py"
    one.write_text("a = 1\n")
    first = prediction_sha256([one])
    assert prediction_sha256([one]) == first != prediction_sha256([]) != store_sha256()
    one.write_text("a = 2\n")
    assert prediction_sha256([one]) != first
