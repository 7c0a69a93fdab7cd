"""One small capture and one dataset for all integration tests; whoever changes them works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.twins import write_small_capture
from viodat.build import build_dataset


@pytest.fixture(scope="session")
def demo_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated raw capture of two participants; read only."""
    raw = tmp_path_factory.mktemp("demo") / "raw"
    write_small_capture(raw)
    return raw


@pytest.fixture(scope="session")
def demo_out(demo_raw: Path) -> Path:
    """The dataset built from it; read only."""
    out = demo_raw.parent / "out"
    build_dataset(demo_raw, out)
    return out


@pytest.fixture
def raw_copy(demo_raw: Path, tmp_path: Path) -> Path:
    """A copy of the capture, to spoil."""
    return Path(shutil.copytree(demo_raw, tmp_path / "raw"))
