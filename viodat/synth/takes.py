"""What the player does in a trial: the take, and what is rehearsed while one phone runs for minutes more."""

from __future__ import annotations

from dataclasses import dataclass, replace

from viodat.synth.music.control import Control, control_signals
from viodat.synth.music.performance import Performance, perform
from viodat.synth.music.score import write_piece
from viodat.synth.options import TwinOptions
from viodat.synth.plan import Stream, TrialPlan, generator
from viodat.synth.player.motion import JOIN_S, JoinedMotion, PlayingMotion, joined, playing_motion
from viodat.synth.schedule import schedule
from viodat.synth.session import lab, player

_CONTROL_HZ = 500.0


@dataclass(frozen=True)
class Take:
    """A performance at its place on the mocap clock."""

    performance: Performance
    control: Control
    motion: PlayingMotion
    start_s: float


@dataclass(frozen=True)
class Rehearsal:
    """Other playing before a take or after it, and the motion that leads from one to the other."""

    performance: Performance
    motion: JoinedMotion
    start_s: float


def take_of(options: TwinOptions, plan: TrialPlan) -> Take:
    """Play a trial's take: notes, control signals and the body that follows them."""
    who = player(options, plan.participant)
    times = schedule(options, plan, lab(options).phones)
    piece = write_piece(
        plan.person.level,
        plan.style,
        options.seconds,
        generator(options, Stream.PIECE, plan.participant, plan.piece),
    )
    rng = generator(options, Stream.TAKE, plan.participant, plan.number)
    performance = perform(replace(piece, seconds=times.play_seconds), who.traits, rng)
    control = control_signals(performance, _CONTROL_HZ)
    motion = playing_motion(who.anatomy, control, rng, who.hold, claps=times.claps, start_s=times.play_s)
    return Take(performance, control, motion, times.play_s)


def rehearsal_of(options: TwinOptions, plan: TrialPlan, take: Take) -> Rehearsal | None:
    """Play what is heard while only one phone runs: the participant's next piece; None where none runs alone."""
    times = schedule(options, plan, lab(options).phones)
    if times.rehearsal is None:
        return None
    start_s, end_s = times.rehearsal
    who, other = player(options, plan.participant), replace(plan, piece=plan.piece + 1)
    piece = write_piece(
        plan.person.level,
        other.style,
        end_s - start_s,
        generator(options, Stream.PIECE, plan.participant, other.piece),
    )
    rng = generator(options, Stream.REHEARSAL, plan.participant, plan.number, 2)
    performance = perform(piece, who.traits, rng)
    control = control_signals(performance, _CONTROL_HZ)
    motion = playing_motion(who.anatomy, control, rng, who.hold, start_s=start_s)
    # The hands change over in the quiet between the two.
    change_s = end_s if start_s < take.start_s else start_s - JOIN_S
    return Rehearsal(performance, joined(take.motion, motion, change_s), start_s)
