"""What a stand-in remembers: one JSON object a line, written before the caller is answered.

A stand-in without a memory would forget an order when the process is killed, and nobody could
tell its loss from ours. Without a path it lives in memory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

__all__ = ["Journal"]


class Journal:
    """Lines in order; ``append`` returns when the line is on the disk."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.lines: list[dict[str, Any]] = []
        if path is not None and path.exists():
            self.lines = [_read(line) for line in path.read_bytes().splitlines()]
            self.lines = [line for line in self.lines if line]

    def append(self, line: Mapping[str, Any]) -> None:
        self.lines.append(dict(line))
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _read(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}  # the line at which the power went
    return value if isinstance(value, dict) else {}
