"""Files that people name to the router: one that cannot be used is told with reason and mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from router.errors import SettingsInvalid, SupergraphInvalid

__all__ = ["naming", "parse_json", "read_text", "write_text"]


def read_text(path: Path, mend: str) -> str:
    """Return what a UTF-8 file holds; raises SettingsInvalid with the path, the reason and ``mend``."""
    try:
        return path.read_text(encoding="utf-8-sig")  # editors on Windows begin files with a BOM
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsInvalid(f"{path}: cannot be read ({reason}); {mend}.") from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file; raises SettingsInvalid with the path, the reason and the mend."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsInvalid(
            f"{path}: cannot be written ({error.strerror}); name a file in a folder that exists and "
            "that you may write to."
        ) from error


def parse_json(text: str, source: str, mend: str) -> Any:
    """Return what a JSON text says; raises SettingsInvalid with the place, the reason and ``mend``."""
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        place = f"{source}:{error.lineno}:{error.colno}"
        raise SettingsInvalid(f"{place}: this is not JSON ({error.msg}); {mend}.") from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before what is found wrong with what it holds."""
    try:
        yield
    except (SettingsInvalid, SupergraphInvalid) as error:
        raise type(error)(f"{path}: {error.message}") from error
