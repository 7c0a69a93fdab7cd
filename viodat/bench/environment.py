"""What a run was made with: machine, libraries, and the state of viodat's own code."""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import resource
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from viodat._version import __version__
from viodat.bench.sources import prediction_sha256

_BASELINES: Final = "viodat.baselines."
_KIB_PER_MB: Final = 1024
_CLEAR: Final = Path("/proc/self/clear_refs")
_STATUS: Final = Path("/proc/self/status")


def code_sha256(module: str) -> str:
    """Give a digest of what makes predictions: viodat's own code, and all files beside a model's module.

    Parameters
    ----------
    module
        That the model's class is from, imported.
    """
    source = importlib.import_module(module).__file__
    folders: list[Path] = []
    if source is not None and not Path(source).is_relative_to(Path(__file__).parent):
        folders = [Path(source).parent]
        if module.startswith(_BASELINES):
            folders.append(folders[0].parent / "parts")
    return prediction_sha256(path for folder in folders for path in sorted(folder.glob("*.py")))


def environment(device: str) -> dict[str, str]:
    """Give where a run was made: device, processor, threads, versions."""
    import torch

    return {
        "viodat": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        **{name: version(name) for name in ("torch", "numpy", "scipy", "numba")},
    }


def forget_peak_memory(device: str) -> None:
    """Let the next :func:`peak_memory_mb` tell of what comes from now on, where the system can."""
    import torch

    with contextlib.suppress(OSError):
        _CLEAR.write_text("5")
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak_memory_mb(device: str) -> dict[str, float]:
    """Give the most memory that this process has held, and that it has held on its GPU."""
    import torch

    found = {"process": round(_peak_kib() / _KIB_PER_MB, 1)}
    if device == "cuda":
        found["gpu"] = round(torch.cuda.max_memory_allocated() / _KIB_PER_MB**2, 1)
    return found


def _peak_kib() -> float:
    try:
        (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return float(line.split()[1])
    except (OSError, ValueError):
        # Not on Linux; macOS counts bytes.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / _KIB_PER_MB if sys.platform == "darwin" else float(peak)
