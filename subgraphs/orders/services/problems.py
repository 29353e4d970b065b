"""Why a command was refused: for the person who gave it, never an error of the system."""

from __future__ import annotations

__all__ = ["Problem", "Warn"]

from dataclasses import dataclass


class Problem(Exception):
    """A refusal; ``code`` is stable, ``path`` names the input's field, the text is for people."""

    def __init__(self, code: str, message: str, *path: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path


@dataclass(frozen=True, slots=True)
class Warn:
    """Something to look at that does not stop the command."""

    code: str
    message: str
    path: tuple[str, ...] = ()
    about: str | None = None
