"""capture.toml [sync] and [microphones]: what the lab knows of its devices' clocks, and where microphones are."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from viodat.capture.timecode import TimeCode, parse_timecode

SyncMethod = Literal["auto", "given", "none"]

SYNC_METHODS: Final[tuple[str, ...]] = get_args(SyncMethod)
"""What ``--sync`` and [sync] method may be."""

OffsetS = Annotated[float, Field(ge=-86_400, le=86_400)]
SigmaMs = Annotated[float, Field(gt=0, le=60_000)]
PlaceMm = Annotated[float, Field(ge=-100_000, le=100_000)]

_LEAST_MM: Final = 50.0
"""A microphone that is nearer to the lab's origin than this along every axis was measured in metres."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class RecordingSync(_Table):
    """[sync.recordings.P05C01T28]: the clock of one recording."""

    offset_s: OffsetS
    sigma_ms: SigmaMs | None = None


class SyncTable(_Table):
    """[sync]: how clocks are found, and what is known of them. Mocap time = device time + offset."""

    method: SyncMethod = "auto"
    offset_s: dict[str, OffsetS] = {}
    sigma_ms: SigmaMs | None = None
    of: Literal["sound", "picture"] = "sound"
    timecode: dict[str, str] = {}
    recordings: dict[str, RecordingSync] = {}

    @field_validator("timecode")
    @classmethod
    def _codes(cls, codes: dict[str, str]) -> dict[str, str]:
        for trial, text in codes.items():
            try:
                parse_timecode(text)
            except ValueError as error:
                raise ValueError(f"{trial} {error}") from error
        return codes

    @model_validator(mode="after")
    def _statements_are_used(self) -> SyncTable:
        if self.states_offsets and self.method == "none":
            raise ValueError(
                "offsets are given, but method is 'none' and would ignore them; write method = 'given', or 'auto' to "
                "weigh them with other evidence"
            )
        if self.method == "given" and not self.states_offsets:
            raise ValueError("method is 'given', but there is no offset; add offset_s = {C01 = 0.0}")
        if self.timecode and self.method != "auto":
            raise ValueError(
                f"time codes are given, but method is '{self.method}' and would ignore them; write method = 'auto'"
            )
        return self

    @model_validator(mode="after")
    def _offsets_are_described_where_there_are_some(self) -> SyncTable:
        of_picture, has_sigma = self.of == "picture", self.sigma_ms is not None
        if of_picture and self.method == "none":
            raise ValueError(
                "of is 'picture', but method is 'none' and would ignore it; leave of out, or write method = 'auto'"
            )
        if (of_picture or has_sigma) and not self.states_offsets:
            key = "sigma_ms" if has_sigma else "of"
            raise ValueError(f"{key} is given, but no offset that it could be of; add offset_s = {{C01 = 0.0}}")
        return self

    @property
    def states_offsets(self) -> bool:
        """Whether there is any offset."""
        return bool(self.offset_s or self.recordings)

    def given_offset(self, recording: str, device: str) -> RecordingSync | None:
        """Clock of a recording as given for it or for its device; None if neither is."""
        own = self.recordings.get(recording)
        if own is not None:
            return own if own.sigma_ms else RecordingSync(offset_s=own.offset_s, sigma_ms=self.sigma_ms)
        if device in self.offset_s:
            return RecordingSync(offset_s=self.offset_s[device], sigma_ms=self.sigma_ms)
        return None

    def code_of(self, trial: str) -> TimeCode | None:
        """Time code of frame number 1 of a trial; None if it is not given."""
        return parse_timecode(self.timecode[trial]) if trial in self.timecode else None


class MicrophoneTable(_Table):
    """[microphones.M01]: where a device's microphone is."""

    place_mm: Annotated[tuple[PlaceMm, ...], Field(strict=False, min_length=3, max_length=3)]

    @field_validator("place_mm")
    @classmethod
    def _in_millimetres(cls, place_mm: tuple[float, ...]) -> tuple[float, ...]:
        if any(place_mm) and max(map(abs, place_mm)) < _LEAST_MM:
            told, meant = (", ".join(f"{scale * value:g}" for value in place_mm) for scale in (1, 1000))
            raise ValueError(f"is [{told}], which looks like metres; write [{meant}]")
        return place_mm
