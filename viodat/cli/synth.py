"""``viodat synth``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json, print_warning, progress
from viodat.errors import counted


def synth(
    out: Annotated[Path, typer.Argument(help="Folder of the raw capture to make.")],
    participants: Annotated[int, typer.Option("--participants", help="How many players: P04, P05 ...")] = 12,
    trials: Annotated[int, typer.Option("--trials", help="Trials of each.")] = 13,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of each trial.")] = 12.0,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same capture.")] = 0,
    cameras: Annotated[int, typer.Option("--cameras", help="Phones, 1 to 4.")] = 4,
    mics: Annotated[int, typer.Option("--mics", help="Separate microphones, 0 to 8.")] = 0,
    video: Annotated[
        bool, typer.Option("--video/--no-video", help="Draw pictures, or write sound and stamps only.")
    ] = True,
    calibration: Annotated[
        str, typer.Option("--calibration", help="Format: pose2sim, opencv-yaml, opencv-json or caliscope.")
    ] = "pose2sim",
    faults: Annotated[
        bool, typer.Option("--faults", help="Make the mistakes that labs make; truth/twin.json lists them.")
    ] = False,
    fault: Annotated[list[str] | None, typer.Option("--fault", help="Only this mistake; repeatable.")] = None,
    given_clocks: Annotated[
        bool,
        typer.Option(
            "--given-clocks", help="Write every clock into capture.toml, as if found by hand; else build estimates it."
        ),
    ] = False,
    room: Annotated[str, typer.Option("--room", help="How it sounds: curtained, bare, hall or open.")] = "curtained",
    claps: Annotated[
        int | None, typer.Option("--claps", help="Claps before each take, 0 to 3; drawn if nothing is said.")
    ] = None,
    long_seconds: Annotated[
        float, typer.Option("--long-seconds", help="How much longer the fault long_recording lets a phone run.")
    ] = 120.0,
    scale: Annotated[
        str | None,
        typer.Option(
            "--scale", help="viodat: as large as VioDat, 160 trials of 50 s by four phones, whatever else is said."
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes; 0: one per core.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Simulate a capture: violinists with known truth, recorded in the real file formats.

    Called again on the same folder with the same options it goes on where it stopped.
    """
    from viodat.errors import ConfigError
    from viodat.synth import FAULTS, TwinOptions, viodat_scale, write_twin

    options = TwinOptions(
        participants=participants,
        trials=trials,
        seconds=seconds,
        seed=seed,
        cameras=cameras,
        microphones=mics,
        video=video,
        calibration=calibration,  # type: ignore[arg-type]
        faults=FAULTS if faults else tuple(fault or ()),  # type: ignore[arg-type]
        given_clocks=given_clocks,
        room=room,  # type: ignore[arg-type]
        claps=claps,
        long_s=long_seconds,
    )
    if scale is not None:
        if scale != "viodat":
            raise ConfigError(f"there is no scale {scale!r}", mend="The one known is viodat.")
        options = viodat_scale(options)
    try:
        with progress("simulating", quiet=json) as show:
            written = write_twin(out, options, workers=workers, progress=show)
    except KeyboardInterrupt:
        print_warning("interrupted; the same command goes on where it stopped")
        raise typer.Exit(130) from None
    if json:
        print_json({"out": str(out), "trials": written.trials, "recordings": written.recordings, "new": written.new})
        return
    made = f"{counted(written.trials, 'trial')} and {counted(written.recordings, 'recording')}"
    already = "" if written.new == written.trials else f", {written.trials - written.new} of them there already"
    console.print(f"{made}{already} in {out}", markup=False)
    console.print(f"the truth: {out / 'truth'}", markup=False)
    console.print(f"next: viodat check {out}, then viodat build --raw {out}", markup=False)
