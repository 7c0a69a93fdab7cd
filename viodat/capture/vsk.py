"""Vicon subject files: the measurements of one participant.

A ``.vsk`` is XML with ``<StaticParameter NAME="LeftLegLength" VALUE="1000" .../>``; parameters without VALUE are
computed from others and are not read. The same values also circulate as lines ``LeftLegLength,1000.0`` (.csv or .vsm
exported as text), which are read too.

Source: the schema named in the files (ViconVST.xsd) and files of Nexus 1.8 and 2.2.
"""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from viodat.capture.markers import Subject
from viodat.capture.measurements import from_vsk
from viodat.errors import CaptureError

_TAGS = ("StaticParameter", "Parameter")


def read_vsk(path: str | Path) -> Subject:
    """Read the measurements of a Vicon subject file.

    Parameters
    ----------
    path
        A ``.vsk`` file, or text with one ``Name,value`` per line.

    Returns
    -------
    Subject
        ``name`` is the file's name without suffix (a .vsk does not state the participant), ``measurements`` what it
        states under viodat's names; 0 for a length means "not measured" and is left out.

    Raises
    ------
    CaptureError
        It cannot be read, is no XML, or states no measurement that viodat knows.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror or error})", where=path) from error
    values = (
        _xml_values(path, content) if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _text_values(content)
    )
    measurements = from_vsk(values)
    if not measurements:
        raise CaptureError(
            "states no subject measurement that is known (LeftLegLength, LeftKneeWidth ...)",
            where=path,
            mend="Export the subject from Nexus as .vsk, or enter the measurements in participants.csv.",
        )
    return Subject(name=path.stem, measurements=measurements)


def _xml_values(path: Path, content: bytes) -> dict[str, float]:
    try:
        root: Element = defusedxml.ElementTree.fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise CaptureError(
            f"is not valid XML ({error})", where=path, mend="Export the subject from Nexus again."
        ) from error
    values: dict[str, float] = {}
    for element in root.iter():
        name, value = element.get("NAME"), element.get("VALUE")
        if element.tag.rpartition("}")[2] in _TAGS and name and value is not None:
            _put(values, name, value)
    return values


def _text_values(content: bytes) -> dict[str, float]:
    values: dict[str, float] = {}
    for line in content.decode("utf-8-sig", errors="replace").replace("\0", "").splitlines():
        row = line.split(",")
        if len(row) == 2:
            _put(values, row[0].strip(), row[1])
    return values


def _put(values: dict[str, float], name: str, text: str) -> None:
    try:
        value = float(text)
    except ValueError:
        return
    if math.isfinite(value):
        values[name] = value
