"""Objects that several answers bring together, joined without changing any of them.

Answers may be shared with other requests, so where two of them hold parts of one object a third
is made, once per pair. What is known about a part (which representation stands for it) is known
about the whole, whichever parts had arrived when it was noted.
"""

from __future__ import annotations

from typing import Any

from router.execution.shapes import Shape

__all__ = ["Mismatch", "Overlaps"]


class Mismatch(Exception):
    """The answers are not what generated code can handle; the plain form takes over."""


class Overlaps:
    """The joined objects of one run; what they are made of lives as long as the run."""

    __slots__ = ("_joined", "_parts")

    def __init__(self) -> None:
        self._joined: dict[tuple[int, int], Any] = {}
        self._parts: dict[int, tuple[Any, Any]] = {}

    def join(self, one: Any, two: Any, shape: Shape) -> Any:
        """Return both as one value; what ``one`` has wins."""
        if one is None:
            return two
        if two is None or one is two:
            return one
        key = (id(one), id(two))
        known = self._joined.get(key)
        if known is not None:
            return known
        if one.__class__ is dict and two.__class__ is dict:
            joined: Any = self._objects(one, two, shape)
        elif one.__class__ is list and two.__class__ is list and len(one) == len(two):
            joined = [self.join(a, b, shape) for a, b in zip(one, two, strict=True)]
        else:
            raise Mismatch
        self._joined[key] = joined
        self._parts[id(joined)] = (one, two)
        return joined

    def find(self, overlay: dict[int, int], value: Any) -> int:
        """Return the index noted for an object or a part of it, or -1."""
        index = overlay.get(id(value))
        if index is not None:
            return index
        for part in self._parts.get(id(value), ()):
            index = self.find(overlay, part)
            if index >= 0:
                return index
        return -1

    def note(self, overlay: dict[int, int], value: Any, index: int) -> None:
        """Note the index for an object and all its parts."""
        overlay[id(value)] = index
        for part in self._parts.get(id(value), ()):
            self.note(overlay, part, index)

    def _objects(self, one: dict[str, Any], two: dict[str, Any], shape: Shape) -> dict[str, Any]:
        joined = dict(one)
        for key, value in two.items():
            known = joined.get(key)
            if known is None:
                joined[key] = value
            elif key == "__typename":
                if value is not None and value != known:
                    raise Mismatch
            else:
                slot = shape.slots.get(key)
                if slot is not None and slot.shape is not None:
                    joined[key] = self.join(known, value, slot.shape)
        return joined
