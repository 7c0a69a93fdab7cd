"""JSON with its own digest: where a disk or a hand changed a digit of it, it is not read as another number."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

_SEALED: Final = re.compile(rb'\{"sha256": "([0-9a-f]{64})", "content": (.*)\}', re.DOTALL)


def sealed(content: Any) -> bytes:
    """Give plain values as JSON in UTF-8: ``{"sha256": of what follows, "content": ...}``."""
    text = json.dumps(content, allow_nan=False).encode()
    return b'{"sha256": "%s", "content": %s}' % (hashlib.sha256(text).hexdigest().encode(), text)


def unsealed(data: bytes) -> Any:
    """Give what :func:`sealed` was given.

    Raises
    ------
    ValueError
        It is not as it was written.
    """
    found = _SEALED.fullmatch(data)
    if found is None or hashlib.sha256(found[2]).hexdigest().encode() != found[1]:
        raise ValueError("it is not as it was written")
    return json.loads(found[2])
