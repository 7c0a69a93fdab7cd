"""A phone's video file: every frame rendered at its own time, H.264 and AAC in an .mp4 with exact stamps.

Frames are drawn and encoded one after the other, so memory does not grow with the recording. A frame's stamp is
written as it is, in counts of 1/90000 s from the container's time 0, at which also the first audio sample is presented:
the encoder's priming samples lie before it and the container's edit list leaves them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from viodat.errors import ConfigError
from viodat.files import atomic_path
from viodat.synth.lab.phones import STAMP_BASE
from viodat.synth.lab.sound_track import BLOCK, SOUND_HZ, add_sound_track, encode_sound, planes_of
from viodat.synth.picture.figure import Look, figures_of
from viodat.synth.picture.render import Image, Stage, between, instants
from viodat.synth.player.body import Body
from viodat.synth.vectors import FloatArray

_NOMINAL_FPS = 30  # only a hint for the encoder's rate control; the stamps say when a frame is shown
_ENCODER: Final = {"preset": "veryfast", "crf": "24", "threads": "1"}
"""About 0.5 Mbit/s for a still camera at 720p. One thread: recordings are encoded beside each other, and the same
pictures give the same bytes."""
_CHUNK_FRAMES = 64


def write_video(
    path: Path,
    body_at: Callable[[FloatArray], Body],
    look: Look,
    stage: Stage,
    pts: NDArray[np.int64],
    first_row_s: FloatArray,
    readout_s: float,
    exposure_s: float,
    sound: NDArray[np.floating],
) -> None:
    """Film a player and write the recording.

    Parameters
    ----------
    path
        The .mp4 file, written atomically.
    body_at
        Gives the body at (T,) s on the mocap clock; it is asked in chunks of some 64 frames.
    look, stage
        The player's clothes; the camera with its room. Width and height must be even.
    pts
        (F,) int64, rising, stamps in counts of 1/90000 s.
    first_row_s
        (F,) s on the mocap clock, mid-exposure of the first row.
    readout_s, exposure_s
        From the first row to the last one; how long each row is exposed.
    sound
        (N,) samples from -1 to 1 at 44.1 kHz, or (N, 2) left and right, the first one at the container's time 0;
        louder ones are clipped.

    Raises
    ------
    ConfigError
        No frames, stamps that do not rise from 0 or more, times that do not match them, sound of more than two
        channels, or a picture of odd size.
    """
    height, width = stage.empty.shape[:2]
    if pts.size == 0 or pts.shape != first_row_s.shape or pts[0] < 0 or np.any(np.diff(pts) <= 0):
        raise ConfigError(
            f"{path.name}: {pts.size} stamps for {first_row_s.size} frames, or stamps that do not rise from 0",
            mend="Give every frame one stamp, later than the one before.",
        )
    if width % 2 or height % 2:
        raise ConfigError(f"{path.name}: H.264 (4:2:0) has no pictures of {width} × {height}", mend="Use even sizes.")
    planes = planes_of(sound)
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_NOMINAL_FPS, options=dict(_ENCODER))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = STAMP_BASE
        # Tracks default to the container's own counts, which would round the stamps.
        stream.time_base = STAMP_BASE
        track = add_sound_track(container, planes)
        heard = 0
        images = pictures(body_at, look, stage, first_row_s, readout_s, exposure_s)
        for image, stamp in zip(images, pts.tolist(), strict=True):
            # Sound and picture alternate, as a phone writes them, so that a player need not seek.
            until = min(int(stamp * STAMP_BASE * SOUND_HZ), planes.shape[1]) // BLOCK * BLOCK
            encode_sound(container, track, planes, heard, until)
            heard = max(heard, until)
            frame = av.VideoFrame.from_ndarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), format="yuv420p")
            frame.pts, frame.time_base = stamp, STAMP_BASE
            container.mux(stream.encode(frame))
        encode_sound(container, track, planes, heard, planes.shape[1])
        container.mux(stream.encode())
        container.mux(track.encode())


def pictures(
    body_at: Callable[[FloatArray], Body],
    look: Look,
    stage: Stage,
    first_row_s: FloatArray,
    readout_s: float,
    exposure_s: float,
) -> Iterator[Image]:
    """Draw the frames of :func:`write_video` one by one: (H, W, 3) uint8, RGB."""
    for start in range(0, first_row_s.size, _CHUNK_FRAMES):
        times = np.stack(
            [instants(t, readout_s, exposure_s) for t in first_row_s[start : start + _CHUNK_FRAMES].tolist()]
        )
        figures = figures_of(body_at(times.ravel()), look)
        for i in range(len(times)):
            known = figures[3 * i], figures[3 * i + 1], figures[3 * i + 2]
            yield between(known, stage, readout_s, exposure_s)
