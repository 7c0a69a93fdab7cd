"""How fast the models are against their papers' equations in plain PyTorch, and what memory MixSTE's training takes.

    python benchmarks/speed/models.py [--model mixste poseformerv2 ...] [--only forward ...] [--quick] [--json]

Both have the same parameters, and must give the same (to 1e-4 in float32; in training also loss and gradient) before
anything is timed; both make steps of the paper's optimiser, with its dropout. They run in turns in one process, each
part in one of its own, and a ratio is the median of those of each turn, so that what else the machine does weighs on
both. The equations are in ``plain/``. Models of a centre frame also lift a whole recording, by windows that slide over
it. Times are wall-clock: run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from plain.pairs import PAIRS, Answers, Pair, agree, as_tuple, check_same
from side_by_side import HEAD, Clock, Row, times
from torch import Tensor, nn
from viodat.baselines.mhformer import MHFormer
from viodat.baselines.mixste import MixSte
from viodat.baselines.parts.lengths import METRE_MM

from viodat.bench.network import LiftingModel
from viodat.bench.optimisers import optimiser_of
from viodat.bench.recipe import load_recipe

PARTS = ["memory", "forward", "sliding", "step"]
WINDOWS = 64
"""Windows of a recording at a time, as the harness asks for them."""
STEP_AT_LEAST = 0.95
CHECKPOINTING_AT_MOST = 1.35
MEMORY_AT_MOST = {"default": 0.88, "checkpointing": 0.6}


def forwards(name: str, ours: LiftingModel, plain: nn.Module, clock: Clock) -> Iterator[Row]:
    """Time answers to windows: what the papers' networks compute and, of MHFormer, also what is scored alone."""
    ours.eval(), plain.eval()
    for batch, target in PAIRS[name].forward.items():
        inputs, _ = PAIRS[name].given(ours, batch)

        def scored(pose2d: Tensor = inputs[0]) -> object:
            return ours({"pose2d": pose2d})

        calls: dict[str, Callable[[], object]] = {
            "plain": lambda inputs=inputs: plain(*inputs),
            "viodat": lambda inputs=inputs: ours.official_forward(*inputs),
        }
        what, less = f"forward, batch {batch}", isinstance(ours, MHFormer)
        with torch.inference_mode():
            took = clock.turns({**calls, "scored": scored} if less else calls)
        yield times(name, f"{what}, all frames" if less else what, took, ("plain", "viodat"), target)
        if less:
            yield times(name, f"{what}, the scored frame alone", took, ("plain", "scored"), None)


def steps(name: str, ours: LiftingModel, plain: nn.Module, clock: Clock) -> Iterator[Row]:
    """Time training steps; of MixSTE also with checkpointing, whose cost is told against either."""
    pair = PAIRS[name]
    inputs, target = pair.given(ours, pair.step)
    what = f"training step, batch {pair.step}"
    step = stepper(pair, ours, ours, ours.official_forward, inputs, target)
    calls = {"plain": stepper(pair, plain, ours, plain, inputs, target), "viodat": step}
    if isinstance(ours, MixSte):

        def checkpointed() -> None:
            ours.checkpointing = True
            step()
            ours.checkpointing = False

        calls["checkpointing"] = checkpointed
    took = clock.turns(calls)
    yield times(name, what, took, ("plain", "viodat"), STEP_AT_LEAST)
    if "checkpointing" in took:
        for against in ("plain", "viodat"):
            of = (against, "checkpointing")
            yield times(name, f"{what}, checkpointing: time", took, of, CHECKPOINTING_AT_MOST, more=False)


def stepper(
    pair: Pair,
    network: nn.Module,
    losing: LiftingModel,
    forward: Callable[..., Answers],
    inputs: tuple[Tensor, ...],
    target: Tensor,
) -> Callable[[], None]:
    """Give what makes one step of training: forward, the loss of ``losing``, backward, the paper's optimiser."""
    optimiser = optimiser_of(network.train(), load_recipe(pair.spec.recipes, "paper").stage[-1].optimiser)

    def step() -> None:
        optimiser.zero_grad()
        losing.official_loss(*as_tuple(forward(*inputs)), target=target).backward()
        optimiser.step()

    return step


