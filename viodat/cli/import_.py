"""``viodat import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json, print_warning, progress
from viodat.errors import ConfigError, counted

_SHOWN = 12
_CHECKPOINT = "checkpoint"


def import_(
    format: Annotated[
        str,
        typer.Argument(
            help="What was published: viodat-v1 (VioDat v1.0, mmViolin_v1.0.npz), telmi or quartet (RepoVizz "
            "datapacks), mosa, urmp; or checkpoint: the weights of a model."
        ),
    ],
    file: Annotated[
        Path, typer.Argument(help="The published file or folder. It is only read, and no code in it is run.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the dataset to make; checkpoint: a .safetensors file.")],
    audio: Annotated[
        Path | None,
        typer.Option("--audio", help="viodat-v1: its sound, if it does not stand beside it as FILE_audio.npz."),
    ] = None,
    audio_rate: Annotated[
        list[int] | None, typer.Option("--audio-rate", help="30, 100 or 300: rates of the audio frame; repeatable.")
    ] = None,
    keypoints: Annotated[
        str, typer.Option("--keypoints", help="viodat-v1: whose 2D keypoints to take, mediapipe or openpose.")
    ] = "mediapipe",
    limit_gib: Annotated[
        float, typer.Option("--limit-gib", help="viodat-v1: GiB that one member of the file may unpack to.")
    ] = 4.0,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="telmi, quartet, mosa, urmp: a capture.toml that says what markers are, their unit, and who is "
            "tested. checkpoint: a .json of the official constructor's arguments, where shapes do not tell them.",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="checkpoint: whose weights they are (viodat models).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Turn published data into a dataset, or published weights into a file without code in it."""
    if format == _CHECKPOINT:
        _import_checkpoint(file, out, model, config, json=json)
        return
    if model is not None:
        raise ConfigError("--model is for checkpoints alone", mend=f"viodat import {_CHECKPOINT} FILE --model NAME")
    from viodat.build.staging import staging_folder
    from viodat.dataset.importers import ImportOptions, import_published

    options = ImportOptions(audio, tuple(audio_rate or (100,)), keypoints, limit_gib, config)
    with staging_folder(file, out) as folder, progress("importing", quiet=json) as show:
        result = import_published(format, file, folder, options, show)
    if json:
        print_json(
            {
                "out": str(out),
                "trials": result.trials,
                "recordings": result.recordings,
                "unsynchronised": result.unsynchronised,
                "exclusions": list(result.exclusions),
                "notes": list(result.notes),
            }
        )
        return
    for note in result.notes[:_SHOWN]:
        console.print(f"note: {note}", markup=False)
    for row in result.exclusions[:_SHOWN]:
        what = "not trained on:" if row["stage"] == "clocks" else "left out"
        print_warning(f"{what} {row['recording'] or row['trial']}: {row['reason']}")
    if hidden := max(len(result.notes) - _SHOWN, 0) + max(len(result.exclusions) - _SHOWN, 0):
        print_warning(f"{hidden} more in dataset.json and exclusions.parquet")
    made = f"{counted(result.trials, 'trial')} and {counted(result.recordings, 'recording')}"
    if result.unsynchronised:
        made += f", {result.unsynchronised:,} of them without a clock,"
    console.print(f"imported {made} in {out}", markup=False)
    console.print(f"what it holds and lacks: {out / 'README.md'}", markup=False)


def _import_checkpoint(file: Path, out: Path, model: str | None, config: Path | None, *, json: bool) -> None:
    from viodat.bench.published import import_checkpoint, read_arguments

    if model is None:
        raise ConfigError("--model is missing: whose weights are they?", mend="viodat models lists those there are.")
    if out.suffix != ".safetensors":
        raise ConfigError(
            "expected a name that ends in .safetensors", where=str(out), mend=f"--out {model}.safetensors"
        )
    network = import_checkpoint(file, model, out, read_arguments(config) if config is not None else None)
    parameters = sum(value.numel() for value in network.parameters())
    if json:
        told = {"out": str(out), "model": model, "joints": network.joints.name, "frames": network.frames}
        print_json({**told, "parameters": parameters})
        return
    console.print(
        f"imported {model}: {parameters:,} parameters, {network.frames} frames, {len(network.joints)} joints "
        f"({network.joints.name}), in {out}",
        markup=False,
    )
