"""capture.toml: what a lab says of its recordings, as a value that holds what it claims.

Everything has a default, and together the defaults are the VioDat layout; so the file is optional. Unknown
keys, wrong types and contradictions are refused, all at once, each with its line. Units are in the names:
``_s``, ``_ms``, ``_mm``, ``_hz``. docs/reference/capture_toml.md describes every key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from viodat.camera import Fit
from viodat.capture.axes import axes_fault
from viodat.capture.config_errors import config_problems
from viodat.capture.config_groups import Groups
from viodat.capture.config_joints import GatesTable, JointsTable
from viodat.capture.config_sync import MicrophoneTable, SyncTable
from viodat.capture.participants import VALUES, Participant, make_participant, parse_value
from viodat.capture.patterns import Rule, id_regex_fault, make_rule
from viodat.capture.problems import Problem, config_error
from viodat.capture.spelling import shown
from viodat.capture.toml_text import line_of, read_toml
from viodat.errors import ConfigError

CONFIG_NAME: Final = "capture.toml"

Texts = Annotated[tuple[str, ...], Field(strict=False)]

_ROLE_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "trial": ("participant", "trial"),
    "static": ("participant",),
    "rom": ("participant",),
    "video": ("participant", "device", "trial"),
    "frames": ("participant", "device", "trial"),
    "audio": ("participant", "device", "trial"),
    "keypoints": ("participant", "device", "trial"),
    "vsk": ("participant",),
    "calibration": (),
    "participants": (),
    "ignore": (),
}
"""What a file of each kind must tell, by its path or by ids given with the pattern."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class CaptureTable(_Table):
    """[capture]: what the recordings are; goes into the dataset card."""

    name: str = ""
    description: str = ""
    licence: str = ""
    citation: str = ""
    creator: str = ""
    url: str = ""
    version: str = ""
    date_published: str = ""

    @field_validator("date_published")
    @classmethod
    def _is_a_date(cls, text: str) -> str:
        if text:
            try:
                date.fromisoformat(text)
            except ValueError:
                raise ValueError(f"{text!r} is no date; write it as 2026-11-21") from None
        return text


class IdsTable(_Table):
    """[ids]: regular expressions of the ids in file names."""

    participant: str = r"P\d+"
    trial: str = r"T\d+"
    camera: str = r"C\d+"
    microphone: str = r"M\d+"

    @field_validator("*")
    @classmethod
    def _simple(cls, regex: str) -> str:
        if fault := id_regex_fault(regex):
            raise ValueError(f"regular expression '{shown(regex)}' {fault}")
        return regex

    def regexes(self) -> dict[str, str]:
        """Regular expression of each id placeholder of a file pattern."""
        device = f"(?:{self.camera})|(?:{self.microphone})"
        return {"participant": self.participant, "trial": self.trial, "device": device}

    def kind(self, device: str) -> Literal["camera", "microphone"]:
        """Tell a device's kind by its id.

        Raises
        ------
        ConfigError
            If both regular expressions match it, or none.
        """
        is_camera, is_microphone = (
            re.fullmatch(regex, device, re.ASCII) is not None for regex in (self.camera, self.microphone)
        )
        if is_camera == is_microphone:
            which = "both" if is_camera else "neither"
            raise ConfigError(
                f"device '{shown(device)}' is {which} of [ids] camera = '{self.camera}' and "
                f"microphone = '{self.microphone}'",
                where=CONFIG_NAME,
                mend="Change the regular expressions so that one of them matches.",
            )
        return "camera" if is_camera else "microphone"


class FileRule(_Table):
    """One pattern of [files], with the ids that the path does not hold."""

    pattern: str
    participant: str | None = None
    trial: str | None = None
    device: str | None = None

    def given(self) -> dict[str, str]:
        """Ids given with the pattern."""
        named = {"participant": self.participant, "trial": self.trial, "device": self.device}
        return {name: text for name, text in named.items() if text is not None}


def _patterns(*texts: str) -> tuple[FileRule, ...]:
    return tuple(FileRule(pattern=text) for text in texts)


