"""The bytes of a C3D file turned into arrays, in the file's own units: no names, subjects or millimetres yet.

Three decoders: ezc3d for Intel and DEC files; the ``c3d`` package for MIPS, which ezc3d refuses; numpy for the
two cases in which ezc3d gives other frames than the file holds without saying so: more than 65,535 frames, and
a header that contradicts the parameters. Decoding a damaged file may crash the process (ezc3d is C++), so
this normally runs in the child process of :mod:`viodat.capture.c3d_isolation`.

Source: The C3D File Format User Guide (Motion Lab Systems), chapters on 3D point and analog data.
"""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viodat.capture.c3d_layout import C3DLayout
from viodat.capture.c3d_parameters import Parameters, Value, clean_text, number, numbers, texts
from viodat.capture.markers import FloatArray
from viodat.errors import CaptureError

_EXPORT_AGAIN = "Export the trial again from the recording software."
_MEMORY = "the C3D decoder asks for more memory than a file of its size can need: it must be damaged"


@dataclass(frozen=True)
class RawC3D:
    """What a C3D file holds, in its own units and order.

    Attributes
    ----------
    parameters
        See :data:`viodat.capture.c3d_parameters.Parameters`.
    points
        (F, N, 3) in POINT:UNITS. Coordinates of a missing sample mean nothing.
    residuals
        (F, N) in POINT:UNITS, negative where the sample is missing. All three decoders follow ezc3d, which takes
        the upper byte of the fourth word; the format's guide has the residual in the lower byte and the cameras
        in the upper one. Only the sign is used anywhere in viodat.
    analog
        (S, C) with offset and scale applied, in ANALOG:UNITS.
    """

    parameters: Parameters
    points: FloatArray
    residuals: FloatArray
    analog: FloatArray


def decode(path: Path, layout: C3DLayout) -> RawC3D:
    """Decode a validated C3D file in this process.

    Parameters
    ----------
    path
        The file.
    layout
        From :func:`viodat.capture.c3d_layout.check_c3d`.

    Raises
    ------
    CaptureError
        The decoder refuses the file, or gives other counts than the file declares.
    """
    try:
        raw = _decode_mips(path) if layout.processor == "mips" else _decode_ezc3d(path, layout)
    except CaptureError:
        raise
    except MemoryError as error:
        raise CaptureError(_MEMORY, where=path, mend=_EXPORT_AGAIN) from error
    except Exception as error:
        if "bad_alloc" in str(error) and layout.damaged_at is None:
            raise CaptureError(_MEMORY, where=path, mend=_EXPORT_AGAIN) from error
        # What ezc3d and c3d raise on a foreign file is not documented: from KeyError to RuntimeError.
        raise CaptureError(_refusal(layout, error), where=path, mend=_EXPORT_AGAIN) from error
    shape = (layout.frames, layout.points)
    samples = (layout.frames * layout.analog_samples, layout.channels)
    if raw.residuals.shape != shape or (layout.channels and raw.analog.shape != samples):
        raise CaptureError(
            f"decodes to {raw.residuals.shape[0]} frames of {raw.residuals.shape[1]} points and "
            f"{raw.analog.shape[1]} analog channels, but declares {shape[0]} frames of {shape[1]} points and "
            f"{samples[1]} channels",
            where=path,
            mend=_EXPORT_AGAIN,
        )
    return raw


def _refusal(layout: C3DLayout, error: Exception) -> str:
    reason = str(error).strip().rstrip(".") or type(error).__name__
    reason = reason.split(". If you want")[0]
    if layout.damaged_at is not None:
        return f"its parameter section is damaged at byte {layout.damaged_at} (the decoder says: {reason})"
    return f"the C3D decoder cannot read it ({reason})"


def _decode_ezc3d(path: Path, layout: C3DLayout) -> RawC3D:
    import ezc3d

    content = ezc3d.c3d(str(path))
    parameters = _ezc3d_parameters(content["parameters"])
    data = content["data"]
    points = np.asarray(data["points"], dtype=np.float64)
    residuals = np.asarray(data["meta_points"]["residuals"], dtype=np.float64)[0].T
    analog = np.asarray(data["analogs"], dtype=np.float64)[0].T
    shapes = (residuals.shape, analog.shape[1] if analog.size else 0)
    if layout.contradictory or shapes != ((layout.frames, layout.points), layout.channels):
        return _decode_numpy(path, layout, parameters)
    return RawC3D(parameters, np.ascontiguousarray(points[:3].transpose(2, 1, 0)), residuals, analog)


