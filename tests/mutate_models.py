"""Whether the published numbers see a fault of a model: one thing changed in its source, and all compared again.

``python -m tests.mutate_models`` prints a table of all changes and of what tells each from the published system; it
exits with 1 if nothing does, or if the models as they are differ from their numbers. ``--write`` puts the table into
``docs/science/models.md``. Comparisons and tolerances are those of ``tests/unit/baselines``; dropout is off.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, Final

import torch
from torch import Tensor, nn

import viodat
from tests.unit.baselines.published import DATA, EXACT, Names, Published, batch_of, five_steps, without_dropout
from viodat.bench.joint_sets import H36M17

PACKAGE: Final = "viodat.baselines"
PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "science" / "models.md"
_PART: Final = re.compile(r"(<!-- mutations -->\n).*?(<!-- end mutations -->)", re.DOTALL)

_FLOOR: Final = 1e-3
"""Norms of gradients below it count as if they were it: 1e-9 of it is the 1e-12 that key biases may have."""


@dataclass(frozen=True)
class Subject:
    """A network that there are published numbers of.

    Attributes
    ----------
    fixture
        Name in ``tests/data/published_<name>.npz``.
    package
        Folder in ``baselines/``.
    load
        Function of the package that takes a published state.
    renamed
        Substitutions of the package's ``official`` module that lead to official names; none: the network knows them.
    inputs, outputs, target
        Arrays of the file: what ``official_forward`` takes, what it returns, what ``official_loss`` is given.
    aux
        Other arguments of the loss -> array.
    scaled
        Whether gradients of the five steps are multiplied by the loss.
    unit_mm
        Of the published outputs; 1 also where they are no lengths.
    counts
        Class, options and published number of parameters at the paper's size, without those that are not used.
    strides
        Frames -> strides of the paper's layers.
    dropped
        Kind (numbers or branches) and probability -> how often a training step of the small configuration drops so.
    centre
        Whether the middle frame alone is scored.
    """

    fixture: str
    package: str
    load: str = "from_official"
    renamed: str = ""
    inputs: tuple[str, ...] = ("input",)
    outputs: tuple[str, ...] = ("output_f64",)
    target: str = "target"
    aux: Mapping[str, str] = field(default_factory=dict)
    scaled: bool = False
    unit_mm: float = 1000.0

    counts: tuple[tuple[str, dict[str, Any], int], ...] = ()
    strides: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    dropped: Mapping[tuple[str, float], int] = field(default_factory=dict)
    centre: bool = True

    @property
    def published(self) -> Published:
        """The numbers."""
        return _read(self.fixture)


@cache
def _read(fixture: str) -> Published:
    return Published(fixture)


_H36M: Final = {"joints": H36M17}
_SPATIAL: Final = {"pose_encoder": "spatial"}
_SILENT: Final = {"audio": "none"}
_VIOPOSE: Final[dict[str, Any]] = {
    "package": "viopose",
    "inputs": ("input_pose", "input_audio"),
    "outputs": ("out_pose_f64", "out_vel_f64", "out_acc_f64"),
    "target": "gt",
    "unit_mm": 1.0,
    "centre": False,
}
SUBJECTS: Final = {
    "MixSTE": Subject(
        "mixste_j17_t9",
        "mixste",
        aux={"w_mpjpe": "w_mpjpe"},
        scaled=True,
        counts=(("MixSte", _H36M, 33_783_811), ("MixSte", {}, 33_784_323)),
        dropped={("branch", 0.05): 4, ("branch", 0.1): 4},
        centre=False,
    ),
    "PoseFormerV2": Subject(
        "poseformerv2_j17_t9",
        "poseformerv2",
        counts=(("PoseFormerV2", _H36M, 14_362_279), ("PoseFormerV2", {}, 16_094_442)),
        # Two branches of the last block over joints, three of the last mixed one.
        dropped={("branch", 0.1): 5},
    ),
    "MHFormer": Subject(
        "mhformer_j17_t27",
        "mhformer",
        counts=(("MHFormer", _H36M, 31_516_125), ("MHFormer", {}, 31_525_914)),
        # Of each encoder the position, and three places in each of four blocks; three positions; five in each of three
        # layers. Two branches a block of each encoder, four a layer.
        dropped={
            ("number", 0.1): 3 * (1 + 4 * 3) + 3 + 3 * 5,
            ("number", 0.25): 3,
            ("branch", 0.0667): 6,
            ("branch", 0.1333): 6,
            ("branch", 0.1): 4,
            ("branch", 0.2): 6 + 4,
        },
    ),
    "P-STMO": Subject(
        "pstmo_j17_t9",
        "pstmo",
        renamed="ENCODER",
        outputs=("output_f64", "output_vte_f64"),
        counts=(("PStmo", _H36M, 7_009_382 - 1024), ("PStmo", {}, 7_011_948 - 1024)),
        # Four places in each of three layers of either kind, three in the frame encoder.
        dropped={("number", 0.1): 2 * 3 * 4 + 3},
        strides={9: (1, 3, 3), 27: (3, 3, 3), 81: (3,) * 4, 243: (3,) * 5},
    ),
    "P-STMO, pre-training": Subject(
        "pstmo_mae_j17_t9",
        "pstmo",
        load="pretrain_from_official",
        renamed="MASKED",
        inputs=("input", "mask", "spatial_mask"),
        target="input",
        aux={"mask": "mask"},
        unit_mm=1.0,
        counts=(("MaskedPStmo", _H36M, 3_315_620 - 768), ("MaskedPStmo", {}, 3_316_902 - 768)),
        # As above, with three layers and two in the decoder.
        dropped={("number", 0.1): 5 * 4 + 3},
    ),
    "StridedFormer": Subject(
        "strided_j17_t27",
        "stridedformer",
        renamed="ENCODER",
        outputs=("output_f64", "output_vte_f64"),
        counts=(("StridedFormer", _H36M, 4_346_214 - 1024), ("StridedFormer", {}, 4_348_268 - 1024)),
        dropped={("number", 0.1): 2 * 3 * 4, ("number", 0.25): 1},
        strides={27: (3, 3, 3), 351: (3, 9, 13)},
    ),
    "StridedFormer, refinement": Subject(
        "refine_j17",
        "stridedformer",
        load="refine_from_official",
        renamed="REFINEMENT",
        inputs=("input_x", "input_x1"),
        dropped={("number", 0.5): 1},
    ),
    "VioPose": Subject(
        "viopose_small",
        **_VIOPOSE,
        counts=(("VioPose", {}, 8_399_104), ("VioPose", _SPATIAL, 6_853_072)),
        # After the GELU of each of fifteen blocks, and after attention in the three of the pose encoder.
        dropped={("number", 0.1): 5 * 3 + 3},
    ),
    "VioPose without sound": Subject(
        "viopose_small_noaudio",
        **_VIOPOSE,
        counts=(("VioPose", _SILENT, 6_554_594), ("VioPose", {**_SPATIAL, **_SILENT}, 5_008_562)),
        dropped={("number", 0.1): 4 * 3 + 3},
    ),
}


@dataclass(frozen=True)
class Mutation:
    """One thing changed in the source of a model.

    Attributes
    ----------
    model
        Of :data:`SUBJECTS`.
    file
        Below ``baselines/``.
    words
        What is changed.
    old, new
        Text of the source, and what stands in its place.
    count
        How often ``old`` occurs; it must be so often.
    """

    model: str
    file: str
    words: str
    old: str
    new: str
    count: int = 1

    @property
    def module(self) -> str:
        """Name of the module that is changed."""
        return f"{PACKAGE}.{self.file.removesuffix('.py').replace('/', '.')}"

    @property
    def path(self) -> Path:
        """Its file."""
        return _folder() / self.file

    def source(self) -> str:
        """Give the changed source.

        Raises
        ------
        LookupError
            ``old`` does not occur ``count`` times.
        """
        text = self.path.read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != self.count:
            raise LookupError(f"{self.file} has {self.old!r} {found} times; {self.count} was expected")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Difference:
    """How far something is from the published number.

    Attributes
    ----------
    what
        Which number.
    value
        The largest difference.
    limit
        The largest that the tests allow.
    """

    what: str
    value: float
    limit: float

    @property
    def seen(self) -> bool:
        """Whether the tests fail; they do for what is no number."""
        return not self.value <= self.limit


def differences(subject: Subject) -> Iterator[Difference]:
    """Compare a network with its published numbers, what costs least first.

    Compared are outputs, by either way to compute attention and as the harness asks for them; outputs and running
    statistics in training; the loss; norms of gradients; five steps of the published optimiser; how often and how
    likely a training step drops numbers and branches; parameters and strides at the paper's size. What is not published
    of a network is compared with its definition instead: running means with those of what was normalised, gradients
    with the slope of the loss, and PoseFormerV2's split of an odd number of tokens, which its numbers have not.
    """
    published = subject.published
    network = _loaded(subject)
    with torch.no_grad():
        outputs = _outputs(subject, network)
        yield Difference("output", _apart_from(published, subject.outputs, outputs), EXACT)
        with _fused():
            outputs = _outputs(subject, network)
        yield Difference("output, fused attention", _apart_from(published, subject.outputs, outputs), EXACT)
        if hasattr(network, "loss"):
            yield Difference("the harness's output", _harness_apart(subject, network), EXACT)
            if subject.package == "poseformerv2":
                yield Difference("split of seven tokens", _odd_split_apart(network), EXACT)
    yield from _in_training(subject)
    yield from _losses(subject, network)
    if published.group("gradnorm"):
        yield _gradients(subject, network)
    else:
        yield _slope(subject, network)
    if (DATA / f"published_{published.steps.name}.npz").exists():
        yield from _steps(subject)
    yield Difference("what is dropped in training", float(_dropped_apart(subject)), 0.5)
    if subject.counts:
        yield Difference("parameters at the paper's size", float(_count_apart(subject)), 0.5)
    if subject.strides:
        yield Difference("strides of the paper", float(_strides_apart(subject)), 0.5)


def fault(mutation: Mutation) -> Difference:
    """Give the first difference beyond its tolerance once a source is changed; the largest of all if none is."""
    with changed(mutation):
        found = []
        for one in differences(SUBJECTS[mutation.model]):
            if one.seen:
                return one
            found.append(one)
    return max(found, key=lambda one: one.value / one.limit)


@contextmanager
def changed(mutation: Mutation | None = None) -> Iterator[None]:
    """Import the models afresh within this, one of them from a changed source; those of before are there again after.

    Raises
    ------
    LookupError
        As :meth:`Mutation.source`.
    """
    finder = None if mutation is None else _Finder(mutation)
    kept = _taken_out()
    if finder is not None:
        sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        if finder is not None:
            sys.meta_path.remove(finder)
        _taken_out()
        sys.modules.update(kept)
        if PACKAGE in kept:
            viodat.baselines = kept[PACKAGE]  # type: ignore[attr-defined]
        elif hasattr(viodat, "baselines"):
            del viodat.baselines


def table() -> tuple[str, bool]:
    """Give all mutations as a table, and whether each is seen and no unchanged model differs."""
    lines = ["| model | changed | in | seen by | differs by | |", "|---|---|---|---|---|---|"]
    good = True
    for model, subject in SUBJECTS.items():
        with changed():
            found = list(differences(subject))
        worst = max(found, key=lambda one: one.value / one.limit)
        intact = not any(one.seen for one in found)
        good &= intact
        lines.append(
            f"| {model} | *nothing* | | {worst.what} | {worst.value:.0e} | {'passes' if intact else 'FAILS'} |"
        )
        for mutation in MUTATIONS:
            if mutation.model == model:
                one = fault(mutation)
                good &= one.seen
                lines.append(row(mutation, one))
    return "".join(f"{line}\n" for line in lines), good


def row(mutation: Mutation, one: Difference) -> str:
    """Give a line of the table."""
    verdict = "caught" if one.seen else "SURVIVED"
    return f"| {mutation.model} | {mutation.words} | `{mutation.file}` | {one.what} | {one.value:.1e} | {verdict} |"


class _Source(SourceFileLoader):
    """A file read as another text than it holds, never from or to compiled files."""

    text = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.text, self.path, "exec", dont_inherit=True)


class _Finder:
    """What Python asks first for a module."""

    def __init__(self, mutation: Mutation) -> None:
        self.mutation, self.text = mutation, mutation.source()

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != self.mutation.module:
            return None
        loader = _Source(fullname, str(self.mutation.path))
        loader.text = self.text
        return importlib.util.spec_from_file_location(fullname, self.mutation.path, loader=loader)


def _folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise LookupError(f"{PACKAGE} is not installed")
    return Path(spec.origin).parent


def _taken_out() -> dict[str, Any]:
    names = [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def _fused() -> Iterator[None]:
    """Have attention computed by PyTorch's function also where sequences are short and heads narrow."""
    attention = import_module(f"{PACKAGE}.parts.attention")
    before = attention._NARROW
    attention._NARROW = 0
    try:
        yield
    finally:
        attention._NARROW = before


