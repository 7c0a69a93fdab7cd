"""The words of a take sheet: how each joint was found, each device's clock, and what is missing.

Columns are laid out in inches from the page's left and top edges; what does not fit is counted, never dropped
in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from viodat.joints import JOINT_INDEX
from viodat.report.style import HEADING_PT, INK, LEFT, LINE_IN, QUIET, RIGHT, RULE, fit, wrap, write
from viodat.report.wording import count, joint_name, millimetres, offset, percent, printable, sigma, valid_fractions

ROWS: Final = ("shoulder", "elbow", "wrist", "index", "pinky", "thumb", "pelvis", "knee", "ankle")
STRIP_LINES: Final = len(ROWS) + 1
"""Lines below the heading of each column."""


def write_joints(
    figure: Figure,
    left: float,
    top: float,
    width: float,
    methods: Sequence[str],
    joints_mm: NDArray[np.float64],
    sigma_mm: Sequence[float] = (),
) -> None:
    """Write one row per pair of joints: valid share on either side, sigma, and the method.

    Parameters
    ----------
    figure
        The page.
    left, top, width
        Place of the column in inches.
    methods
        18 names of methods; empty where a joint was not determined.
    joints_mm
        (F, 18, 3) mm, NaN where a joint is not determined.
    sigma_mm
        18 standard deviations in mm, NaN where none is known; or none.
    """
    _title(figure, left, top, width, "Joints", "share of frames determined, sigma, and how")
    share = valid_fractions(joints_mm)
    at_left, at_right, at_method = left + 1.08, left + 1.62, left + 1.76
    line = top + LINE_IN
    write(figure, at_left, line, "left", colour=LEFT, align="right")
    write(figure, at_right, line, "right", colour=RIGHT, align="right")
    write(figure, at_method, line, "method", colour=QUIET)
    for row in ROWS:
        line += LINE_IN
        one, two = JOINT_INDEX[f"left_{row}"], JOINT_INDEX[f"right_{row}"]
        write(figure, left, line, joint_name(row))
        for joint, at in ((one, at_left), (two, at_right)):
            write(
                figure,
                at,
                line,
                percent(float(share[joint])),
                align="right",
                colour=INK if share[joint] > 0 else QUIET,
            )
        how = method_of_pair(methods[one], methods[two])
        if sigma_mm and np.isfinite([sigma_mm[one], sigma_mm[two]]).any():
            # Only a fitted joint has a sigma, so that need not be said again: what places it matters more.
            how = how.removeprefix("skeleton, ").split(":")[0]
            how = f"± {millimetres(sigma_mm[one])}, {millimetres(sigma_mm[two])} mm, {how}"
        known = methods[one] or methods[two]
        write(figure, at_method, line, fit(how, left + width - at_method), colour=INK if known else QUIET)


def method_of_pair(left: str, right: str) -> str:
    """Write how the left and right joint were found, in one phrase.

    Examples
    --------
    >>> method_of_pair("pig", "pig"), method_of_pair("midpoint:LKNM+LKNE", "midpoint:RKNM+RKNE")
    ('pig', 'midpoint')
    >>> method_of_pair("pig", "")
    'pig / not determined'
    >>> method_of_pair("skeleton(midpoint:LKNM+LKNE)", "skeleton(midpoint:RKNM+RKNE)")
    'skeleton, midpoint'
    """
    both = [_shown(printable(method)) or "not determined" for method in (left, right)]
    if both[0] != both[1] and both[0].split(":")[0] == both[1].split(":")[0]:
        # The labels of either side differ as they must; the page lists them.
        return both[0].split(":")[0]
    return both[0] if both[0] == both[1] else " / ".join(both)


def _shown(method: str) -> str:
    """Write ``skeleton(midpoint:A+B)`` without its brackets."""
    return f"skeleton, {method[9:-1]}" if method.startswith("skeleton(") else method


def write_recordings(
    figure: Figure,
    left: float,
    top: float,
    width: float,
    rows: Sequence[tuple[str, str, float | None, float | None, str]],
) -> None:
    """Write one row per recording: device, clock offset, how sure its times are, status.

    Parameters
    ----------
    figure
        The page.
    left, top, width
        Place of the column in inches.
    rows
        Recording, device, offset in s, standard deviation in ms of the time of its pictures (without pictures, of its
        sound) at the worse end of the trial, status.
    """
    _title(figure, left, top, width, "Recordings", "sigma: of the pictures' times at the worse end")
    line = top + LINE_IN
    if not rows:
        write(figure, left, line, "None: this trial has markers only.", colour=QUIET)
        return
    at_offset, at_sigma, at_status = left + 1.62, left + 2.30, left + 2.42
    write(figure, left, line, "recording (device)", colour=QUIET)
    write(figure, at_offset, line, "offset", colour=QUIET, align="right")
    write(figure, at_sigma, line, "sigma", colour=QUIET, align="right")
    write(figure, at_status, line, "status", colour=QUIET)
    shown = rows if len(rows) < STRIP_LINES else rows[: STRIP_LINES - 2]
    for recording, device, offset_s, sigma_ms, status in shown:
        line += LINE_IN
        name = f"{printable(recording)} ({printable(device)})" if device else printable(recording)
        write(figure, left, line, fit(name, at_offset - left - 0.62))
        write(figure, at_offset, line, offset(offset_s), align="right")
        write(figure, at_sigma, line, sigma(sigma_ms), align="right")
        write(figure, at_status, line, fit(printable(status), left + width - at_status))
    if len(shown) < len(rows):
        write(figure, left, line + LINE_IN, f"and {len(rows) - len(shown)} more: see the page", colour=QUIET)


def write_notes(figure: Figure, left: float, top: float, width: float, notes: Sequence[str]) -> None:
    """Write what is missing and why, as many whole lines as fit.

    Parameters
    ----------
    figure
        The page.
    left, top, width
        Place of the column in inches.
    notes
        Sentences.
    """
    _title(figure, left, top, width, "Missing and noted", "")
    if not notes:
        write(figure, left, top + LINE_IN, "Nothing was noted.", colour=QUIET)
        return
    lines: list[tuple[str, str]] = []
    written = 0
    for note in notes:
        wrapped = wrap(printable(note, 600), width - 0.11)
        reserve = 0 if written == len(notes) - 1 else 1
        if len(lines) + len(wrapped) > STRIP_LINES - reserve:
            break
        lines += [
            ("•" if first else "", text) for first, text in zip([True] + [False] * len(wrapped), wrapped, strict=False)
        ]
        written += 1
    for row, (bullet, text) in enumerate(lines):
        write(figure, left, top + (row + 1) * LINE_IN, bullet, colour=QUIET)
        write(figure, left + 0.11, top + (row + 1) * LINE_IN, text)
    if written < len(notes):
        rest = f"and {count(len(notes) - written, 'more note')}: see the page"
        write(figure, left + 0.11, top + (len(lines) + 1) * LINE_IN, rest, colour=QUIET)


def _title(figure: Figure, left: float, top: float, width: float, title: str, detail: str) -> None:
    page_width, page_height = figure.get_size_inches()
    above = 1 - (top - 0.2) / page_height
    figure.add_artist(
        Line2D([left / page_width, (left + width) / page_width], [above, above], color=RULE, linewidth=0.6)
    )
    write(figure, left, top - 0.03, title, size=HEADING_PT, weight="bold")
    if detail:
        write(figure, left + width, top - 0.03, detail, colour=QUIET, align="right")
