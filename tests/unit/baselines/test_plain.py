"""The equations in plain PyTorch that benchmarks/speed/models.py times the models against are the models' own."""

import importlib
from pathlib import Path

import pytest

SPEED = Path(__file__).parents[3] / "benchmarks" / "speed"


@pytest.mark.parametrize("name", ["mixste", "poseformerv2", "mhformer", "pstmo", "stridedformer", "viopose"])
def test_plain_equations_give_the_same(name, monkeypatch):
    monkeypatch.syspath_prepend(str(SPEED))
    pairs = importlib.import_module("plain.pairs")
    ours, plain = pairs.PAIRS[name].made(True)
    pairs.check_same(name, ours, plain, 2)