def _ezc3d_parameters(groups: Any) -> Parameters:
    found: dict[str, dict[str, Value]] = {}
    for group, parameters in groups.items():
        values: dict[str, Value] = {}
        for name, parameter in parameters.items():
            if name == "__METADATA__":
                continue
            value = parameter["value"]
            if parameter["type"] == -1:
                # ezc3d hands bytes that are no UTF-8 over as surrogates.
                values[name] = [clean_text(str(text).encode("utf-8", "surrogateescape")) for text in value]
            else:
                values[name] = [float(v) for v in np.asarray(value, dtype=np.float64).ravel(order="F")]
        found[group] = values
    return found


def _decode_mips(path: Path) -> RawC3D:
    import c3d

    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = c3d.Reader(file)
        parameters = {
            group.name.upper(): {name: value for name, p in group.param_items() if (value := _c3d_value(p)) is not None}
            for _, group in reader.group_listed()
        }
        points, analog = [], []
        for _, frame_points, frame_analog in reader.read_frames():
            points.append(frame_points)
            analog.append(np.asarray(frame_analog, dtype=np.float64).reshape(reader.analog_used, -1).T)
    stacked = np.asarray(points, dtype=np.float64).reshape(len(points), reader.point_used, 5)
    samples = np.concatenate(analog) if analog else np.empty((0, 0))
    scale = abs(float(reader.point_scale))
    residuals = np.where(stacked[:, :, 3] < 0, -1.0, stacked[:, :, 4] * scale)
    return RawC3D(parameters, np.ascontiguousarray(stacked[:, :, :3]), residuals, samples)


def _c3d_value(parameter: Any) -> Value | None:
    """Give one parameter of the ``c3d`` package as a flat list, or None if its bytes do not fit its size."""
    dimensions = list(parameter.dimensions)
    count = int(np.prod(dimensions, dtype=np.int64)) if dimensions else 1
    raw = bytes(parameter.bytes or b"")
    size = abs(parameter.bytes_per_element)
    if len(raw) < count * size:
        return None
    if parameter.bytes_per_element == -1:
        width = dimensions[0] if dimensions else 1
        return [clean_text(raw[i : i + width]) for i in range(0, count, width)] if width else []
    code = {1: "u1", 2: ">i2", 4: ">f4"}.get(size)
    return None if code is None else [float(v) for v in np.frombuffer(raw, dtype=code, count=count)]


def _decode_numpy(path: Path, layout: C3DLayout, parameters: Parameters) -> RawC3D:
    """Decode the data section by the layout alone (Intel byte order)."""
    if layout.processor != "intel":
        raise CaptureError(
            f"holds {layout.frames} frames in {layout.processor.upper()} byte order, which its decoder "
            f"does not read whole",
            where=path,
            mend="Export the trial again in Intel (PC) byte order.",
        )
    floating = layout.scale < 0
    values = 4 * layout.points + layout.analog_values
    rows = np.memmap(
        path,
        dtype="<f4" if floating else "<i2",
        mode="r",
        offset=layout.data_start,
        shape=(layout.frames, values),
    )
    points = np.array(rows[:, : 4 * layout.points], dtype=np.float64).reshape(layout.frames, layout.points, 4)
    xyz, word = points[:, :, :3], points[:, :, 3]
    scale = abs(layout.scale)
    if not floating:
        xyz = xyz * scale
    word = np.where(np.isfinite(word), word, -1.0)
    upper = np.clip(word, 0, 0x7FFF).astype(np.int64) >> 8
    residuals = np.where(word < 0, -1.0, upper * scale)
    analog = np.array(rows[:, 4 * layout.points :]).reshape(-1, max(layout.channels, 1))
    return RawC3D(parameters, np.ascontiguousarray(xyz), residuals, _scale_analog(analog, layout, parameters))


def _scale_analog(stored: NDArray[Any], layout: C3DLayout, parameters: Parameters) -> FloatArray:
    """(value − OFFSET) × SCALE × GEN_SCALE, per channel."""
    if not layout.channels:
        return np.empty((0, 0))
    unsigned = any(text.upper() == "UNSIGNED" for text in texts(parameters, "ANALOG", "FORMAT"))
    if unsigned and stored.dtype.kind == "i":
        stored = stored.view("<u2")
    general = number(parameters, "ANALOG", "GEN_SCALE")
    scale = _per_channel(numbers(parameters, "ANALOG", "SCALE"), layout.channels, 1.0)
    offset = _per_channel(numbers(parameters, "ANALOG", "OFFSET"), layout.channels, 0.0)
    if unsigned:
        offset = np.where(offset < 0, offset + 0x10000, offset)
    scaled = (stored.astype(np.float64) - offset) * scale * (1.0 if general is None else general)
    return np.asarray(scaled, dtype=np.float64)


def _per_channel(values: list[float], channels: int, missing: float) -> FloatArray:
    padded = list(itertools.islice(itertools.chain(values, itertools.repeat(missing)), channels))
    return np.array(padded, dtype=np.float64)
