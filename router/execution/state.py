"""What is in so far of one execution, as generated code reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from router.execution.overlap import Overlaps

__all__ = ["NOTHING", "Nothing", "State"]


class Nothing(dict[str, Any]):
    """An object without values, in the place of an answer that is missing, typed or not."""

    def __missing__(self, key: str) -> None:
        return None

    def __getattr__(self, name: str) -> None:
        return None


NOTHING: Final = Nothing()
_NO_ITEMS: Final[list[Any]] = [NOTHING]
_NO_OVERLAY: Final[dict[int, int]] = {}


class State:
    """The answers, and which item of which call belongs to which object.

    ``data`` holds the root fetches' answers by step, ``items`` and ``overlays`` the entities by
    call: ``items[call][overlays[call][id(object)]]`` is what a call brought for an object. Every
    ``items`` list ends with :data:`NOTHING`, so that index -1 means "nothing".
    ``representations`` are what each call sent, in the order of its items.
    """

    __slots__ = ("_overlaps", "data", "items", "overlays", "representations")

    def __init__(self, steps: int, calls: int) -> None:
        self.data: list[Any] = [NOTHING] * steps
        self.items: list[list[Any]] = [_NO_ITEMS] * calls
        self.overlays: list[dict[int, int]] = [_NO_OVERLAY] * calls
        self.representations: list[Sequence[dict[str, Any]]] = [()] * calls
        self._overlaps: Overlaps | None = None

    @property
    def overlaps(self) -> Overlaps:
        """The objects that several answers brought, joined."""
        found = self._overlaps
        if found is None:
            found = self._overlaps = Overlaps()
        return found

    def keep(self, call: int, items: list[Any]) -> None:
        """Keep what a call brought, in the order of its representations."""
        kept = [NOTHING if item is None else item for item in items]
        kept.append(NOTHING)
        self.items[call] = kept

    def lose(self, call: int) -> None:
        """Note that a call brought nothing: none of its items stands for an object."""
        self.overlays[call] = _NO_OVERLAY
