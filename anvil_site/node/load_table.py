"""How many connections each worker holds: a page of memory that the workers of one node share.

Made by the supervisor, inherited as a descriptor. One writer a slot, so nothing is locked; a figure may be a moment
old. Linux: an anonymous memory file.
"""

from __future__ import annotations

import mmap
import os
import struct

_SLOT = struct.Struct("=I")


def create_load_table(slots: int) -> int:
    """The descriptor of a table of zeros; inheritable."""
    descriptor = os.memfd_create("anvil-load", 0)
    os.ftruncate(descriptor, slots * _SLOT.size)
    return descriptor


class LoadTable:
    """One worker's view: it writes its own slot and reads the others."""

    def __init__(self, descriptor: int, *, slot: int, slots: int) -> None:
        if not 0 <= slot < slots:
            raise ValueError(f"slot {slot} of a table of {slots}")
        self._memory = mmap.mmap(descriptor, slots * _SLOT.size)
        self._own_offset = slot * _SLOT.size
        self._other_offsets = tuple(n * _SLOT.size for n in range(slots) if n != slot)

    def publish(self, connections: int) -> None:
        _SLOT.pack_into(self._memory, self._own_offset, connections)

    def least_of_others(self) -> int | None:
        """None for the only worker."""
        memory = self._memory
        return min((_SLOT.unpack_from(memory, offset)[0] for offset in self._other_offsets), default=None)
