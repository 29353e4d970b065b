"""What a stand-in remembers: one JSON object a line, written before the caller is answered.

A stand-in without a memory would forget an order when the process is killed, and nobody could
tell its loss from ours. Without a path it lives in memory. Several processes may share a path:
each sees the lines of the others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.engine import make_url

__all__ = ["Journal", "journal_of"]


class Journal:
    """Lines in order; ``append`` returns when the line is on the disk."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines: list[dict[str, Any]] = []
        self._read = 0

    @property
    def lines(self) -> Sequence[dict[str, Any]]:
        """All lines so far, of whoever wrote them."""
        if self._path is not None and self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                text = file.read()
            whole = text.rpartition(b"\n")[0]
            if whole or text.startswith(b"\n"):
                self._lines += [line for part in whole.split(b"\n") if (line := _line(part))]
                self._read += len(whole) + 1
        return self._lines

    def append(self, line: Mapping[str, Any]) -> None:
        if self._path is None:
            self._lines.append(dict(line))
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            # the line at which the power went must not swallow this one
            torn = file.tell() > 0 and not self._ends_whole()
            file.write((b"\n" if torn else b"") + orjson.dumps(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _ends_whole(self) -> bool:
        assert self._path is not None
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def journal_of(database_url: str, name: str) -> Path | None:
    """Where the stand-in ``name`` beside a database remembers; None beside one in memory.

    Beside SQLite the journal lies in the folder of the database; beside PostgreSQL under ``var``.
    """
    url = make_url(database_url)
    if not url.database or url.database == ":memory:":
        return None
    if url.drivername.startswith("sqlite"):
        return Path(url.database).parent / f"{name}-simulator.jsonl"
    return Path("var") / "simulators" / f"{url.database}-{name}.jsonl"


def _line(text: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
