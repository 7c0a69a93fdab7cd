"""What all pages of the report share: where each one stands, links between them, and the templates they are made from.

The pages need no network, no script and no server; they escape every name, because labels come from foreign files.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from viodat.dataset.schema import STATUS_BUILT, STATUS_EXCLUDED
from viodat.report import wording
from viodat.report.evidence import SHOWN_MARKERS


def index_path(out: Path) -> Path:
    """Page over all trials of the dataset at ``out``."""
    return out / "reports" / "index.html"


def page_path(out: Path, trial: str) -> Path:
    """Page of a trial in the dataset at ``out``."""
    return out / "reports" / "trials" / f"{wording.file_stem(trial)}.html"


def story_path(out: Path, trial: str) -> Path:
    """Where the story of a trial stands: what was read and decided, as JSON."""
    return out / "reports" / "trials" / f"{wording.file_stem(trial)}.json"


def sheet_paths(out: Path, trial: str) -> tuple[Path, Path]:
    """PNG and SVG of a trial's take sheet in the dataset at ``out``."""
    stem = wording.file_stem(trial)
    return out / "reports" / "trials" / f"{stem}.png", out / "reports" / "trials" / f"{stem}.svg"


def clocks_path(out: Path) -> Path:
    """Page about the clocks of the dataset at ``out``."""
    return out / "reports" / "sync.html"


def links_from(page: Path) -> Callable[[Path], str]:
    """Make links from a page to files."""
    # Relative, so that the folder can move; percent-encoded, so that any file name is a link.
    return lambda target: quote(Path(os.path.relpath(target, page.parent)).as_posix())


def png_size_px(png: Path) -> tuple[int, int]:
    """Width and height of a PNG from its header."""
    header = png.read_bytes()[:24]
    return int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")


def environment() -> Environment:
    """Give the templates, with the filters that write numbers and names for people."""
    templates = Environment(
        loader=PackageLoader("viodat.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters.update(
        printable=wording.printable,
        percent=wording.percent,
        duration=wording.duration,
        offset=wording.offset,
        sigma=wording.sigma,
        number=wording.number,
        millimetres=wording.millimetres,
        joint_name=wording.joint_name,
        count=wording.count,
    )
    templates.globals.update(
        missing_sign=wording.MISSING, built=STATUS_BUILT, excluded=STATUS_EXCLUDED, shown_markers=SHOWN_MARKERS
    )
    return templates
