"""Something to look at that does not stop a command: warn on duplicates, never block them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Warn"]


@dataclass(frozen=True, slots=True)
class Warn:
    """A warning; ``path`` names the input's field, ``about`` the id of what it collides with."""

    code: str
    message: str
    path: tuple[str, ...] = ()
    about: str | None = None
