"""Whether a build would give what already stands there: then nothing is done.

The cache remembers what the last dataset was made from (the keys of all trials' results, the capture as a whole, the
options, viodat's own files and all versions that the report prints) and the digest of its manifest. If all of that is
the same again and every file of the dataset is as the manifest has it, a build would only write the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from viodat.build.assemble import static_keys
from viodat.build.cache.digests import FileDigests
from viodat.build.cache.sealed import sealed, unsealed
from viodat.build.cache.store import Store, key_of
from viodat.build.finish import Finished
from viodat.build.order import Order
from viodat.build.passes import DIGESTS, Progress, look_up
from viodat.build.report import versions
from viodat.build.view import parts_of
from viodat.dataset.manifest import read_manifest
from viodat.dataset.paths import MANIFEST_NAME
from viodat.errors import DatasetError
from viodat.files import sha256, write_bytes

RECORD: Final = "dataset.json"
_FORMAT: Final = 1


def unchanged(order: Order, store: Store, out: Path, progress: Progress) -> dict[str, Any] | None:
    """Give what :func:`remember` was told of the dataset that stands there, if a build would give the same.

    Parameters
    ----------
    order
        What would be built.
    store
        The cache; one that is not a folder of this machine remembers nothing.
    out
        The dataset.
    progress
        Told of raw files being read for their digests.
    """
    if store.folder is None:
        return None
    record = _read(store.folder / RECORD)
    try:
        if record is None or sha256(out / MANIFEST_NAME) != record["manifest_sha256"]:
            return None
        manifest = read_manifest(out)
    except (OSError, DatasetError):
        return None
    digests = FileDigests(store.folder / DIGESTS)
    tasks, known = look_up(order, store, digests, progress)
    with contextlib.suppress(OSError):
        digests.save()
    if len(known) + len(order.refused) < len(tasks):
        return None
    finishing = order.finishing(tasks, {**order.refused, **known})
    if _key(order, out, map(static_keys, finishing.values())) != record["key"]:
        return None
    files = {out / name: entry["sha256"] for name, entry in manifest.items()}
    is_whole = digests.of(files) == files
    return dict(record["told"]) if is_whole else None


def remember(order: Order, store: Store, out: Path, finished: Iterable[Finished], told: Mapping[str, Any]) -> None:
    """Note what a dataset was made from, once it is in its place; where that cannot be written, the next build works.

    Parameters
    ----------
    order, store, out
        As in :func:`unchanged`.
    finished
        Its trials.
    told
        Plain values to be given back.
    """
    if store.folder is None:
        return
    # A gate may have said no because its number was none.
    plain = json.loads(json.dumps(dict(told)), parse_constant=lambda name: None)
    record = {"format": _FORMAT, "key": _key(order, out, finished), "told": plain}
    with contextlib.suppress(OSError, DatasetError):
        digests = FileDigests(store.folder / DIGESTS)
        for name, entry in read_manifest(out).items():
            digests.know(out / name, entry["sha256"])
        digests.save()
        record["manifest_sha256"] = sha256(out / MANIFEST_NAME)
        write_bytes(store.folder / RECORD, sealed(record))


def _key(order: Order, out: Path, finished: Iterable[Finished]) -> str:
    source = order.source
    notes = (*source.notes, *source.layout.notes, *source.layout.missing, *source.layout.unmatched)
    return key_of(
        {
            "out": str(out.resolve()),
            "trials": [[one.trial, one.write_key, one.draw_key] for one in finished],
            "options": order.options.to_json(),
            "method": order.method,
            "splits": dict(order.splits.trials),
            "groups": [dict(order.sessions), dict(order.pieces)],
            "capture": parts_of(source),
            "calibration": dict(source.calibration_ids),
            "notes": [*map(str, notes), *order.splits.notes],
            "versions": versions(),
            "viodat": _own_digest(),
        }
    )


@cache
def _own_digest() -> str:
    """SHA-256 over all files of viodat: pages have templates, and tables are put together by code of no stage."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(root).as_posix()}\0{sha256(path)}".encode())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = unsealed(path.read_bytes())
        return record if record["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
