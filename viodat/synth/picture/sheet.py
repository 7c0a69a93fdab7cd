"""Contact sheets: pictures of several cameras at several instants on one page, with small labels. OpenCV only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from viodat.errors import ConfigError
from viodat.files import atomic_path
from viodat.synth.picture.render import Image

_PAPER: Final = 250
_INK: Final = (60, 60, 60)
_GAP_PX, _LABEL_PX, _TEXT_SIZE = 6, 22, 0.45


def contact_sheet(
    images: Sequence[Sequence[Image]],
    path: Path,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    width_px: int = 320,
) -> None:
    """Write a PNG with one row per camera and one column per instant.

    Parameters
    ----------
    images
        RGB pictures (H, W, 3) uint8, all rows as long as the first; they may differ in size.
    path
        Written atomically.
    rows, columns
        Labels, such as ``C01`` and ``2.40 s``: rows at the left, columns above. None where empty.
    width_px
        Of each picture on the sheet; its height follows from the first picture's shape.

    Raises
    ------
    ConfigError
        No pictures, rows of different lengths, or as many labels as do not fit.
    """
    count = len(images[0]) if images else 0
    if not count or any(len(row) != count for row in images):
        raise ConfigError("a contact sheet of ragged or no rows", mend="Give every camera the same instants.")
    for labels, needed in ((rows, len(images)), (columns, count)):
        if labels and len(labels) != needed:
            raise ConfigError(f"{len(labels)} labels for {needed} rows or columns", mend="Give one each, or none.")
    height_px = round(width_px * images[0][0].shape[0] / images[0][0].shape[1])
    left, top = (3 * _LABEL_PX if rows else _GAP_PX), (_LABEL_PX if columns else _GAP_PX)
    size = top + len(images) * (height_px + _GAP_PX), left + count * (width_px + _GAP_PX), 3
    sheet = np.full(size, _PAPER, np.uint8)
    for r, row in enumerate(images):
        y = top + r * (height_px + _GAP_PX)
        if rows:
            _write(sheet, rows[r], (_GAP_PX, y + height_px // 2))
        for c, image in enumerate(row):
            x = left + c * (width_px + _GAP_PX)
            small = cv2.resize(image, (width_px, height_px), interpolation=cv2.INTER_AREA)
            sheet[y : y + height_px, x : x + width_px] = small
    for c, label in enumerate(columns):
        _write(sheet, label, (left + c * (width_px + _GAP_PX) + _GAP_PX, _LABEL_PX - 7))
    with atomic_path(path) as temporary:
        _, coded = cv2.imencode(".png", sheet[..., ::-1])
        temporary.write_bytes(coded.tobytes())


def _write(sheet: Image, text: str, at: tuple[int, int]) -> None:
    cv2.putText(sheet, text, at, cv2.FONT_HERSHEY_SIMPLEX, _TEXT_SIZE, _INK, 1, cv2.LINE_AA)
