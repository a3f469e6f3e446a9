"""Where a slot is among all processes, so that a page may speak to any of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

from dashboard.live.slot import Slot
from widgets import clock


class Places:
    """The slots of one process by number; the process by a name, in whose group it is alone."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._name = secrets.token_hex(8)
        self._numbers = count(1)
        self._slots: WeakValueDictionary[int, Slot] = WeakValueDictionary()

    @property
    def group(self) -> str:
        return f"hub.{self._name}"

    def place_of(self, slot: Slot) -> str:
        """Good for as long as the slot is there."""
        number = next(self._numbers)
        self._slots[number] = slot
        return f"{self.group} {number}"

    async def painted(self, place: str, text: str) -> None:
        """Have the slot there told what its page says that it has painted."""
        message = {"type": "screen.painted", "place": place, "text": text}
        group = place.partition(" ")[0]
        if group == self.group:
            self.receive(message)
        else:
            await self._layer.group_send(group, message)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take in what another process was told of a slot here."""
        group, _, number = message["place"].partition(" ")
        if group == self.group and (slot := self._slots.get(int(number))):
            slot.receipt.answer(message["text"], clock.now())
