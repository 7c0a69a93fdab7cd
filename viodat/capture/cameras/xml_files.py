"""XML of calibration files, parsed so that a foreign file can neither expand entities nor reach out."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from viodat.capture.cameras import fields
from viodat.capture.cameras.fields import Place
from viodat.errors import CaptureError


def xml_root(path: Path) -> Element:
    """Root element of an XML file; CaptureError if it is damaged or declares entities."""
    try:
        root: Any = defusedxml.ElementTree.fromstring(fields.file_bytes(path))
    except ParseError as error:
        raise CaptureError(f"is not valid XML: {error}", where=path, mend="Export the calibration again.") from error
    except (DefusedXmlException, LookupError, ValueError, RecursionError) as error:
        raise CaptureError(f"is XML that is not read: {error}", where=path) from error
    if not isinstance(root, Element):
        raise CaptureError("holds no XML element", where=path)
    return root


def attribute(element: Element | None, key: str, place: Place) -> float:
    """One attribute as a finite number."""
    return float(fields.parsed_numbers(text(element, key, place), 1, key, place)[0])


def text(element: Element | None, key: str, place: Place) -> str:
    """One attribute as it stands; CaptureError if it is missing."""
    value = None if element is None else element.get(key)
    if value is None:
        place.fail(f"attribute {key} is missing")
    return value
