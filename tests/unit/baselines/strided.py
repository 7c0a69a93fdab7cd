"""What the tests of P-STMO and StridedFormer share: norms of all that the published code has after training steps."""

import re

from torch import nn
from viodat.baselines.parts.strided import UNUSED

from tests.unit.baselines.published import Names, Published


def assert_state_norms(network: nn.Module, names: Names, published: Published, within: float) -> None:
    """Parameters and buffers have the published norms; those that are not used officially are not ours."""
    found = {}
    for ours, value in network.state_dict().items():
        parts = value.chunk(len(names[ours])) if value.dim() else [value]
        found.update(zip(names[ours], parts, strict=True))
    for name, norm in published.group("norm").items():
        if any(re.fullmatch(pattern, name) for pattern in UNUSED) and name not in found:
            continue
        apart = abs(float(found.pop(name).double().norm()) - float(norm))
        assert apart <= within * max(1.0, float(norm)), name
    assert not found
