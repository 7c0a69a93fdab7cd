"""The licences that machines know by name: what capture.toml says in words, as the identifiers others ask for."""

from __future__ import annotations

from typing import Final

_URLS: Final = {
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "cc-by-nc-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "cc-by-nd-4.0": "https://creativecommons.org/licenses/by-nd/4.0/",
    "cc-by-nc-sa-4.0": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "cc-by-nc-nd-4.0": "https://creativecommons.org/licenses/by-nc-nd/4.0/",
    "odbl": "https://opendatacommons.org/licenses/odbl/1-0/",
    "mit": "https://opensource.org/license/mit",
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
}
"""By the identifier that the Hugging Face Hub uses; that of SPDX in lower case, but for ODbL."""

_ALSO: Final = {"odbl-1.0": "odbl"}


def licence_id(text: str) -> str:
    """Give the Hub's identifier of a licence: ``unknown`` where none is stated, ``other`` where it is none of these."""
    name = "-".join(text.lower().split())
    name = _ALSO.get(name, name)
    if not name:
        return "unknown"
    return name if name in _URLS else "other"


def licence_url(text: str) -> str:
    """Give the address of a licence that is known, and any other text as it is."""
    return _URLS.get(licence_id(text), text)
