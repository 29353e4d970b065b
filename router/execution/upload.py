"""A file among the variables of an operation: the door reads it, transports hand it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

__all__ = ["Upload"]


@dataclass(slots=True)
class Upload:
    """One uploaded file, positioned at its start; name and type are what the client claims.

    ``size`` is in bytes. The file is open until the answer is sent.
    """

    filename: str
    content_type: str
    size: int
    file: IO[bytes]
