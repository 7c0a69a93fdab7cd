"""What becomes of a trial's sounds once its clocks are known: not all of them are the trial's, or as fast as they say.

A sound that has nothing in common with the others is not written. One whose file states a wrong sample rate is
described again at the true one. If the pitch was computed from such a sound, it is computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from viodat.audio import SoundDescription, describe
from viodat.build.recording import RecordingResult
from viodat.build.sound import best_microphone
from viodat.build.trial import TrialResult
from viodat.clock import TrialClocks

_SAME: Final = 1e-6


def settle_sounds(result: TrialResult, clocks: TrialClocks) -> TrialResult:
    """Leave out the sounds that are not the trial's, and describe those anew whose rate is another than stated.

    Parameters
    ----------
    result
        From :func:`viodat.build.prepare.first_pass`, with its sounds.
    clocks
        As estimated.
    """
    strangers = {r.files.id for r in result.recordings if r.files.device in clocks.strangers and r.sound is not None}
    ratios = {device: clock.rate_ratio for device, clock in clocks.clocks.items() if abs(clock.rate_ratio - 1) > _SAME}
    if not strangers and not ratios:
        return result
    recordings = tuple(_settled(one, one.files.id in strangers, ratios) for one in result.recordings)
    left = {one.files.id: one.sound for one in recordings if one.sound is not None}
    best = result.best_microphone
    if best in strangers:
        best = best_microphone(left) if left else ""
    described = {name: sound for name, sound in result.descriptions.items() if name in left}
    for one in recordings:
        ratio = ratios.get(one.files.device, 1.0)
        if one.files.id in described and (ratio != 1.0 or one.files.id == best != result.best_microphone):
            described[one.files.id] = _anew(one, described[one.files.id], ratio, with_f0=one.files.id == best)
    return replace(result, recordings=recordings, descriptions=described, best_microphone=best)


def _settled(recording: RecordingResult, stranger: bool, ratios: Mapping[str, float]) -> RecordingResult:
    if stranger:
        settled = replace(recording, sound=None)
        return settled.noting("its sound is not in the dataset: it is not known to be the trial's")
    ratio = ratios.get(recording.files.device)
    if ratio is None or recording.sound is None:
        return recording
    stated = recording.sound.rate_hz
    return recording.noting(
        f"its audio features are computed at {stated * ratio:,.0f} Hz; its file states {stated:,.0f} Hz, and so does "
        "its copy in the dataset"
    )


def _anew(recording: RecordingResult, known: SoundDescription, ratio: float, *, with_f0: bool) -> SoundDescription:
    sound = recording.sound
    assert sound is not None
    return describe(sound.samples, sound.rate_hz * ratio, rates=tuple(known.features), with_f0=with_f0)
