"""The rooms that a capture may be recorded in: how they sound.

Players stand in the middle. Sizes and absorption are viodat's choice; decay times are Sabine's. What cameras see of the
room is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from viodat.synth.options import RoomName
from viodat.synth.sound.room import Room

ROOMS: Final[Mapping[RoomName, Room | None]] = {
    "curtained": Room(size_mm=(10_000.0, 9_000.0, 3_500.0), absorption=0.5),
    "bare": Room(size_mm=(10_000.0, 9_000.0, 3_500.0), absorption=0.27),
    "hall": Room(size_mm=(24_000.0, 16_000.0, 9_000.0), absorption=0.31),
    "open": None,
}
"""A lab with curtains, whose 60 dB of decay take 0.3 s; the same one bare, 0.6 s, in which vibrato drowns at 3 m; a
recital hall, 1.2 s; and the open air, which returns nothing."""
