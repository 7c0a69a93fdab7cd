"""``viodat demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viodat.cli.bench import Validation, bench
from viodat.cli.console import out as console
from viodat.cli.console import progress
from viodat.errors import ConfigError, DatasetError, counted

_SECONDS = 7.0


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to make it: FOLDER/raw and FOLDER/out.")] = Path("demo"),
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same capture.")] = 0,
) -> None:
    """Simulate a small capture, check it, build it, open it with PyTorch, and score what any model must beat."""
    from viodat.build import build_dataset
    from viodat.build.checks import Level, check_capture
    from viodat.dataset.reader import open_dataset
    from viodat.synth import TwinOptions, write_twin

    if folder.exists() and not folder.is_dir():
        raise ConfigError("is a file; a folder was expected", where=str(folder), mend="Name another folder.")
    raw, out = folder / "raw", folder / "out"
    console.print(f"1. a raw capture in {raw}: three simulated violinists, filmed by four phones", markup=False)
    options = TwinOptions(participants=3, trials=1, seconds=_SECONDS, seed=seed, device_start_s=0.3, rom_seconds=0.0)
    with progress("simulating") as show:
        write_twin(raw, options, workers=0, progress=show)
    report = check_capture(raw)
    console.print(
        f"2. viodat check {raw}: {len(report.having(Level.ERROR))} errors, "
        f"{len(report.having(Level.WARNING))} warnings, {len(report.having(Level.NOTE))} notes",
        markup=False,
    )
    console.print(f"3. viodat build --raw {raw} --out {out}", markup=False)
    with progress("building") as show:
        result = build_dataset(raw, out, progress=show)
    if not open_dataset(out).verify().ok:
        raise DatasetError("differs from its manifest right after it was built", where=out)
    console.print(f"4. viodat check {out}: every file is as it was built", markup=False)
    console.print(f'5. one batch of viodat.PoseWindows("{out}", split="train", frames=60):', markup=False)
    _print_batch(out)
    console.print(f"6. viodat bench --data {out} --suite floors --validation window", markup=False)
    bench(out, suite="floors", validation=Validation.WINDOW)
    built = f"{counted(result.trials, 'trial')} and {counted(result.recordings, 'recording')}"
    console.print(f"\nbuilt {built}", markup=False)
    console.print(f"report: {result.report.resolve()}", markup=False)


def _print_batch(out: Path) -> None:
    from torch.utils.data import DataLoader

    from viodat.dataset.torch import PoseWindows

    windows = PoseWindows(out, split="train", frames=60)
    batch = next(iter(DataLoader(windows, batch_size=min(4, len(windows)))))
    for name, value in batch.items():
        shape = f"{tuple(value.shape)} {value.dtype}" if hasattr(value, "shape") else value
        console.print(f"   {name:<11}{shape}", markup=False)
