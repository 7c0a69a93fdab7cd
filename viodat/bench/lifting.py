"""From a lifting model to poses of whole recordings.

A model sees windows and answers each with the poses of all its frames, or of its centre frame. Put together, every
frame counts once: it is taken from the window in which it lies nearest to the middle, where most is seen of what was
before and after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from viodat.bench.batches import Batch, Cut, Float32, Normalisation, Sound, Windows
from viodat.bench.poses import RecordingPoses
from viodat.bench.store import GridStore, StoredRecording
from viodat.errors import MetricError
from viodat.joints import MIRROR

POSE: Final = "pose3d"
VELOCITY: Final = "velocity"
ACCELERATION: Final = "acceleration"
KEPT: Final = (POSE, VELOCITY, ACCELERATION)
"""What is taken of an answer."""
_MIRRORED: Final = np.array([-1.0, 1.0, 1.0], dtype=np.float32)


class Lifter(Protocol):
    """A model that is ready to answer.

    Attributes
    ----------
    frames
        T: frames of a window.
    hop
        Frames from one window to the next when a recording is predicted.
    centre
        Whether it answers with its centre frame alone, T odd; else with all T.
    whole
        Whether it is given a recording at once, its ends repeated, N + T - 1 frames of which it answers with the N
        that are centres of T; else window by window.
    normalisation, cut
        How it wants its pictures, and recordings cut into windows: as in :class:`viodat.bench.batches.Windows`.
    audio, sound
        What it listens to, of :data:`viodat.dataset.sound.AUDIO_KINDS`, None: nothing; and to whose sound.
    mirrors
        Whether its answer to the mirror image is another opinion on the same, so that both may be averaged.
    """

    frames: int
    hop: int
    centre: bool
    whole: bool
    normalisation: Normalisation
    cut: Cut
    audio: str | None
    sound: Sound
    mirrors: bool

    def lift(self, batch: Batch) -> Mapping[str, Float32]:
        """Answer with poses from the root, camera frame.

        Returns
        -------
        dict
            ``pose3d`` (B, T, 18, 3) mm, or (B, 1, 18, 3) of the centre frame; where the model has them also
            ``velocity`` and ``acceleration`` of the same shape, mm per frame and per frame².
        """
        ...


def windows_for(model: Lifter, store: GridStore, one: StoredRecording) -> Windows:
    """Give the windows that a model is asked for when a recording is predicted."""
    reach = model.frames - 1
    return Windows(
        store,
        (one,),
        frames=one.points + reach if model.whole else model.frames,
        hop=1 if model.centre else model.hop,
        offset=reach // 2 if model.centre else 0,
        normalisation=model.normalisation,
        audio=model.audio,
        cut="hop" if model.centre else model.cut,
        sound=model.sound,
    )


def predict(
    model: Lifter,
    store: GridStore,
    recordings: Sequence[StoredRecording],
    *,
    flipped: bool = True,
    batch_size: int = 64,
) -> Iterator[RecordingPoses]:
    """Predict recordings, each whole.

    Parameters
    ----------
    model
        Ready to answer.
    store, recordings
        What to predict.
    flipped
        Whether each answer is averaged with that to its mirror image, where a model has one.
    batch_size
        Windows at a time.

    Raises
    ------
    MetricError
        The model's answer has another shape than it should.
    """
    for one in recordings:
        windows = windows_for(model, store, one)
        answers: dict[str, list[Float32]] = {}
        # A recording that is given whole is one window.
        count = 1 if model.whole else len(windows)
        for begin in range(0, count, batch_size):
            chosen = np.arange(begin, min(begin + batch_size, count))
            answer = _lifted(model, windows.batch(chosen))
            if flipped and model.mirrors:
                mirrored = _lifted(model, windows.batch(chosen, np.ones(len(chosen), dtype=bool)))
                answer = {name: _averaged(value, mirrored[name]) for name, value in answer.items()}
            for name, value in answer.items():
                answers.setdefault(name, []).append(value)
        together = {name: np.concatenate(parts) for name, parts in answers.items()}
        if model.whole:
            whole = {name: value[0].astype(np.float64) for name, value in together.items()}
        else:
            whole = {
                name: stitched(value, windows.first, one.points, centre=model.centre)
                for name, value in together.items()
            }
        yield beside_truth(whole, store, one)


def beside_truth(
    predicted: Mapping[str, NDArray[np.float64]], store: GridStore, one: StoredRecording
) -> RecordingPoses:
    """Give what was predicted of a recording, (T, J, 3) by the names of :meth:`Lifter.lift`, beside its truth."""
    rows = slice(one.first, one.first + one.points)
    truth, sigma = (np.asarray(values[rows], dtype=np.float64) for values in (store.pose3d_mm, store.sigma_mm))
    known = np.asarray(np.isfinite(truth).all(axis=-1))
    return RecordingPoses(
        one.recording, one.trial, one.participant, store.rate_hz, predicted[POSE], truth, known, sigma,
        predicted.get(VELOCITY), predicted.get(ACCELERATION),
    )  # fmt: skip


def _averaged(answer: Float32, mirrored: Float32) -> Float32:
    return np.asarray((answer + mirrored[:, :, list(MIRROR)] * _MIRRORED) / 2, dtype=np.float32)


def _lifted(model: Lifter, batch: Batch) -> dict[str, Float32]:
    given, joints = batch.target.shape[1:3]
    answered = given - model.frames + 1 if model.whole or model.centre else model.frames
    expected = (len(batch.pose2d), answered, joints, 3)
    found = {name: np.asarray(value, dtype=np.float32) for name, value in model.lift(batch).items() if name in KEPT}
    for name in (POSE, *found):
        shape = found[name].shape if name in found else "nothing"
        if shape != expected:
            raise MetricError(f"expected the model to answer with {name} {expected}, but got {shape}")
    return found


def stitched(answers: Float32, firsts: NDArray[np.int64], points: int, *, centre: bool) -> NDArray[np.float64]:
    """Give (points, J, 3): each frame from the answer in whose window it lies nearest to the middle.

    Parameters
    ----------
    answers
        (W, T, J, 3), or (W, 1, J, 3) of each window's centre frame.
    firsts
        (W,) the first frame of each window, ascending.
    points
        Frames of the recording.
    centre
        Whether answers are of the centre frames: then there is a window for every frame.
    """
    if centre:
        return answers[:, 0].astype(np.float64)
    frames = answers.shape[1]
    middles = firsts + (frames - 1) / 2
    # Two windows as near share it by the earlier one.
    of = np.searchsorted((middles[1:] + middles[:-1]) / 2, np.arange(points), side="left")
    return np.asarray(answers[of, np.arange(points) - firsts[of]], dtype=np.float64)