def _loaded(subject: Subject, *, dropout: bool = False) -> Any:
    """Give the network with the published parameters, dropping nothing; or with its own rates of dropping branches."""
    published = subject.published
    load = getattr(import_module(f"{PACKAGE}.{subject.package}"), subject.load)
    config = {name: value for name, value in published.config.items() if name != "drop_path_rate" or not dropout}
    network = load(published.state or published.group("w"), **config)
    return (network if dropout else without_dropout(network)).double().eval()


def _names(subject: Subject, network: Any) -> Names:
    if hasattr(network, "official_names"):
        return network.official_names()
    official = import_module(f"{PACKAGE}.{subject.package}.official")
    if not subject.renamed:
        return official.names_of(network)
    renamed = getattr(official, subject.renamed)
    if subject.renamed == "REFINEMENT":
        return import_module(f"{PACKAGE}.parts.official").official_names(network, renamed)
    return import_module(f"{PACKAGE}.parts.strided").names_of(network, renamed)


def _outputs(subject: Subject, network: Any) -> tuple[Tensor, ...]:
    outputs = network.official_forward(*(subject.published.tensor(name) for name in subject.inputs))
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _loss(subject: Subject, network: Any) -> Tensor:
    published = subject.published
    more = {name: published.tensor(array) for name, array in subject.aux.items()}
    return network.official_loss(*_outputs(subject, network), target=published.tensor(subject.target), **more)