_RECORDING = "{participant}/{participant}{device}{trial}"
Rules = Annotated[tuple[FileRule, ...], Field(strict=False)]


class FilesTable(_Table):
    """[files]: patterns of each kind of file, see :mod:`viodat.capture.patterns`."""

    trial: Rules = _patterns("{participant}/{participant}{trial}.c3d")
    static: Rules = _patterns("{participant}/{participant}_static.c3d")
    rom: Rules = _patterns("{participant}/{participant}_rom.c3d")
    video: Rules = _patterns(_RECORDING + ".{mp4,mov,m4v}")
    frames: Rules = _patterns(_RECORDING + ".frames.csv")
    audio: Rules = _patterns(_RECORDING + ".{m4a,wav,flac,mp3,ogg}")
    keypoints: Rules = _patterns(_RECORDING + ".keypoints.{npz,json,csv}")
    vsk: Rules = _patterns("{participant}/*.vsk")
    calibration: Rules = _patterns("calibration/*")
    participants: Rules = _patterns("participants.csv")
    ignore: Rules = ()

    @field_validator("*", mode="before")
    @classmethod
    def _as_rules(cls, value: Any) -> Any:
        rules = value if isinstance(value, list | tuple) else [value]
        return tuple({"pattern": rule} if isinstance(rule, str) else rule for rule in rules)

    @field_validator("*")
    @classmethod
    def _well_formed(cls, rules: tuple[FileRule, ...], info: ValidationInfo) -> tuple[FileRule, ...]:
        for rule in rules:
            try:
                fields = make_rule(rule.pattern, rule.given(), dict.fromkeys(("participant", "trial", "device"), ""))
            except ConfigError as error:
                raise ValueError(error.problem) from error
            missing = [name for name in _ROLE_FIELDS[str(info.field_name)] if name not in fields.fields]
            if missing:
                raise ValueError(
                    f"pattern '{rule.pattern}' does not tell the {' and '.join(missing)}; "
                    f'put {{{missing[0]}}} into it, or write {{pattern = "…", {missing[0]} = "…"}}'
                )
            if fields.pattern.is_folder and info.field_name not in ("keypoints", "ignore"):
                raise ValueError(f"pattern '{rule.pattern}' names a folder; only keypoints come as folders")
        return rules


