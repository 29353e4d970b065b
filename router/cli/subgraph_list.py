"""SUBGRAPHS.json: which subgraphs there are, where they run, what their schemas are."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from router.errors import SettingsInvalid
from router.files import parse_json, read_text

if TYPE_CHECKING:
    from router.composition.sources import SubgraphSource

__all__ = ["SubgraphEntry", "read_subgraph_list", "texts_of"]

_SHAPE: Final = 'a list of {"name", "url", "sdl"}'
_TIMEOUT_S: Final = 10.0
_LARGEST_SDL: Final = 32 * 1024 * 1024


class SubgraphEntry(Struct, frozen=True):
    """One subgraph of the list; ``file`` is where its schema was read, if it was a file."""

    name: str
    url: str
    sdl: str
    file: Path | None = None

    def source(self) -> SubgraphSource:
        """Return the entry as composition takes it."""
        from router.composition.sources import SubgraphSource

        return SubgraphSource(self.name, self.url, self.sdl)


def texts_of(entries: Iterable[SubgraphEntry]) -> dict[str, tuple[str, str]]:
    """Return the files of the entries that have one, by name, each with its text."""
    return {entry.name: (str(entry.file), entry.sdl) for entry in entries if entry.file is not None}


def read_subgraph_list(path: Path) -> list[SubgraphEntry]:
    """Return the subgraphs of a list file, their schemas read or asked for.

    Raises :class:`~router.errors.SettingsInvalid` with the file, the line where there is one, and
    the mend.
    """
    entries = [_entry(path, number, each) for number, each in enumerate(_items(path), start=1)]
    seen: set[str] = set()
    for entry in entries:
        if entry.name in seen:
            raise SettingsInvalid(
                f'{path}: two subgraphs are named "{entry.name}"; give each a name of its own.'
            )
        seen.add(entry.name)
    return entries


def _items(path: Path) -> Iterator[Any]:
    text = read_text(path, f"name a file that holds {_SHAPE}")
    listed = parse_json(text, str(path), f"write {_SHAPE}")
    if isinstance(listed, dict) and "subgraphs" in listed:
        listed = listed["subgraphs"]
    if not isinstance(listed, list) or not listed:
        raise SettingsInvalid(f"{path}: holds no subgraphs; write {_SHAPE}.")
    return iter(listed)


def _entry(path: Path, number: int, item: Any) -> SubgraphEntry:
    where = f"{path}: subgraph {number}"
    if not isinstance(item, dict):
        raise SettingsInvalid(f"{where} is not an object; write {_SHAPE}.")
    name, url, sdl = item.get("name"), item.get("url") or "", item.get("sdl")
    if not isinstance(name, str) or not name.strip():
        raise SettingsInvalid(f'{where} has no name; add "name".')
    where = f'{path}: subgraph "{name}"'
    if unknown := item.keys() - {"name", "url", "sdl"}:
        raise SettingsInvalid(f'{where} has "{min(unknown)}"; known are "name", "url" and "sdl".')
    if not isinstance(url, str):
        raise SettingsInvalid(f'{where} has an url that is no text; write "url" as a string.')
    if sdl is None:
        if not url:
            raise SettingsInvalid(
                f'{where} has neither sdl nor url; add "sdl" (a path or the schema), or the "url" '
                "at which it runs and can be asked."
            )
        return SubgraphEntry(name, url, _ask(where, url))
    if not isinstance(sdl, str):
        raise SettingsInvalid(
            f'{where} has an sdl that is no text; write a path or the schema as "sdl".'
        )
    if not sdl.strip():
        raise SettingsInvalid(f'{where} has an empty sdl; write a path or the schema as "sdl".')
    if "\n" in sdl or "{" in sdl:
        return SubgraphEntry(name, url, sdl)
    file = _found(path, where, sdl)
    return SubgraphEntry(name, url, read_text(file, f"mend the sdl of {where}"), file)


def _found(path: Path, where: str, sdl: str) -> Path:
    for candidate in (path.parent / sdl, Path(sdl)):
        with contextlib.suppress(OSError):  # too long to be the name of a file
            if candidate.is_file():
                return candidate
    raise SettingsInvalid(
        f"{where} has the schema file {sdl}, which does not exist; give its path from "
        f"{path.parent} or from the working directory, or the schema itself."
    )


# -- asking a running subgraph -------------------------------------------------------------


def _ask(where: str, url: str) -> str:
    """Return what a running subgraph answers to ``{ _service { sdl } }``."""
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    if not url.startswith(("http://", "https://")):
        raise SettingsInvalid(f'{where} has no sdl, and {url} cannot be asked; add "sdl".')
    try:
        request = Request(  # noqa: S310  # http and https only, see above
            url,
            data=json.dumps({"query": "query { _service { sdl } }"}).encode(),
            headers={"content-type": "application/json", "accept": "application/json"},
        )
    except ValueError as error:
        raise SettingsInvalid(f"{where} has no sdl, and {url} is no URL ({error}).") from error
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310  # as above
            answer = json.loads(response.read(_LARGEST_SDL))
        sdl = answer["data"]["_service"]["sdl"]
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)  # urllib wraps what the system says
        said = getattr(reason, "strerror", None) or reason
        raise SettingsInvalid(
            f'{where} could not be asked at {url} ({said}); start it, or add "sdl".'
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsInvalid(
            f"{where} did not answer {{ _service {{ sdl }} }} at {url}; is it a federation "
            'subgraph? Otherwise add "sdl".'
        ) from error
    if not isinstance(sdl, str):
        raise SettingsInvalid(f'{where} answered an sdl that is no text; add "sdl".')
    return sdl
