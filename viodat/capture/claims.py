"""Which kind of file each path is, and whose: what the patterns claim, with every contradiction refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from viodat.capture.patterns import ID_FIELDS, Rule
from viodat.capture.spelling import shown
from viodat.errors import ConfigError

_SHARED: Final = frozenset({"trial", "static", "rom"})
"""One marker file may be all of these: a static trial that is a take as well."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MEND: Final = "Make the patterns in capture.toml [files] exclude each other, or put one file under ignore."


@dataclass(frozen=True)
class Claim:
    """A path, the kind of file a pattern takes it for, and the ids it tells."""

    path: str
    role: str
    pattern: str
    ids: Mapping[str, str]


@dataclass(frozen=True)
class ClaimedFiles:
    """All claims, in the order of paths, and the paths that nothing claims."""

    claims: tuple[Claim, ...]
    unclaimed: tuple[str, ...]

    def of(self, role: str) -> tuple[Claim, ...]:
        """Claims of one kind of file."""
        return tuple(claim for claim in self.claims if claim.role == role)

    def by_key(self, role: str, names: Sequence[str]) -> dict[tuple[str, ...], Claim]:
        """Claims of one kind by their ids; two files for the same ids are refused.

        Raises
        ------
        ConfigError
            Naming both files and both patterns.
        """
        found: dict[tuple[str, ...], Claim] = {}
        for claim in self.of(role):
            key = tuple(claim.ids[name] for name in names)
            other = found.setdefault(key, claim)
            if other is not claim:
                whose = f" of {''.join(key)}" if key else ""
                raise ConfigError(
                    f"{other.path} (by '{other.pattern}') and {claim.path} (by '{claim.pattern}') "
                    f"are both the {role} file{whose}",
                    where="capture.toml",
                    mend=_MEND,
                )
        return found


def claim_files(paths: Sequence[str], rules: Mapping[str, Sequence[Rule]]) -> ClaimedFiles:
    """Find the kind and ids of each path.

    Parameters
    ----------
    paths
        Below the raw folder; folders end in ``/``.
    rules
        By kind of file; the kind ``ignore`` takes a path out of all others.

    Raises
    ------
    ConfigError
        If two patterns take one path for different things, or an id could not stand in a file name.
    """
    claims: list[Claim] = []
    unclaimed: list[str] = []
    for path in sorted(paths):
        if any(rule.match(path) is not None for rule in rules.get("ignore", ())):
            continue
        mine = [
            Claim(
                path,
                role,
                rule.pattern.text,
                {name: text for name, text in found.items() if name in ID_FIELDS},
            )
            for role, of_role in rules.items()
            for rule in of_role
            if (found := rule.match(path)) is not None
        ]
        mine = _agreeing(path, mine)
        claims += mine
        if not mine:
            unclaimed.append(path)
    return ClaimedFiles(tuple(claims), tuple(unclaimed))


def _agreeing(path: str, claims: list[Claim]) -> list[Claim]:
    kept: dict[str, Claim] = {}
    for claim in claims:
        for name, text in claim.ids.items():
            if not _ID.fullmatch(text):
                raise ConfigError(
                    f"{shown(path)}: {name} would be '{shown(text)}'; "
                    f"1 to 64 letters A-Z, digits, - and _ were expected",
                    where="capture.toml",
                    mend=f"Change [ids] {name}, or the pattern '{claim.pattern}'.",
                )
        other = kept.setdefault(claim.role, claim)
        if other.ids != claim.ids:
            raise _clash(path, other, claim)
    roles = list(kept)
    if len(roles) > 1 and not _SHARED.issuperset(roles):
        raise _clash(path, kept[roles[0]], kept[roles[1]])
    return list(kept.values())


def _clash(path: str, one: Claim, other: Claim) -> ConfigError:
    return ConfigError(
        f"{shown(path)} is {_said(one)} by '{one.pattern}', and {_said(other)} by '{other.pattern}'",
        where="capture.toml",
        mend=_MEND,
    )


def _said(claim: Claim) -> str:
    ids = " ".join(claim.ids.values())
    return f"{claim.role} {ids}".strip()
