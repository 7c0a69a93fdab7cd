"""What becomes of damaged files of each kind, counted in a process of its own, so that a crash costs one file.

``python -m tests.damage --count 200`` prints the table of all kinds.
"""

from __future__ import annotations

import argparse
import os
import queue
import subprocess
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.formats import FORMATS, Format
from tests.mutate import HOSTILE, careless_edits, mutants
from viodat.errors import ConfigError, ViodatError, ViodatWarning

OUTCOMES = ("read", "refused", "fault", "crashed", "hung")
_START_S = 180.0
_LIMIT_S = 60.0
_READY, _END = "ready", ""


@dataclass
class Tally:
    """How many files of a kind were read, refused in plain words, met a fault of ours, crashed their process, or hung.

    ``bad`` names those that were neither read nor refused.
    """

    counts: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Count one outcome, which may be followed by what happened."""
        outcome = line.partition(" ")[0]
        if outcome not in ("read", "refused"):
            self.bad.append(f"number {self.counts.total()}: {line}")
        self.counts[outcome] += 1


def measure(kinds: Sequence[str], count: int, seed: int) -> dict[str, Tally]:
    """Damage ``count`` files of each kind and read them; a process that crashes or hangs is replaced."""
    tallies = {name: Tally() for name in kinds}
    while todo := [name for name in kinds if tallies[name].counts.total() < count]:
        command = [sys.executable, "-m", "tests.damage", "--child", str(count), str(seed)]
        command += [f"{name}={tallies[name].counts.total()}" for name in todo]
        # What native libraries print of a damaged file is no outcome.
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            assert child.stdout is not None
            lines: queue.Queue[str] = queue.Queue()
            threading.Thread(target=_pump, args=(child.stdout, lines), daemon=True).start()
            try:
                assert lines.get(timeout=_START_S) == _READY, f"{todo[0]}: the intact file cannot be read"
                for name in todo:
                    while tallies[name].counts.total() < count:
                        line = lines.get(timeout=_LIMIT_S)
                        tallies[name].add(line or f"crashed (exit code {child.wait()})")
                        if line == _END:
                            raise EOFError
            except queue.Empty:
                tallies[name].add("hung")
            except EOFError:
                pass
            finally:
                child.kill()
    return tallies


def _pump(stream: Iterator[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))
    lines.put(_END)


def _damaged(kind: Format, content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield hostile files, then damaged copies: of bytes, and of a text every other one with a careless edit."""
    yield from HOSTILE
    edits = careless_edits(content, count, seed) if kind.text else iter(())
    for number, (_, changed) in enumerate(mutants(content, count, seed)):
        _, edited = next(edits, ("", changed))
        yield edited if number % 2 else changed


def _read_all(count: int, seed: int, kinds: Sequence[str]) -> None:
    # Native libraries print on the standard output too.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore", ViodatWarning)
    print(_READY, file=out)
    for name, _, start in (kind.rpartition("=") for kind in kinds):
        kind = FORMATS[name]
        with tempfile.TemporaryDirectory() as folder:
            path = kind.write(Path(folder))
            content = path.read_bytes()
            kind.read(path)
            for changed in islice(_damaged(kind, content, count, seed), int(start), count):
                path.write_bytes(changed)
                print(_outcome(kind, path), file=out)


def _outcome(kind: Format, path: Path) -> str:
    try:
        kind.read(path)
    except ViodatError as error:
        # Mistakes in what was typed by hand are told together, a line each.
        lines = str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]
        return "refused" if all(line.isprintable() for line in lines) else f"fault {str(error)!r}"
    except BaseException as error:
        return f"fault {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return "read"


def main() -> None:
    """Print the table, or be the process that reads."""
    if sys.argv[1:2] == ["--child"]:
        return _read_all(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="damaged files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("kinds", nargs="*", help="default: all")
    args = parser.parse_args()
    tallies = measure(args.kinds or list(FORMATS), args.count, args.seed)
    print(f"{'kind':28}{'files':>8}" + "".join(f"{outcome:>9}" for outcome in OUTCOMES))
    for name, tally in tallies.items():
        print(_row(name, tally.counts))
    print(_row("all", sum((tally.counts for tally in tallies.values()), Counter())))
    for name, tally in tallies.items():
        print("\n".join(f"{name}, {line}" for line in tally.bad), end="\n" if tally.bad else "")
    return None


def _row(name: str, counts: Counter[str]) -> str:
    return f"{name:28}{counts.total():8}" + "".join(f"{counts[outcome]:9}" for outcome in OUTCOMES)


if __name__ == "__main__":
    main()