def _apart(found: Tensor, expected: Tensor) -> float:
    """Give the largest difference; shapes that are not the same are as far apart as can be."""
    return float((found - expected).abs().max()) if found.shape == expected.shape else float("inf")


def _apart_from(published: Published, names: tuple[str, ...], outputs: tuple[Tensor, ...]) -> float:
    return max(_apart(one, published.tensor(name)) for one, name in zip(outputs, names, strict=True))


def _framewise(values: Tensor) -> Tensor:
    """Give (B, C, T, J, 1), as P-STMO has it, as (B, T, J, C)."""
    return values[..., 0].permute(0, 2, 3, 1) if values.dim() == 5 else values


def _batch(subject: Subject, network: Any) -> dict[str, Tensor]:
    """Give the published input and target as the harness gives batches."""
    published = subject.published
    pose2d, target = (_framewise(published.tensor(name)) for name in (subject.inputs[0], subject.target))
    if target.shape[-1] != 3:
        target = torch.zeros(*target.shape[:-1], 3, dtype=target.dtype)
    metres = target.expand(-1, network.frames, -1, -1) * (subject.unit_mm / 1000)
    batch = batch_of(pose2d, metres)
    if network.audio:
        batch["audio"] = published.tensor("input_audio")
    return batch


def _harness_apart(subject: Subject, network: Any) -> float:
    """Compare what the harness is answered, also for whole recordings, in the published unit."""
    published = subject.published
    expected = [_framewise(published.tensor(name)) for name in subject.outputs]
    batch = _batch(subject, network)
    if not network.lifts:
        masks = [published.tensor(name) for name in subject.inputs[1:]]
        network.drawn = lambda device: masks
        visible, masked = ((masks[0] == one).nonzero()[:, 0] for one in (False, True))
        return _apart(network(batch)["pose2d"][:, torch.cat([visible, masked])], expected[0])
    middle = slice(network.frames // 2, network.frames // 2 + 1) if subject.centre else slice(None)
    first = expected[0] if expected[0].shape[1] == 1 else expected[0][:, middle]
    answer = network(batch)
    keys = ("pose3d", "velocity", "acceleration") if len(expected) == 3 else ("pose3d", "pose3d_all")
    apart = [
        _apart(answer[name] / subject.unit_mm, one) for name, one in zip(keys, [first, *expected[1:]], strict=False)
    ]
    with torch.inference_mode():
        apart.append(_apart(network(batch)["pose3d"] / subject.unit_mm, first))
    apart.append(float(network.centre != subject.centre))
    if subject.centre:
        # Both windows are one recording, of which the first and the last answer are theirs.
        recording = {name: values.flatten(0, 1)[None] for name, values in batch.items()}
        slid = network.sliding(recording, 4) / subject.unit_mm
        apart += [_apart(slid[[0, -1]], first[:, 0]), float(len(slid) != network.frames + 1)]
    return max(apart)


def _in_training(subject: Subject) -> Iterator[Difference]:
    published, network = subject.published, _loaded(subject)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    means: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm1d):
            module.register_forward_pre_hook(
                lambda _, given, name=name: means.update({name: given[0].transpose(0, 1).flatten(1).mean(1)})
            )
    with torch.no_grad():
        outputs = _outputs(subject, network.train())
    state, names = network.state_dict(), _names(subject, network)
    expected = tuple(f"train_{name}" for name in subject.outputs)
    if expected[0] in published.arrays:
        yield Difference("output in training", _apart_from(published, expected, outputs), EXACT)
        ours = {theirs: name for name, several in names.items() for theirs in several}
        statistics = {
            name: value
            for name, value in published.group("after_train_fwd").items()
            if not name.endswith("num_batches_tracked")
        }
        apart = (
            _apart(state[ours[name]], torch.from_numpy(value).double()) if name in ours else float("inf")
            for name, value in statistics.items()
        )
        yield Difference("running statistics", max(apart), EXACT)
    if "bn_updated_in_training_json" in published.arrays:
        moved = {
            names[name][0].split(".")[0]
            for name, value in state.items()
            if "running" in name and not torch.equal(value, before[name])
        }
        known = set(json.loads(str(published.arrays["bn_updated_in_training_json"])))
        yield Difference("which batch normalisations train", float(len(moved ^ known)), 0.5)
        apart = [
            _apart(state[f"{name}.running_mean"], 0.9 * before[f"{name}.running_mean"] + 0.1 * mean)
            for name, mean in means.items()
        ]
        yield Difference("running means, by definition", max(apart), EXACT)


def _losses(subject: Subject, network: Any) -> Iterator[Difference]:
    published = subject.published
    if "loss_f64" in published.arrays:
        expected, unit, limit = float(published.arrays["loss_f64"]), 1.0, EXACT
    else:
        # VioPose's is published in float32.
        expected = unit = float(published.arrays["loss/loss"])
        limit = 1e-7
    with torch.no_grad():
        yield Difference("loss", abs(float(_loss(subject, network)) - expected) / unit, limit)
        if hasattr(network, "loss"):
            batch = _batch(subject, network)
            found = float(network.loss(network(batch), batch))
            yield Difference("the harness's loss", abs(found - expected) / unit, limit)


def _gradients(subject: Subject, network: nn.Module) -> Difference:
    """Compare norms of gradients, each relatively to itself."""
    network.zero_grad()
    _loss(subject, network).backward()
    names, found = _names(subject, network), {}
    for ours, value in network.named_parameters():
        gradient = torch.zeros_like(value) if value.grad is None else value.grad
        for name, part in zip(names[ours], gradient.chunk(len(names[ours])), strict=True):
            found[name] = float(part.norm())
    apart = {
        name: abs(found[name] - float(norm)) / max(float(norm), _FLOOR) if name in found else float("inf")
        for name, norm in subject.published.group("gradnorm").items()
    }
    return Difference("gradients, relatively", max(apart.values()), EXACT)


def _slope(subject: Subject, network: nn.Module) -> Difference:
    """Compare the gradient along a random direction with the slope of the loss there, relatively."""
    generator = torch.Generator().manual_seed(0)
    ways = [torch.randn(value.shape, generator=generator, dtype=value.dtype) for value in network.parameters()]
    network.zero_grad()
    _loss(subject, network).backward()
    given = sum(
        float((value.grad * way).sum())
        for value, way in zip(network.parameters(), ways, strict=True)
        if value.grad is not None
    )
    step, losses = 1e-7, []
    with torch.no_grad():
        for sign in (1, -2):
            for value, way in zip(network.parameters(), ways, strict=True):
                value += sign * step * way
            losses.append(float(_loss(subject, network)))
    slope = (losses[0] - losses[1]) / (2 * step)
    return Difference("slope of the loss, relatively", abs(given - slope) / abs(slope), 1e-6)


