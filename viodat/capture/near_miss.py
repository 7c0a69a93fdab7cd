"""Why a file fits no pattern: what a user most likely meant, in a few words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from viodat.capture.patterns import Pattern, Rule, compile_pattern
from viodat.capture.spelling import shown

_RECORDINGS: Final = re.compile(
    "c3d|trc|tsv|mp4|mov|m4v|avi|mkv|mts|webm|mpg|wav|m4a|flac|mp3|ogg|aac|aiff?|opus|wma|npz|json|csv", re.I
)
"""Extensions of recordings; other files beside them (a camera's .thm, Nexus' .x2d) need no word."""


def near_miss(path: str, rules: Mapping[str, Sequence[Rule]], id_regexes: Mapping[str, str]) -> str:
    """Say what is different from the pattern that a file nearly fits; empty if it fits none nearly.

    Parameters
    ----------
    path
        Below the raw folder.
    rules
        By kind of file.
    id_regexes
        Regular expressions of participant, trial and device.
    """
    patterns = [(role, rule.pattern) for role, of_role in rules.items() for rule in of_role]
    for look in (_other_case, _other_extension, _other_id, _other_folder):
        for role, pattern in patterns:
            if role in ("ignore", "calibration", "vsk") or pattern.is_folder:
                continue
            if difference := look(path, pattern, id_regexes):
                return f"{difference} [files] {role} = '{pattern.text}'"
    return ""


def _other_case(path: str, pattern: Pattern, id_regexes: Mapping[str, str]) -> str | None:
    # With repeats apart, so that P05/p05T28.c3d is said to differ in case and not to name two participants.
    regex = pattern.regex(repeats_may_differ=True)
    found = re.fullmatch(regex, path, re.IGNORECASE | re.ASCII)
    if not found or re.fullmatch(regex, path, re.ASCII):
        return None
    texts = found.groupdict()
    if any(text.lower() != texts[name.split("__")[0]].lower() for name, text in texts.items()):
        return None
    return "differs in upper and lower case from"


def _other_extension(path: str, pattern: Pattern, id_regexes: Mapping[str, str]) -> str | None:
    stem, dot, extension = path.rpartition(".")
    if not dot or "/" in extension or not _RECORDINGS.fullmatch(extension):
        return None
    if any(pattern.match(f"{stem}.{other}") for other in _extensions(pattern)):
        return f"has the extension .{extension}, unlike"
    return None


def _other_id(path: str, pattern: Pattern, id_regexes: Mapping[str, str]) -> str | None:
    if path.count("/") != pattern.text.count("/"):
        return None
    as_ids = re.fullmatch(pattern.regex(repeats_may_differ=True), path, re.ASCII)
    if as_ids:
        for name, text in as_ids.groupdict().items():
            first = as_ids.groupdict()[name.split("__")[0]]
            if text != first:
                return f"has {name.split('__')[0]} '{shown(first)}' and also '{shown(text)}', unlike"
    for name in pattern.fields:
        if name not in id_regexes:
            continue
        loose = compile_pattern(pattern.text, {**id_regexes, name: r"[^/]+?"}).match(path)
        if loose:
            expected = f"[ids] {name} = '{id_regexes[name]}'"
            return f"has {name} '{shown(loose[name])}', which {expected} does not match, unlike"
    if compile_pattern(pattern.text, dict.fromkeys(id_regexes, r"[^/]+?")).match(path):
        return "has ids that [ids] does not match, unlike"
    return None


def _other_folder(path: str, pattern: Pattern, id_regexes: Mapping[str, str]) -> str | None:
    folder, _, name = path.rpartition("/")
    wanted, _, last = pattern.text.rpartition("/")
    if last.replace("*", "").strip(".") == "" or not compile_pattern(last, id_regexes).match(name):
        return None
    return f"is in '{shown(folder) or '.'}', not in '{wanted or '.'}', unlike"


def _extensions(pattern: Pattern) -> Iterator[str]:
    last = pattern.tokens[-1]
    if last.kind == "choice":
        yield from last.texts
    elif last.kind == "text" and "." in last.texts[0]:
        yield last.texts[0].rpartition(".")[2]
