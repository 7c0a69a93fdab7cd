"""What viodat says when something is wrong: one class of error, with the parts a reader needs.

An error names what was found and what was expected (``problem``), where (``where``: a file, and in it a frame,
label or key) and the argument or command that mends it (``mend``). The CLI prints the one line that
``str(error)`` gives; ``--json`` gives the three parts. Only :class:`ViodatError` reaches a user: whatever a
library raises on a foreign file is turned into one at the reader.
"""

from __future__ import annotations

from pathlib import Path


class ViodatError(Exception):
    """A mistake or fault that a user can act on.

    Parameters
    ----------
    problem
        What was found and what was expected, without a full stop at the end.
    where
        The file (only its name is printed; the whole path is kept in ``path``), label, frame or key.
    mend
        The argument, setting or command that mends it, as a sentence.

    Examples
    --------
    >>> print(CaptureError("marker LASI is missing in all 1,200 frames; hip centres need it (method 'pig')",
    ...                    where="P05T28.c3d", mend="Map the label in capture.toml [markers.labels]."))
    P05T28.c3d: marker LASI is missing in all 1,200 frames; hip centres need it (method 'pig'). Map the label in capture.toml [markers.labels].
    """  # noqa: E501

    def __init__(self, problem: str, *, where: str | Path | None = None, mend: str | None = None) -> None:
        super().__init__(problem, where, mend)
        self.problem = _printable(problem)
        self.path = where if isinstance(where, Path) else None
        if isinstance(where, Path):
            # The name of "." or ".." says nothing.
            where = where.name if where.name not in ("", "..") else str(where.resolve())
        self.where = _printable(where).replace("\n", "\\n") if where else None
        self.mend = mend

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text}. {self.mend}" if self.mend else text

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders; keyword arguments would be lost by the default.
        return (_rebuild, (type(self), self.problem, self.path or self.where, self.mend))


def _printable(text: str) -> str:
    """Give a text, which may quote a foreign file, without what a terminal would obey or cannot show."""
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)


def _rebuild(kind: type[ViodatError], problem: str, where: str | Path | None, mend: str | None) -> ViodatError:
    return kind(problem, where=where, mend=mend)


class CaptureError(ViodatError):
    """A raw file cannot be read, or does not hold what it should."""


class ConfigError(ViodatError):
    """capture.toml, participants.csv or an argument is wrong."""


class BodyError(ViodatError):
    """Joint centres cannot be computed from what is there."""


class DatasetError(ViodatError):
    """A built dataset is missing, damaged, or of another schema version."""


class MetricError(ViodatError):
    """What is to be scored has not the shape or the values that a metric needs."""


class MissingExtraError(ViodatError):
    """An optional dependency is not installed; ``mend`` holds the pip command."""


class ViodatWarning(UserWarning):
    """Something was found, handled and is worth knowing: the reader went on."""


def counted(count: int, noun: str) -> str:
    """Say a number of things in English: ``1 trial``, ``12 trials``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