def _odd_split_apart(network: Any) -> float:
    """Compare a mixed block of PoseFormerV2 with its definition for seven tokens, of which three have the plain MLP."""
    block = network.mixed[0]
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 7, block.norm1.weight.numel(), generator=generator, dtype=torch.float64)
    attended = x + block.attention(block.norm1(x))
    plain, frequency = attended[:, :3], attended[:, 3:]
    expected = torch.cat(
        [plain + block.mlp(block.norm2(plain)), frequency + block.frequency_mlp(block.norm3(frequency))], dim=1
    )
    return _apart(block(x), expected)


def _count_apart(subject: Subject) -> int:
    module = import_module(f"{PACKAGE}.{subject.package}")
    apart = 0
    for kind, options, count in subject.counts:
        with torch.device("meta"):
            network = getattr(module, kind)(**options)
        apart = max(apart, abs(sum(value.numel() for value in network.parameters()) - count))
    return apart


def _dropped_apart(subject: Subject) -> int:
    """Count what a training step drops, and give how many of it are too many or too few."""
    found: Counter[tuple[str, float]] = Counter()

    def kept(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if p and training:
            found["number", round(p, 4)] += 1
        return x

    def kept_on_a_cpu(shape: torch.Size, least: int) -> Tensor:
        found["number", round(least / (1 << 16), 4)] += 1
        return torch.ones(shape, dtype=torch.bool)

    network = _loaded(subject, dropout=True).train()
    for module in network.modules():
        if type(module).__name__ == "DropPath" and module.p:
            module.register_forward_hook(lambda one, *_: found.update([("branch", round(one.p, 4))]))
    masks = import_module(f"{PACKAGE}.parts.dropout")
    drawn, before = masks._kept, nn.functional.dropout
    masks._kept, nn.functional.dropout = kept_on_a_cpu, kept
    try:
        with torch.no_grad():
            _outputs(subject, network)
    finally:
        masks._kept, nn.functional.dropout = drawn, before
    expected = Counter(subject.dropped)
    return ((expected - found) + (found - expected)).total()


def _strides_apart(subject: Subject) -> int:
    kind = getattr(import_module(f"{PACKAGE}.{subject.package}"), subject.counts[0][0])
    with torch.device("meta"):
        found = {
            frames: tuple(layer.stride for layer in kind(frames=frames).strided.layers) for frames in subject.strides
        }
    return sum(found[frames] != strides for frames, strides in subject.strides.items())


def _steps(subject: Subject) -> Iterator[Difference]:
    network, steps = _loaded(subject).train(), subject.published.steps
    losses = five_steps(network, lambda: _loss(subject, network), steps, scaled=subject.scaled)
    yield Difference(
        "losses of five steps", _apart(torch.tensor(losses, dtype=torch.float64), steps.tensor("losses")), 1e-7
    )
    with torch.no_grad():
        output = _outputs(subject, network.eval())[0]
    yield Difference("output after five steps", _apart(output, steps.tensor("final_output_f64")), 1e-6)


_ATTENTION, _STRIDED = "parts/attention.py", "parts/strided.py"
_MIXSTE, _POSEFORMER, _MHFORMER = "mixste/model.py", "poseformerv2/model.py", "mhformer/model.py"
_HYPOTHESES, _PSTMO, _STRIDEDFORMER = "mhformer/hypotheses.py", "pstmo/model.py", "stridedformer/model.py"
_VIO, _BLOCKS, _ENCODERS, _MOTION = "viopose/model.py", "viopose/blocks.py", "viopose/encoders.py", "viopose/motion.py"
_VIO_NAMES: Final = "viopose/official.py"

_BLOCK_EPS: Final = (_ATTENTION, "eps of the blocks' norms 1e-6 → 1e-5", "eps: float = 1e-6,", "eps: float = 1e-5,")
_TANH: Final = (
    _ATTENTION,
    "GELU exact → tanh",
    "functional.gelu(hidden)",
    'functional.gelu(hidden, approximate="tanh")',
)
_POST_NORM: Final = (
    _ATTENTION,
    "attention's residual taken after the norm",
    "x = x + self.drop_path(self.attention(self.norm1(x)))",
    "x = self.norm1(x) + self.drop_path(self.attention(self.norm1(x)))",
)
_SCALE: Final = (_ATTENTION, "scores scaled by the whole width", "(width**-0.5 if", "(query.shape[-1]**-0.5 if")
_FUSED_SCALE: Final = (
    _ATTENTION,
    "scores of fused attention scaled by the whole width",
    "dropout_p=dropout, scale=scale",
    "dropout_p=dropout, scale=query.shape[-1]**-0.5",
)
_FUSED_ORDER: Final = (
    _ATTENTION,
    "fused attention: keys and values exchanged",
    "scaled_dot_product_attention(query_h, key_h, value_h,",
    "scaled_dot_product_attention(query_h, value_h, key_h,",
)
_QKV_ORDER: Final = (
    _ATTENTION,
    "queries, keys, values read as keys, queries, values",
    "query, key, value = self._projected(x)",
    "key, query, value = self._projected(x)",
)
_SUM_OF_AXES: Final = (
    "parts/lengths.py",
    "loss: sum of axes, not distance",
    "torch.linalg.vector_norm(pred - target, dim=-1)",
    "torch.linalg.vector_norm(pred - target, ord=1, dim=-1)",
)
_BIASED: Final = (_STRIDED, "norm: deviation with n, not n − 1", "math.sqrt(x.shape[-1] - 1)", "math.sqrt(x.shape[-1])")
_SPREAD_EPS: Final = (_STRIDED, "eps of the norm 1e-6 → 1e-5", "(spread + 1e-6)", "(spread + 1e-5)")
_TRUE_GELU: Final = (
    _STRIDED,
    "ReLU inside layers → GELU",
    "self.fc1(self.norm2(x)).relu()",
    "functional.gelu(self.fc1(self.norm2(x)))",
    2,
)
_FOUR_HEADS: Final = (_STRIDED, "8 heads → 4", "HEADS: Final = 8", "HEADS: Final = 4")
_ALIKE_NORMS: Final = (
    _STRIDED,
    "two norms of a vanilla layer → one",
    "self.drop2(self.fc1(self.norm2(x)).relu()))))",
    "self.drop2(self.fc1(self.norm1(x)).relu()))))",
)
_LAYER_RESIDUAL: Final = (
    _STRIDED,
    "attention's residual taken after the norm",
    "x = x + self.drop1(self.attention(self.norm1(x)))",
    "x = self.norm1(x) + self.drop1(self.attention(self.norm1(x)))",
    2,
)
_OFF_CENTRE: Final = (
    _STRIDED,
    "strided residual from each middle frame, not each first",
    "x[:, :: self.stride]",
    "x[:, self.stride // 2 :: self.stride]",
)
_PADDING: Final = (
    _STRIDED,
    "strided convolution padded with its ends, not with zeros",
    "stride=stride, padding=1)",
    'stride=stride, padding=1, padding_mode="replicate")',
)
_TWO_POSITIONS: Final = (
    _STRIDED, "positions before two of the strided layers, not three", "_POSITIONS: Final = 3", "_POSITIONS: Final = 2",
)  # fmt: skip
_NOT_TAUGHT: Final = (
    _STRIDED,
    "the strided part does not teach what is before it",
    "return self._centre_m(seen), self._poses",
    "return self._centre_m(seen.detach()), self._poses",
)
_ONE_POSITION: Final = (
    _STRIDED,
    "the first position before all strided layers",
    "self.positions[k][:, : x.shape[1]]",
    "self.positions[0][:, : x.shape[1]]",
)
_LAST_POSITIONS: Final = (
    _STRIDED,
    "strided layers take the last of their positions, not the first",
    "[:, : x.shape[1]]",
    "[:, -x.shape[1] :]",
)
_HEAD_EPS: Final = (
    _STRIDED, "eps of the heads' batch norm 1e-5 → 1e-3", "nn.BatchNorm1d(width)", "nn.BatchNorm1d(width, eps=1e-3)",
)  # fmt: skip
_HEAD_MOMENTUM: Final = (
    _STRIDED, "momentum of the heads' batch norm 0.1 → 0.01", "nn.BatchNorm1d(width)",
    "nn.BatchNorm1d(width, momentum=0.01)",
)  # fmt: skip
_LOADED_ORDER: Final = (
    _STRIDED,
    "published queries and values exchanged when loaded",
    "for k in range(3))",
    "for k in (2, 1, 0))",
)
_AXES_FIRST: Final = (
    _STRIDED,
    "keypoints flattened with x of all joints first",
    "self._seen(self.encoder(pose2d.flatten(2)))",
    "self._seen(self.encoder(pose2d.transpose(2, 3).flatten(2)))",
)
_HARNESS_SEQUENCE: Final = (
    _STRIDED,
    "the harness's loss: all frames count half",
    "SEQUENCE: 1.0}",
    "SEQUENCE: 0.5}",
)
_SLID_POSITION: Final = (
    _STRIDED,
    "whole recordings: windows one frame off",
    "windows = encoded.unfold(0, self.frames, 1)",
    "windows = encoded.roll(1, 0).unfold(0, self.frames, 1)",
)

_VIO_LN_EPS: Final = (
    _BLOCKS,
    "eps of the blocks' norms 1e-5 → 1e-6",
    "nn.LayerNorm(width), nn.LayerNorm(width)",
    "nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)",
)
_VIO_GELU: Final = (_BLOCKS, "GELU tanh → exact", 'nn.GELU(approximate="tanh")', "nn.GELU()")
_VIO_BN_EPS: Final = (_BLOCKS, "eps of batch norms 1e-3 → 1e-5", "eps=1e-3, momentum", "eps=1e-5, momentum")
_VIO_SCALE: Final = (
    _BLOCKS,
    "scores scaled by the whole width",
    "bias=False, dropout=dropout_attention",
    "bias=False, scale=width**-0.5, dropout=dropout_attention",
)
_VIO_RESIDUAL: Final = (
    _BLOCKS,
    "attention's residual taken after the norm",
    "x = x + self.attention(self.norm1(x), *others)",
    "x = self.norm1(x) + self.attention(self.norm1(x), *others)",
)
_VIO_NORMS: Final = (
    _BLOCKS, "two norms of a block → one", "x + self.mlp(self.norm2(x))", "x + self.mlp(self.norm1(x))",
)  # fmt: skip
_CASCADE_ORDER: Final = (
    _VIO,
    "batch norm before the sum with the level below",
    "self.norms[k](block(x) + below[k])",
    "self.norms[k](block(x)) + below[k]",
)
_CASCADE_LAST: Final = (
    _VIO,
    "each block is fed the last state of the level below, not its own",
    "self.norms[k](block(x) + below[k])",
    "self.norms[k](block(x) + below[-1])",
)
_VIO_MOMENTUM: Final = (_BLOCKS, "momentum of batch norms 0.1 → 0.01", "momentum=0.1", "momentum=0.01")
_BELOW_NOT_TAUGHT: Final = (
    _VIO,
    "levels do not teach those below them",
    "self.norms[k](block(x) + below[k])",
    "self.norms[k](block(x) + below[k].detach())",
)
_EVALUATED: Final = (
    _BLOCKS,
    "batch norms of levels do not train",
    "self.norm(x.flatten(0, 1))",
    "self.norm.eval()(x.flatten(0, 1))",
)
_NO_START: Final = (
    _VIO,
    "velocity starts without the position of the level below",
    "self.velocity_level.position(start)",
    "self.velocity_level.position(seen)",
)
_LEAKY: Final = (_VIO, "LeakyReLU 0.3 → 0.01", "nn.LeakyReLU(0.3)", "nn.LeakyReLU(0.01)", 2)
_NO_SHIFT: Final = (
    _MOTION,
    "integration: nothing moves one frame forward",
    "return torch.cat([values[:, :1], values[:, :-1]], dim=1)",
    "return values",
)
_OLD_VELOCITY: Final = (
    _MOTION,
    "integration: pose before velocity",
    "    velocity = (velocity + _delayed(velocity + acceleration)) / 2\n"
    "    pose = (pose + _delayed(pose + velocity)) / 2\n",
    "    pose = (pose + _delayed(pose + velocity)) / 2\n"
    "    velocity = (velocity + _delayed(velocity + acceleration)) / 2\n",
)
_OLD_DIFFERENCE: Final = (
    _MOTION,
    "differentiation: acceleration before velocity",
    "    velocity = (velocity + velocity_of(pose)) / 2\n"
    "    acceleration = (acceleration + velocity_of(velocity)) / 2\n",
    "    acceleration = (acceleration + velocity_of(velocity)) / 2\n"
    "    velocity = (velocity + velocity_of(pose)) / 2\n",
)
_MIXED_ORDER: Final = (
    _VIO,
    "differentiation before integration",
    "        if self.integration:\n"
    "            pose, velocity = integrated(pose, velocity, acceleration)\n"
    "        if self.differentiation:\n"
    "            velocity, acceleration = differentiated(pose, velocity, acceleration)\n",
    "        if self.differentiation:\n"
    "            velocity, acceleration = differentiated(pose, velocity, acceleration)\n"
    "        if self.integration:\n"
    "            pose, velocity = integrated(pose, velocity, acceleration)\n",
)
_ENDS: Final = (
    _MOTION,
    "true acceleration ends with its last value twice, not its last two",
    "[bends, bends[:, -2:]]",
    "[bends, bends[:, -1:], bends[:, -1:]]",
)
_COSINE: Final = (
    _MOTION,
    "loss: plain cosine, not divided by the longer length squared",
    "longer = torch.maximum(one.square().sum(-1), other.square().sum(-1)) + 1e-8",
    "longer = (one.square().sum(-1) * other.square().sum(-1)).sqrt() + 1e-8",
)
_VELOCITY_WEIGHT: Final = (_VIO, "loss: velocity counts 99, not 100", "100 * unlike_velocity", "99 * unlike_velocity")
_HARNESS_ACCELERATION: Final = (
    _VIO, "the harness's loss: acceleration counts 99, not 100", "ACCELERATION: 100.0}", "ACCELERATION: 99.0}",
)  # fmt: skip
_VIO_LOADED: Final = (
    _VIO_NAMES,
    "published queries and keys exchanged when loaded",
    '("wq", "wk", "wv"))',
    '("wk", "wq", "wv"))',
)

_TABLE: Final[dict[str, tuple[tuple[Any, ...], ...]]] = {
    "MixSTE": (
        _BLOCK_EPS,
        (_MIXSTE, "eps of the spatial norm 1e-6 → 1e-5", "self.spatial_norm = nn.LayerNorm(width, eps=1e-6)",
         "self.spatial_norm = nn.LayerNorm(width)"),
        (_MIXSTE, "eps of the head's norm 1e-5 → 1e-6", "nn.Sequential(nn.LayerNorm(width),",
         "nn.Sequential(nn.LayerNorm(width, eps=1e-6),"),
        _TANH,
        (_MIXSTE, "spatial and temporal norm → one", "x = self.temporal_norm(", "x = self.spatial_norm("),
        (_MIXSTE, "one norm of all spatial blocks → one each, which start alike", "x = self.spatial_norm(x)",
         'x = __import__("copy").deepcopy(self.spatial_norm)(x) if k else self.spatial_norm(x)'),
        (_MIXSTE, "temporal position in every pair, not the first", "if k == 0:", "if k >= 0:"),
        (_MIXSTE, "no temporal position when training", "if k == 0:", "if k == 0 and not self.training:"),
        (_ATTENTION, "MLPs computed again in training give no gradient to what is before",
         "checkpoint(self._second, hidden,", "checkpoint(self._second, hidden.detach(),"),
        (_MIXSTE, "temporal blocks before spatial ones", "zip(self.spatial, self.temporal, strict=True)",
         "zip(self.temporal, self.spatial, strict=True)"),
        _POST_NORM,
        _SCALE,
        _FUSED_SCALE,
        _QKV_ORDER,
        (_ATTENTION, "no bias of queries, keys and values over time",
         "biases = (None,) * 3 if self.qkv.bias is None else self.qkv.bias.chunk(3)", "biases = (None,) * 3"),
        (_MIXSTE, "loss: velocity counts 1, not 2", "2.0 * velocity_m", "1.0 * velocity_m"),
        (_MIXSTE, "the harness's loss: smoothness counts 1, not 0.5", "SMOOTHNESS: 0.5", "SMOOTHNESS: 1.0"),
        (_MIXSTE, "weight of elbows 4 → 2.5", '"elbow": 4.0', '"elbow": 2.5'),
        ("parts/drop_path.py", "branches of the first block are left out most, not the last's",
         "last * k / (depth - 1)", "last * (depth - k) / (depth - 1)"),
        (_MIXSTE, "drop path of the paper 0.1 → 0.2", "drop_path: float = 0.1", "drop_path: float = 0.2"),
        (_MIXSTE, "depth of the paper 8 → 7", "depth: int = 8", "depth: int = 7"),
    ),
    "PoseFormerV2": (
        (_POSEFORMER, "eps of the frequency MLP's norm 1e-6 → 1e-5", "self.norm3 = nn.LayerNorm(width, eps=1e-6)",
         "self.norm3 = nn.LayerNorm(width)"),
        (_POSEFORMER, "eps of the head's norm 1e-5 → 1e-6", "nn.LayerNorm(2 * whole)",
         "nn.LayerNorm(2 * whole, eps=1e-6)"),
        (_POSEFORMER, "GELU of the frequency MLP exact → tanh", "functional.gelu(self.fc1(dct(x)))",
         'functional.gelu(self.fc1(dct(x)), approximate="tanh")'),
        (_POSEFORMER, "two norms of a mixed block → one", "self.norm3(rest)", "self.norm2(rest)"),
        (_POSEFORMER, "split of the tokens one earlier", "half = x.shape[1] // 2", "half = x.shape[1] // 2 - 1"),
        (_POSEFORMER, "split of an odd number of tokens rounded up", "half = x.shape[1] // 2",
         "half = (x.shape[1] + 1) // 2"),
        (_POSEFORMER, "no position of the frames when training", "self.dropout(seen + self.temporal_position)",
         "self.dropout(seen + (0 if self.training else 1) * self.temporal_position)"),
        (_POSEFORMER, "the frequency MLP is never left out", "self.drop_path(self.frequency_mlp(self.norm3(rest)))",
         "self.frequency_mlp(self.norm3(rest))"),
        (_POSEFORMER, "whole recordings: every second window", "windows = pose2d.unfold(0, self.frames, 1)",
         "windows = pose2d.unfold(0, self.frames, 2).repeat_interleave(2, 0)[: len(pose2d) - self.frames + 1]"),
        (_POSEFORMER, "width of the paper 32 → 16", "width: int = 32", "width: int = 16"),
        (_POSEFORMER, "the second half of the tokens has the plain MLP", "first, rest = x[:, :half], x[:, half:]",
         "rest, first = x[:, :half], x[:, half:]"),
        (_POSEFORMER, "mixed block: attention's residual taken after the norm",
         "x = x + self.drop_path(self.attention(self.norm1(x)))",
         "x = self.norm1(x) + self.drop_path(self.attention(self.norm1(x)))"),
        ("parts/dct.py", "cosine transform without its factor 2", "matrix = 2 * waves", "matrix = waves"),
        ("parts/dct.py", "cosine transform at n, not n + ½", "dtype=torch.float64) + 1", "dtype=torch.float64)"),
        ("parts/dct.py", "inverse transform: constant not halved", "shares[0] /= 2", "shares[0] /= 1"),
        (_POSEFORMER, "the first frames are seen one by one, not the middle ones",
         "first = (self.frames - self.kept_frames) // 2", "first = 0", 2),
        (_POSEFORMER, "positions of frames and frequencies exchanged when loaded",
         '(r"^temporal_position", "Temporal_pos_embed"),\n    (r"^frequency_position", "Temporal_pos_embed_"),',
         '(r"^temporal_position", "Temporal_pos_embed_"),\n    (r"^frequency_position", "Temporal_pos_embed"),'),
        (_POSEFORMER, "means of frequencies and frames exchanged",
         "self.frequency_mean(x[:, : self.kept_coefficients])", "self.temporal_mean(x[:, : self.kept_coefficients])"),
        _SCALE,
        _FUSED_ORDER,
        (_POSEFORMER, "whole recordings: keypoints one frame off those seen one by one",
         "windows = pose2d.unfold(0, self.frames, 1)", "windows = pose2d.roll(1, 0).unfold(0, self.frames, 1)"),
        _SUM_OF_AXES,
    ),
    "MHFormer": (
        (_MHFORMER, "eps of the hypotheses' first norms 1e-5 → 1e-6", "nn.LayerNorm(frames) for _",
         "nn.LayerNorm(frames, eps=1e-6) for _"),
        (_MHFORMER, "eps of the encoders' last norm 1e-6 → 1e-5", "self.norm = nn.LayerNorm(frames, eps=1e-6)",
         "self.norm = nn.LayerNorm(frames)"),
        (_MHFORMER, "eps of the norm before the head 1e-6 → 1e-5",
         "self.norm = nn.LayerNorm(HYPOTHESES * width, eps=1e-6)", "self.norm = nn.LayerNorm(HYPOTHESES * width)"),
        _TANH,
        (_MHFORMER, "no residual from hypothesis to hypothesis", "x = x + encoder(norm(x))", "x = encoder(norm(x))"),
        (_MHFORMER, "hypotheses do not teach those before them", "x = x + encoder(norm(x))",
         "x = x.detach() + encoder(norm(x.detach()))"),
        (_MHFORMER, "hidden width of the paper 1024 → 512", "hidden: int = 1024", "hidden: int = 512"),
        (_MHFORMER, "embedding of the paper's 351 frames with batch norm", "_PLAIN_EMBEDDING_OVER: Final = 27",
         "_PLAIN_EMBEDDING_OVER: Final = 351"),
        (_MHFORMER, "nine heads over coordinates → three", "_ENCODER_HEADS: Final = 9", "_ENCODER_HEADS: Final = 3"),
        (_MHFORMER, "one position for all hypotheses", "embedding(x).transpose(1, 2) + place",
         "embedding(x).transpose(1, 2) + self.positions[0]"),
        (_HYPOTHESES, "norms of queries and keys → one", "self.key(norm_k(key))", "self.key(norm_q(key))"),
        (_HYPOTHESES, "refinement: norms of the hypotheses → one", "attention(norm(x))", "attention(self.norms[0](x))"),
        (_HYPOTHESES, "second hypothesis asks for the first as it was", "second(x1, x3, x2)",
         "second(hypotheses[0], x3, x2)"),
        (_HYPOTHESES, "first hypothesis: queries and keys exchanged", "first(x2, x3, x1)", "first(x3, x2, x1)"),
        (_HYPOTHESES, "no residual round the common MLP", "answer: Tensor = x + self.drop_path(self.mlp(self.norm(x)))",
         "answer: Tensor = self.drop_path(self.mlp(self.norm(x)))"),
        (_MHFORMER, "ReLU of the embedding → GELU", "nn.BatchNorm1d(width), nn.ReLU()",
         "nn.BatchNorm1d(width), nn.GELU()"),
        (_MHFORMER, "momentum of the head's batch norm 0.1 → 0.01", "nn.BatchNorm1d(HYPOTHESES * width)",
         "nn.BatchNorm1d(HYPOTHESES * width, momentum=0.01)"),
        (_MHFORMER, "no dropout after positions are added", "self.dropout(embedding(x).transpose(1, 2) + place)",
         "embedding(x).transpose(1, 2) + place"),
        (_HYPOTHESES, "refinement: branches are never left out", "x + self.drop_path(attention(norm(x)))",
         "x + attention(norm(x))"),
        (_MHFORMER, "poses in metres when nothing learns",
         'return {"pose3d": METRE_MM * self._answered(batch["pose2d"], self._middle)}',
         'return {"pose3d": self._answered(batch["pose2d"], self._middle)}'),
        (_MHFORMER, "the middle frame of recordings one earlier",
         "return slice(self.frames // 2, self.frames // 2 + 1)",
         "return slice(self.frames // 2 - 1, self.frames // 2)"),
        (_MHFORMER, "loss: of the middle frame, not of all", "return mean_distance(pred, target)",
         "return mean_distance(self.scored(pred), self.scored(target))"),
    ),
    "P-STMO": (
        _BIASED,
        _SPREAD_EPS,
        (_PSTMO, "slope of LeakyReLU 0.2 → 0.01", "_SLOPE: Final = 0.2", "_SLOPE: Final = 0.01"),
        (_PSTMO, "no residual in the frame encoder", "self.last(x + self._active(", "self.last(self._active("),
        (_PSTMO, "two batch norms of the frame encoder → one", "self._active(self.norm2,", "self._active(self.norm1,"),
        _TRUE_GELU,
        _ALIKE_NORMS,
        _OFF_CENTRE,
        _PADDING,
        _ONE_POSITION,
        _NOT_TAUGHT,
        _AXES_FIRST,
        _FOUR_HEADS,
        (_PSTMO, "momentum of the frame encoder's batch norm 0.1 → 0.01",
         "Pointwise(inputs, inner), nn.BatchNorm1d(inner)",
         "Pointwise(inputs, inner), nn.BatchNorm1d(inner, momentum=0.01)"),
        (_PSTMO, "at least three strided layers → four", "[1] * (3 - len(strides))", "[1] * (4 - len(strides))"),
        (_STRIDED, "no dropout of attention's weights", "dropout = self.dropout.p if self.training else 0.0",
         "dropout = 0.0"),
        (_PSTMO, "dropout of the frame encoder 0.1 → 0.25", "_DROPOUT: Final = 0.1", "_DROPOUT: Final = 0.25"),
        (_PSTMO, "layers of the paper 4 → 3",
         "        layers: int = 4,\n        strides", "        layers: int = 3,\n        strides"),
        (_PSTMO, "loss: all frames count half", "+ mean_distance(sequence, target)",
         "+ 0.5 * mean_distance(sequence, target)"),
        _HARNESS_SEQUENCE,
    ),
    "P-STMO, pre-training": (
        _BIASED,
        (_PSTMO, "masked joints become zero, not the token", "torch.where(joints[..., None], self.joint_token, pose2d)",
         "torch.where(joints[..., None], 0.0 * self.joint_token, pose2d)"),
        (_PSTMO, "the first frame's masked joints in all frames", "torch.where(joints[..., None],",
         "torch.where(joints[:1, :, None],"),
        (_PSTMO, "positions after frames are dropped, not before", "self.vanilla(tokens[:, order[:seen]])",
         "self.vanilla(tokens[:, order[:seen]] - self.position[:, order[:seen]] + self.position[:, :seen])"),
        (_PSTMO, "decoder's positions in order of time, not visible first", "self.restoring_position[:, order]",
         "self.restoring_position"),
        (_PSTMO, "the token of masked joints does not learn",
         "torch.where(joints[..., None], self.joint_token, pose2d)",
         "torch.where(joints[..., None], self.joint_token.detach(), pose2d)"),
        _LAYER_RESIDUAL,
        (_PSTMO, "masked frames first", "masked.to(torch.uint8)", "(~masked).to(torch.uint8)"),
        (_PSTMO, "no norm between encoder and decoder", "self.narrowing(self.seen_norm(self.vanilla(",
         "self.narrowing((self.vanilla("),
        (_PSTMO, "no residual in the frame encoder", "self.last(x + self._active(", "self.last(self._active("),
        _TRUE_GELU,
        _HEAD_MOMENTUM,
        (_PSTMO, "loss: frames in order of time",
         'target[:, :, _visible_first(aux["mask"])] if "mask" in aux else target',
         "target"),
        (_PSTMO, "loss: distance over joints, not over axes",
         "mean_distance(restored.movedim(1, -1), ordered.movedim(1, -1))",
         "mean_distance(restored[..., 0], ordered[..., 0])"),
        (_PSTMO, "restored frames come back visible first, not in order", "restored[:, order.argsort()]", "restored"),
    ),
    "StridedFormer": (
        _BIASED,
        _SPREAD_EPS,
        _HEAD_EPS,
        (_STRIDEDFORMER, "ReLU of the frame encoder → GELU", "normed(self.norm, self.embedding(x)).relu()",
         "nn.functional.gelu(normed(self.norm, self.embedding(x)))"),
        _TRUE_GELU,
        _ALIKE_NORMS,
        _LAYER_RESIDUAL,
        _OFF_CENTRE,
        _TWO_POSITIONS,
        _LAST_POSITIONS,
        _NOT_TAUGHT,
        (_STRIDEDFORMER, "strides of the paper 3, 9, 13 → 3, 13, 9", "return [3, 9, 13]", "return [3, 13, 9]"),
        (_STRIDED, "no dropout after the strided convolution", "self.drop3(kept)", "kept"),
        (_STRIDEDFORMER, "layers of the paper 3 → 4", "        layers: int = 3,", "        layers: int = 4,"),
        _FUSED_SCALE,
        _LOADED_ORDER,
        _HEAD_MOMENTUM,
        _SLID_POSITION,
        (_STRIDEDFORMER, "loss: the first frame's truth, not the middle one's", "self.scored(target)", "target[:, :1]"),
        (_STRIDEDFORMER, "loss: all frames count half", "+ mean_distance(sequence, target)",
         "+ 0.5 * mean_distance(sequence, target)"),
    ),
    "StridedFormer, refinement": (
        (_STRIDEDFORMER, "ReLU → GELU", "nn.ReLU(),", "nn.GELU(),"),
        (_STRIDEDFORMER, "sigmoid → tanh", "nn.Sigmoid(),", "nn.Tanh(),"),
        (_STRIDEDFORMER, "shares of predicted and projected exchanged",
         "torch.lerp(projected[..., :2], predicted[..., :2],",
         "torch.lerp(predicted[..., :2], projected[..., :2],"),
        (_STRIDEDFORMER, "depth from the projected pose", "predicted[..., 2:]]", "projected[..., 2:]]"),
        (_STRIDEDFORMER, "projected before predicted", "torch.cat([predicted, projected], dim=-1)",
         "torch.cat([projected, predicted], dim=-1)"),
        (_STRIDEDFORMER, "all predicted joints before all projected ones", "self.layers(both.flatten(2))",
         "self.layers(torch.cat([predicted.flatten(2), projected.flatten(2)], dim=-1))"),
        (_STRIDEDFORMER, "shares by axis, then by joint", ".unflatten(-1, (len(self.joints), 2))",
         ".unflatten(-1, (2, len(self.joints))).transpose(-1, -2)"),
        (_STRIDEDFORMER, "loss: of x and y alone", "mean_distance(outputs[0], target)",
         "mean_distance(outputs[0][..., :2], target[..., :2])"),
    ),
    "VioPose": (
        _VIO_LN_EPS,
        _VIO_BN_EPS,
        _VIO_GELU,
        _VIO_SCALE,
        _VIO_RESIDUAL,
        _VIO_LOADED,
        (_ENCODERS, "sound: batch norm before ReLU", "x = norm(layer(x).relu())", "x = norm(layer(x)).relu()"),
        (_ENCODERS, "sound: padded before each convolution alone", "return zeros // 2, zeros - zeros // 2",
         "return zeros, 0"),
        (_ENCODERS, "sound: levels are fed what goes into a block, not what comes out",
         "            x = block(x)\n            found.append(x)",
         "            found.append(x)\n            x = block(x)"),
        (_VIO, "fusion: keypoints before sound", "torch.cat([heard[-1], seen], dim=-1)",
         "torch.cat([seen, heard[-1]], dim=-1)"),
        _CASCADE_ORDER,
        _CASCADE_LAST,
        _NO_START,
        _LEAKY,
        _NO_SHIFT,
        _MIXED_ORDER,
        _ENDS,
        _VELOCITY_WEIGHT,
        _EVALUATED,
        _VIO_MOMENTUM,
        _BELOW_NOT_TAUGHT,
        (_BLOCKS, "dropout after attention in all blocks", "dropout=dropout_attention)", "dropout=dropout)"),
        (_VIO, "filters of the paper 64, 32, 16 → 32, 32, 16", "= (64, 32, 16)", "= (32, 32, 16)"),
    ),
    "VioPose without sound": (
        _VIO_LN_EPS,
        _VIO_BN_EPS,
        _VIO_NORMS,
        _FUSED_ORDER,
        (_VIO, "no position before the level of acceleration", "start = self.acceleration_level.position(seen)",
         "start = seen"),
        (_VIO, "pose starts from velocity's states", "self.pose_level.position(start)",
         "self.pose_level.position(of_velocity[-1])"),
        (_ENCODERS, "keypoints flattened with x of all joints first", "self.embedding(pose2d.flatten(2))",
         "self.embedding(pose2d.transpose(2, 3).flatten(2))"),
        _CASCADE_LAST,
        _OLD_VELOCITY,
        _OLD_DIFFERENCE,
        (_VIO, "the middle frame alone is scored", "centre = False", "centre = True"),
        (_MOTION, "differences end with zero, not with the last one", "[steps, steps[:, -1:]]",
         "[steps, 0 * steps[:, -1:]]"),
        _COSINE,
        _HARNESS_ACCELERATION,
        _BELOW_NOT_TAUGHT,
    ),
}  # fmt: skip
MUTATIONS: Final = tuple(Mutation(model, *one) for model, several in _TABLE.items() for one in several)
"""All that is tried."""


def main() -> None:
    """Print the table, or write it into its page."""
    torch.set_num_threads(1)
    lines, good = table()
    if "--write" in sys.argv[1:]:
        text, count = _PART.subn(lambda found: f"{found[1]}\n{lines}\n{found[2]}", PAGE.read_text(encoding="utf-8"))
        if count != 1:
            raise LookupError(f"{PAGE}: expected one part '<!-- mutations -->' ... '<!-- end mutations -->'")
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(lines, end="")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
