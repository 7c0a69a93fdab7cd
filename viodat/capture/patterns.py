"""File patterns: how a lab names its files, written as ``{participant}/{participant}{device}{trial}.mp4``.

A pattern describes a path below the raw folder with ``/`` between folders, on every system. It knows

- ``{participant}``, ``{trial}``, ``{device}``: an id, as the regular expressions in capture.toml [ids] say;
- ``{n}``: one or more digits; ``{name}``: any text within one folder or file name;
- ``{mp4,mov}``: one of several texts; ``*``: any text, also none, within one folder or file name;
- a ``/`` at the end: a folder, which is taken as a whole.

A placeholder that stands twice must match the same text twice. All else must match to the letter, but for the
extension of a file, where ``.C3D`` is ``.c3d``. Accented letters match in their composed and decomposed form.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from viodat.capture.spelling import did_you_mean, shown
from viodat.errors import ConfigError

ID_FIELDS: Final = ("participant", "trial", "device")
PLACEHOLDERS: Final[Mapping[str, str]] = {"n": r"\d+", "name": r"[^/]+"}
"""The placeholders that are not ids, with their regular expressions."""

_LONGEST_PATTERN = 300
_MOST_STARS = 3
_LONGEST_ID_REGEX = 100
_MOST_REPEATS = 2


@dataclass(frozen=True)
class Token:
    """A piece of a pattern: ``kind`` is text, field, choice or star.

    ``texts`` holds the text, the name of the field, or the texts to choose from.
    """

    kind: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pattern:
    """A file pattern, ready to match and to format.

    Attributes
    ----------
    text
        As written in capture.toml.
    tokens
        Its pieces, in order.
    regexes
        Regular expression of each placeholder.
    """

    text: str
    tokens: tuple[Token, ...]
    regexes: Mapping[str, str] = field(repr=False)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the placeholders, each once, in order of appearance."""
        return tuple(dict.fromkeys(token.texts[0] for token in self.tokens if token.kind == "field"))

    @property
    def is_folder(self) -> bool:
        """Whether the pattern names folders, not files."""
        return self.text.endswith("/")

    def match(self, path: str) -> dict[str, str] | None:
        """Give the placeholders' texts in ``path``, or None if the path is not as the pattern says.

        Parameters
        ----------
        path
            Below the raw folder, with ``/`` between folders; a folder's ends in ``/``.
        """
        # As many slashes here as there means that no placeholder can have taken one.
        if path.count("/") != self.text.count("/"):
            return None
        found = self._compiled.fullmatch(unicodedata.normalize("NFC", path))
        return found.groupdict() if found else None

    def format(self, **fields: str) -> str:
        """Give the path that has these texts for placeholders; of several extensions, the first.

        Raises
        ------
        ConfigError
            If a placeholder has no text, or the pattern has a ``*``, which stands for anything.
        """
        return self.described(fields, first_choice=True)

    def described(self, fields: Mapping[str, str], *, first_choice: bool = False) -> str:
        """Give the pattern with these texts filled in, for a message: ``P05/P05C02T28.{mp4,mov}``."""
        parts = []
        for token in self.tokens:
            name = token.texts[0] if token.texts else ""
            if token.kind == "text":
                parts.append(name)
            elif token.kind == "choice":
                parts.append(name if first_choice else f"{{{','.join(token.texts)}}}")
            elif token.kind == "field" and name in fields:
                parts.append(fields[name])
            elif first_choice:
                missing = "* stands for any text" if token.kind == "star" else f"no text for {{{name}}}"
                raise ConfigError(f"no path can be made of the pattern '{self.text}': {missing}")
            else:
                parts.append("*" if token.kind == "star" else f"{{{name}}}")
        return "".join(parts)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex(), re.ASCII | re.DOTALL)

    def regex(self, *, repeats_may_differ: bool = False) -> str:
        """Give the pattern as a regular expression with a group for each placeholder.

        Parameters
        ----------
        repeats_may_differ
            Whether a placeholder that stands twice may match two texts; the second's group is
            ``participant__2``.
        """
        last, dot = self._extension_start()
        counts: dict[str, int] = {}
        parts = []
        for index, token in enumerate(self.tokens):
            name = token.texts[0] if token.texts else ""
            if token.kind == "star":
                parts.append("[^/]*")
            elif token.kind == "field":
                count = counts[name] = counts.get(name, 0) + 1
                if count == 1 or repeats_may_differ:
                    group = name if count == 1 else f"{name}__{count}"
                    parts.append(f"(?P<{group}>(?:{self.regexes[name]}))")
                else:
                    parts.append(f"(?P={name})")
            elif token.kind == "choice":
                flag = "i" if index > last else ""
                parts.append(f"(?{flag}:{'|'.join(map(re.escape, token.texts))})")
            elif index < last:
                parts.append(re.escape(name))
            else:
                head = dot if index == last else 0
                parts.append(f"{re.escape(name[:head])}(?i:{re.escape(name[head:])})")
        return "".join(parts)

    def _extension_start(self) -> tuple[int, int]:
        """Find the last dot of the file name: token and place in its text; past the end if there is none."""
        for index in range(len(self.tokens) - 1, -1, -1):
            token = self.tokens[index]
            if token.kind == "text" and not self.is_folder:
                dot, slash = token.texts[0].rfind("."), token.texts[0].rfind("/")
                if dot > slash:
                    return index, dot
                if slash >= 0:
                    break
        return len(self.tokens), 0


