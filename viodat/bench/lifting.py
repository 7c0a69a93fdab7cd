"""From a lifting model to poses of whole recordings.

A model sees windows and answers each with the poses of all its frames, or of its centre frame. Put together, every
frame counts once: it is taken from the window in which it lies nearest to the middle, where most is seen of what was
before and after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from viodat.bench.batches import Batch, Float32, Normalisation, Windows
from viodat.bench.poses import RecordingPoses
from viodat.bench.store import GridStore, StoredRecording
from viodat.errors import MetricError
from viodat.joints import MIRROR

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
    normalisation
        How it wants its pictures.
    audio
        Whether it listens.
    mirrors
        Whether its answer to the mirror image is another opinion on the same, so that both may be averaged.
    """

    frames: int
    hop: int
    centre: bool
    normalisation: Normalisation
    audio: bool
    mirrors: bool

    def lift(self, batch: Batch) -> Float32:
        """Give (B, T, 18, 3) mm from the root, or (B, 1, 18, 3) of the centre frame; camera frame."""
        ...


def windows_for(model: Lifter, store: GridStore, recordings: Sequence[StoredRecording]) -> Windows:
    """Give the windows that a model is asked for when recordings are predicted."""
    offset = (model.frames - 1) // 2 if model.centre else 0
    hop = 1 if model.centre else model.hop
    return Windows(
        store,
        recordings,
        frames=model.frames,
        hop=hop,
        offset=offset,
        normalisation=model.normalisation,
        with_audio=model.audio,
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
        windows = windows_for(model, store, (one,))
        answers: list[Float32] = []
        for begin in range(0, len(windows), batch_size):
            chosen = np.arange(begin, min(begin + batch_size, len(windows)))
            answer = _lifted(model, windows.batch(chosen))
            if flipped and model.mirrors:
                mirrored = _lifted(model, windows.batch(chosen, np.ones(len(chosen), dtype=bool)))
                answer = ((answer + mirrored[:, :, list(MIRROR)] * _MIRRORED) / 2).astype(np.float32)
            answers.append(answer)
        pred = stitched(np.concatenate(answers), windows.first, one.points, centre=model.centre)
        yield beside_truth(pred, store, one)


def beside_truth(pred: NDArray[np.float64], store: GridStore, one: StoredRecording) -> RecordingPoses:
    """Give (T, J, 3) mm, predicted of a recording, beside its truth."""
    truth = store.pose3d_mm[one.first : one.first + one.points].astype(np.float64)
    known = np.asarray(np.isfinite(truth).all(axis=-1))
    return RecordingPoses(one.recording, one.trial, one.participant, store.rate_hz, pred, truth, known)


def _lifted(model: Lifter, batch: Batch) -> Float32:
    answer = np.asarray(model.lift(batch), dtype=np.float32)
    expected = (len(batch.pose2d), 1 if model.centre else model.frames, *batch.target.shape[2:])
    if answer.shape != expected:
        raise MetricError(f"expected the model to answer with poses {expected}, but got {answer.shape}")
    return answer


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
