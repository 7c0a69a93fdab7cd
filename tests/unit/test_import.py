"""``import viodat`` is cheap, and the heavy libraries stay in their rooms."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import viodat

HEAVY = ("torch", "pandas", "pyarrow", "librosa", "matplotlib", "cv2", "av", "ezc3d", "numba")


def _loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_import_viodat_loads_no_heavy_library():
    assert not _loaded_after("import viodat") & set(HEAVY)


def test_reading_a_dataset_does_not_load_torch():
    assert "torch" not in _loaded_after("import viodat; viodat.open_dataset")


def test_public_names_exist():
    import viodat.capture

    for module in (viodat, viodat.capture):
        for name in module.__all__:
            assert getattr(module, name) is not None


def test_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'open_datset'"):
        _ = viodat.open_datset


def test_every_package_is_installed():
    """An editable install hides a folder that pyproject.toml does not list."""
    root = Path(viodat.__file__).parent
    listed = tomllib.loads((root.parent / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(root.parent).parts) for path in root.rglob("__init__.py")}
    assert there - set(listed) == set()
    data = {path.suffix for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert data <= {".py", ".html", ".json", ".toml", ".typed"}