def slides(name: str, ours: LiftingModel, plain: nn.Module, frames: int, clock: Clock) -> Iterator[Row]:
    """Time a whole recording: sliding, against each window by itself, and against batches of windows."""
    pair, span = PAIRS[name], ours.frames
    if pair.slid is None:
        return
    ours.eval(), plain.eval()
    pose2d = torch.randn(1, frames + span - 1, len(ours.joints), 2)
    batch = {"pose2d": pose2d, "image_size": torch.full((1, 2), 1000.0)}

    def window_by_window(answer: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.cat([answer(pose2d[:, k : k + span]) for k in range(frames)])

    by_itself, plainly, together = "viodat, window by window", "plain, window by window", f"viodat, {WINDOWS} windows"
    calls: dict[str, Callable[[], Tensor]] = {
        by_itself: lambda: window_by_window(lambda window: ours({**batch, "pose2d": window})["pose3d"][:, 0]),
        plainly: lambda: window_by_window(lambda window: METRE_MM * pair.plain_centre(plain, window)),
        together: lambda: LiftingModel.sliding(ours, batch, WINDOWS),
        "sliding": lambda: ours.sliding(batch, WINDOWS),
    }
    with torch.inference_mode():
        slid = calls["sliding"]()
        for against in (by_itself, plainly, together):
            agree(f"{name}, {against}", [calls[against]() / METRE_MM], [slid / METRE_MM])
        took = clock.turns(calls)
    for against, target in ((by_itself, pair.slid), (plainly, pair.slid), (together, None)):
        yield times(name, f"{frames} frames, sliding", took, (against, "sliding"), target)


def memory(threads: int, small: bool) -> Iterator[Row]:
    """Compare the memory of two training steps of MixSTE, each kind in a process of its own."""
    found = {}
    for kind in ("plain", *MEMORY_AT_MOST):
        command = [sys.executable, __file__, "--memory-of", kind, "--threads", str(threads)]
        done = subprocess.run([*command, *(["--small"] if small else [])], check=True, stdout=subprocess.PIPE)
        found[kind] = json.loads(done.stdout)
    for kind, most in MEMORY_AT_MOST.items():
        for told, key, target in (("memory", "above_mb", most), ("memory with libraries", "peak_mb", None)):
            what = f"training step, batch {PAIRS['mixste'].step}, {kind}: {told}"
            reference, ours = found["plain"][key], found[kind][key]
            yield Row("mixste", what, "plain", "MB", reference, ours, ours / reference, target, more=False)


def memory_of(kind: str, small: bool) -> dict[str, float]:
    """Make two training steps of MixSTE; give the most memory, and by how much that is above what was there before."""
    pair = PAIRS["mixste"]
    options = dict(pair.options(small))
    # Its frames and its loss alone are used, so that all kinds have the same.
    narrow = pair.ours(joints=pair.joints, **{**options, "width": 8, "depth": 1})
    inputs, target = pair.given(narrow, pair.step)
    # The first step of a process loads much of PyTorch.
    stepper(pair, narrow, narrow, narrow.official_forward, inputs, target)()
    before = _resident_mb("VmRSS")
    network = pair.plain(len(pair.joints), **options)
    forward: Callable[..., Answers] = network
    if kind != "plain":
        del network
        network = pair.ours(joints=pair.joints, checkpointing=kind == "checkpointing", **options)
        forward = network.official_forward
    step = stepper(pair, network, narrow, forward, inputs, target)
    for _ in range(2):
        step()
    peak = _resident_mb("VmHWM")
    return {"peak_mb": peak, "above_mb": peak - before}


def _resident_mb(line: str) -> float:
    # Not ru_maxrss: on Linux a process starts with that of the one that started it.
    for found in Path("/proc/self/status").read_text().splitlines():
        if found.startswith(f"{line}:"):
            return int(found.split()[1]) / 1024
    raise SystemExit("memory is told by /proc/self/status, which Linux alone has")


def rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """Measure everything, model by model, each part in a process of its own.

    What a process freed, it keeps, and what it has need not be asked of the system again: a training step makes plain
    attention's large matrices cheaper for the rest of it.
    """
    for name in arguments.model:
        for part in ("check", *arguments.only):
            if part == "memory":
                yield from memory(arguments.threads, arguments.small) if name == "mixste" else ()
                continue
            command = [
                sys.executable,
                __file__,
                "--model",
                name,
                "--part-of",
                part,
                "--threads",
                str(arguments.threads),
            ]
            command += ["--repeats", str(arguments.repeats), "--seconds", str(arguments.seconds)]
            command += ["--frames", str(arguments.frames), *(["--small"] if arguments.small else [])]
            done = subprocess.run(command, stdout=subprocess.PIPE)
            if done.returncode:
                raise SystemExit(f"{name}, {part}: failed, see above")
            yield from (Row(**row) for row in json.loads(done.stdout))


def rows_of(part: str, name: str, arguments: argparse.Namespace) -> Iterator[Row]:
    """Measure one part of one model."""
    clock = Clock(arguments.repeats, arguments.seconds)
    ours, plain = PAIRS[name].made(arguments.small)
    if part == "check":
        check_same(name, ours, plain, PAIRS[name].step)
    elif part == "forward":
        yield from forwards(name, ours, plain, clock)
    elif part == "sliding":
        yield from slides(name, ours, plain, arguments.frames, clock)
    else:
        yield from steps(name, ours, plain, clock)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=list(PAIRS), default=list(PAIRS))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="What of it.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5, help="Turns at least, of everything.")
    parser.add_argument("--seconds", type=float, default=5.0, help="Turns are made until so many have passed.")
    parser.add_argument("--frames", type=int, default=360, help="Of the recording that is slid over.")
    parser.add_argument("--quick", action="store_true", help="One turn and 24 frames: whether it runs, not how fast.")
    parser.add_argument("--json", action="store_true", help="Print JSON in place of the table.")
    parser.add_argument("--small", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--part-of", help=argparse.SUPPRESS)
    parser.add_argument("--memory-of", choices=["plain", *MEMORY_AT_MOST], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    if arguments.part_of:
        print(json.dumps([asdict(row) for row in rows_of(arguments.part_of, arguments.model[0], arguments)]))
        return
    if arguments.memory_of:
        print(json.dumps(memory_of(arguments.memory_of, arguments.small)))
        return
    if arguments.quick:
        arguments.repeats, arguments.seconds, arguments.frames = 1, 0.0, 24
    about = {
        "threads": arguments.threads,
        "cores": len(os.sched_getaffinity(0)),
        "torch": torch.__version__,
        "machine": platform.machine(),
        "turns": arguments.repeats,
    }
    if arguments.json:
        print(json.dumps({**about, "rows": [one.as_dict() for one in rows(arguments)]}, indent=1))
        return
    print(HEAD)
    for one in rows(arguments):
        print(one, flush=True)
    print("\n- " + ", ".join(f"{name}: {value}" for name, value in about.items()))


if __name__ == "__main__":
    main()
