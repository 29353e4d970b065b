"""Work shared by requests that share their answers.

When identical queries in flight are sent once, all who asked are told in one go, and each would
gather and complete the very same answers. What the first of them made is kept until the event
loop turns, and given to those for whom every answer is the same object and all variables are
equal. Nothing is kept longer, and nothing where answers are not shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from operator import is_
from typing import Any

__all__ = ["Recent"]


class Recent:
    """What was made of shared answers in this turn of the event loop."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Sequence[Any], Mapping[str, Any], Any]] = {}

    def find(self, key: Hashable, answers: Sequence[Any], variables: Mapping[str, Any]) -> Any:
        """Return what was made of these answers with these variables, or None."""
        found = self._made.get(key)
        if found is None:
            return None
        known, equal, made = found
        if len(known) == len(answers) and equal == variables and all(map(is_, known, answers)):
            return made
        return None

    def keep(
        self, key: Hashable, answers: Sequence[Any], variables: Mapping[str, Any], made: Any
    ) -> None:
        """Keep what was made until the loop turns."""
        if not self._made:
            asyncio.get_running_loop().call_soon(self._made.clear)
        self._made[key] = (answers, variables, made)
