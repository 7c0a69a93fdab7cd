"""Shared by all tests: where the real recordings lie, and the second environment's marker."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine is says nothing of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_DEFAULT_REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "real"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("VIODAT_REAL_DATA", _DEFAULT_REAL_DATA))
    if not folder.is_dir():
        pytest.skip(f"real recordings are absent: {folder} does not exist (set VIODAT_REAL_DATA)")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if importlib.util.find_spec("mediapipe") is None:
        skip = pytest.mark.skip(reason="needs the extra 'mediapipe': make test-mediapipe")
        for item in items:
            if item.get_closest_marker("mediapipe"):
                item.add_marker(skip)