class MarkersTable(_Table):
    """[markers]: the marker set and how the lab's labels and axes relate to it."""

    set: str | None = None
    labels: dict[str, str] = {}
    units: Literal["mm", "cm", "m"] | None = None
    axes: str = "xyz"
    subject: str | None = None

    @field_validator("axes")
    @classmethod
    def _right_handed(cls, axes: str) -> str:
        if fault := axes_fault(axes):
            raise ValueError(fault)
        return axes

    @field_validator("labels")
    @classmethod
    def _one_to_one(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels.values():
            sources = [label for label, target in labels.items() if target == name]
            if len(sources) > 1:
                raise ValueError(f"{' and '.join(sources)} are both mapped to '{name}'; a marker has one label")
        return labels


class CamerasTable(_Table):
    """[cameras]: devices and the cameras of the calibration."""

    ids: dict[str, str] = {}
    fit: dict[str, Fit] = {}
    turn: dict[str, Literal[1, 2, 3]] = {}
    vicon_radial: Literal["distorted_to_ideal", "ideal_to_distorted"] = "distorted_to_ideal"


class _Person(_Table):
    @field_validator("*", mode="before")
    @classmethod
    def _right_value(cls, value: Any, info: ValidationInfo) -> Any:
        _, fault = parse_value(str(info.field_name), value)
        if fault:
            raise ValueError(fault.removeprefix(f"{info.field_name} "))
        return value


PersonTable = create_model(
    "PersonTable",
    __base__=_Person,
    __doc__="[participants.P05]: what is known of a person, as in participants.csv; stands above it.",
    **dict.fromkeys(VALUES, (Any, None)),  # type: ignore[call-overload]
)


class SplitsTable(_Table):
    """[splits]: who is tested, who is trained on, and the share of training that validates."""

    test: Texts | None = None
    train: Texts | None = None
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _apart(self) -> SplitsTable:
        for name in set(self.test or ()) & set(self.train or ()):
            raise ValueError(f"participant {name} is in both train and test; keep one of the two")
        return self


class Pose2dTable(_Table):
    """[pose2d]: where 2D keypoints come from."""

    source: Literal["auto", "files", "mediapipe", "none"] = "auto"
    layout: Literal["viodat18", "mediapipe33", "coco17", "coco18", "body25", "body25b"] | None = None


class AudioTable(_Table):
    """[audio]: rates of the audio frame, and which sound is the best."""

    rates_hz: Annotated[tuple[Literal[30, 100, 300], ...], Field(strict=False)] = (100,)
    best_microphone: str | None = None


class IgnoredCheck(_Table):
    """[[check.ignore]]: a finding that the lab knows of, and why it may stand."""

    check: str
    where: str = "*"
    reason: Annotated[str, Field(min_length=3)]


class CheckTable(_Table):
    """[check]: findings that are known."""

    ignore: Annotated[tuple[IgnoredCheck, ...], Field(strict=False)] = ()


class CaptureConfig(_Table):
    """All of capture.toml; ``CaptureConfig()`` is the VioDat layout.

    Examples
    --------
    >>> CaptureConfig().splits.validation
    0.1
    """

    capture: CaptureTable = CaptureTable()
    ids: IdsTable = IdsTable()
    files: FilesTable = FilesTable()
    markers: MarkersTable = MarkersTable()
    marker_sets: dict[str, dict[str, Any]] = {}
    joints: JointsTable = JointsTable()
    gates: GatesTable = GatesTable()
    cameras: CamerasTable = CamerasTable()
    sync: SyncTable = SyncTable()
    microphones: dict[str, MicrophoneTable] = {}
    participants: dict[str, PersonTable] = {}
    splits: SplitsTable = SplitsTable()
    sessions: Groups = {}
    pieces: Groups = {}
    pose2d: Pose2dTable = Pose2dTable()
    audio: AudioTable = AudioTable()
    check: CheckTable = CheckTable()

    def participant(self, name: str) -> Participant | None:
        """Give what [participants] says of one person; None if it says nothing."""
        if name not in self.participants:
            return None
        return make_participant(name, self.participants[name].model_dump(exclude_unset=True))[0]

    def rules(self, role: str) -> tuple[Rule, ...]:
        """Patterns of one kind of file (a key of [files]), ready to match."""
        written: tuple[FileRule, ...] = getattr(self.files, role)
        regexes = self.ids.regexes()
        return tuple(make_rule(rule.pattern, rule.given(), regexes) for rule in written)


def find_config(raw: Path, given: Path | None = None) -> Path | None:
    """Find the configuration of a raw folder.

    Parameters
    ----------
    raw
        The raw folder; its own capture.toml is used where none is given.
    given
        What the user named with ``--config``.

    Raises
    ------
    ConfigError
        If ``given``, or what stands in the place of the raw folder's own, is no file.
    """
    if given is None:
        own = raw / CONFIG_NAME
        if not own.is_file() and os.path.lexists(own):
            raise ConfigError("is no file, or a link to none", where=own, mend="Put capture.toml there, or remove it.")
        return own if own.is_file() else None
    if not given.is_file():
        raise ConfigError("no such file", where=given, mend="Correct the path after --config.")
    return given


def load_config(path: Path | None) -> CaptureConfig:
    """Read capture.toml.

    Parameters
    ----------
    path
        None, or a file that is not there, gives the defaults.

    Raises
    ------
    ConfigError
        All that is wrong with the file, each mistake with its line, the key's table, what was expected and,
        for an unknown key, the nearest known one.
    """
    if path is None or not path.exists():
        return CaptureConfig()
    content, text = read_toml(path)
    try:
        return CaptureConfig.model_validate(content)
    except ValidationError as error:
        problems = [Problem(message, line_of(text, keys)) for keys, message in config_problems(error, CaptureConfig)]
        raise config_error(problems, path) from error