def compile_pattern(text: str, id_regexes: Mapping[str, str]) -> Pattern:
    """Read a pattern.

    Parameters
    ----------
    text
        As written.
    id_regexes
        Regular expression of ``participant``, ``trial`` and ``device``.

    Raises
    ------
    ConfigError
        If the pattern is no relative path with ``/``, has an unknown placeholder or an unbalanced brace.
    """
    regexes = {**id_regexes, **PLACEHOLDERS}
    return Pattern(text, split_pattern(text, tuple(regexes)), regexes)


def split_pattern(text: str, known: tuple[str, ...] = (*ID_FIELDS, *PLACEHOLDERS)) -> tuple[Token, ...]:
    """Split a pattern into its pieces; see :func:`compile_pattern`."""
    if fault := _path_fault(text):
        raise ConfigError(f"pattern '{shown(text)}' {fault}")
    tokens = []
    for piece in re.findall(r"\{[^{}]*\}|\*|[{}]|[^{}*]+", unicodedata.normalize("NFC", text)):
        if piece == "*":
            tokens.append(Token("star"))
        elif piece in ("{", "}"):
            raise ConfigError(f"pattern '{shown(text)}' has a '{piece}' without its counterpart")
        elif not piece.startswith("{"):
            tokens.append(Token("text", (piece,)))
        elif "," in piece:
            choices = tuple(choice.strip() for choice in piece[1:-1].split(","))
            if not all(choices) or "/" in piece or "*" in piece:
                raise ConfigError(
                    f"pattern '{shown(text)}': {shown(piece)} should list texts, as in {{mp4,mov}}; "
                    f"none may be empty or hold / or *"
                )
            tokens.append(Token("choice", choices))
        elif piece[1:-1] in known:
            tokens.append(Token("field", (piece[1:-1],)))
        else:
            hint = did_you_mean(piece[1:-1], known, "placeholders")
            raise ConfigError(f"pattern '{shown(text)}': unknown placeholder '{shown(piece)}'; {hint}")
    return tuple(tokens)


def _path_fault(text: str) -> str | None:
    """Say what is wrong with a pattern as a path, or None."""
    folders = text.removesuffix("/").split("/")
    if not text.strip() or len(text) > _LONGEST_PATTERN:
        return f"is {len(text)} characters long; a path of 1 to {_LONGEST_PATTERN} was expected"
    if "\\" in text:
        return "has a backslash; write / between folders, on Windows too"
    if not text.isprintable():
        return "has a character that cannot be printed"
    if text.startswith("/") or re.match(r"[A-Za-z]:", text):
        return "is an absolute path; write it relative to the raw folder"
    if any(folder in ("", ".", "..") for folder in folders):
        return "has an empty part, '.' or '..'; write the path below the raw folder"
    if "**" in text:
        return "has '**'; write one * for each folder, and one pattern for each depth"
    if text.count("*") > _MOST_STARS:
        return f"has more than {_MOST_STARS} *; name more of the path"
    return None


def id_regex_fault(regex: str) -> str | None:
    """Say why a regular expression cannot stand for an id, or None if it can.

    Ids are short and simple. What could take exponential time on a long file name (a repeated group), or
    would disturb the pattern around it (named groups, back references, flags), is refused.
    """
    if not regex or len(regex) > _LONGEST_ID_REGEX:
        return f"should be 1 to {_LONGEST_ID_REGEX} characters long"
    if re.search(r"\(\?(?!:)|\\[1-9]", regex) or re.search(r"(?<!\\)\((?!\?:)", regex):
        return "may group with (?:…) only"
    if re.search(r"\)[*+{]", regex) or sum(map(regex.count, "*+{")) > _MOST_REPEATS:
        return f"may have at most {_MOST_REPEATS} repeats (+ * {{}}), of single characters and of no group"
    if "/" in regex:
        return "may not hold a /; an id stands within one folder or file name"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(regex, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression ({error})"
    return "matches the empty text" if compiled.fullmatch("") else None


@dataclass(frozen=True)
class Rule:
    """A pattern with the ids that the path itself does not hold.

    Attributes
    ----------
    pattern
        Of the path.
    given
        Field -> text, in which ``{n}`` and the like stand for what the pattern matched:
        ``{"device": "C{n}"}``.
    """

    pattern: Pattern
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that a match yields."""
        return (*self.pattern.fields, *self.given)

    def match(self, path: str) -> dict[str, str] | None:
        """Give all fields of a path, or None if it does not match."""
        found = self.pattern.match(path)
        if found is None:
            return None
        return found | {name: text.format_map(found) for name, text in self.given.items()}

    def example(self, fields: Mapping[str, str]) -> str:
        """Give the path expected for these ids, placeholders that they do not determine left in place."""
        return self.pattern.described(fields)


def make_rule(text: str, given: Mapping[str, str], id_regexes: Mapping[str, str]) -> Rule:
    """Read a pattern and the ids given with it.

    Raises
    ------
    ConfigError
        Also if an id is both in the pattern and given, or is given with a placeholder that the pattern lacks.
    """
    pattern = compile_pattern(text, id_regexes)
    for name, template in given.items():
        if name in pattern.fields:
            raise ConfigError(
                f"pattern '{text}' has {{{name}}}, and {name} = '{shown(template)}' is given too; keep one of the two"
            )
        tokens = split_pattern(template, pattern.fields)
        if any(token.kind in ("star", "choice") for token in tokens) or "/" in template:
            raise ConfigError(f"{name} = '{shown(template)}' should be one id, without *, / or a choice")
    return Rule(pattern, dict(given))
