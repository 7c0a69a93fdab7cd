"""What of viodat's own code and of other libraries a stage depends on: a changed line makes its results stale.

Nobody has to remember to raise a number. The modules that a module imports are found by reading their import lines;
more of them than run may count, never fewer.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGE: Final = "viodat"
_ROOT: Final = Path(__file__).resolve().parents[2]
_IMPORT: Final = re.compile(
    rf"^\s*(?:from\s+({_PACKAGE}[\w.]*)\s+import\s+(\([^)]*\)|[^\n]+)|import\s+({_PACKAGE}[\w.]*))", re.MULTILINE
)
_NAME: Final = re.compile(r"(\w+)(?:\s+as\s+\w+)?")


@cache
def code_digest(module: str) -> str:
    """SHA-256 over the source of a module of viodat and of all modules of viodat that it reaches."""
    seen: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or (path := _source(name)) is None:
            continue
        seen[name] = content = path.read_bytes()
        waiting += _reached(name, path, content.decode("utf-8"))
    digest = hashlib.sha256()
    for name, content in sorted(seen.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@cache
def library_version(name: str) -> str:
    """Version of an installed library, or ``absent``."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _source(name: str) -> Path | None:
    base = _ROOT.joinpath(*name.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _reached(name: str, path: Path, text: str) -> list[str]:
    """Give the modules that a module imports; all beside it if it imports some by their names as text."""
    found = []
    for package, names, whole in _IMPORT.findall(text):
        if whole:
            found.append(whole)
            continue
        # A name that is imported may be a module itself; then its package's own names are not asked for.
        parts = [f"{package}.{part}" for part in _NAME.findall(names.strip("()"))]
        modules = [part for part in parts if _source(part) is not None]
        found += modules if len(modules) == len(parts) else [package, *modules]
    if name != _PACKAGE and "import_module(" in text:
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found += [f"{package}.{part.stem}" for part in path.parent.glob("*.py")]
    return found
