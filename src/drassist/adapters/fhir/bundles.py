"""FHIR bundles from files: read, checked, and their references between entries resolved.

A bundle is taken whole or not at all: the first fault is an :class:`InputInvalid` with code
``FHIR_BUNDLE_INVALID`` that names the file and the entry, before anything of it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drassist.adapters.errors import InputInvalid
from drassist.fhir import codec
from drassist.fhir.codec import Resource
from drassist.fhir.records import Reference

__all__ = ["Contents", "bundle_files", "read_bundle", "resolve_literal"]

_LARGEST_FILE = 256 * 1024 * 1024
_TYPES = frozenset({"transaction", "batch", "collection", "searchset", "document", "history"})


@dataclass(frozen=True, slots=True)
class Contents:
    """The resources of one bundle, and where each ``fullUrl`` of it leads."""

    name: str
    resources: tuple[Resource, ...]
    full_urls: Mapping[str, Reference]

    def resolve(self, link: str) -> Reference | None:
        """Return what a reference of this bundle points at, or None if it leads nowhere."""
        return self.full_urls.get(link) or resolve_literal(link)


def bundle_files(folder: Path) -> tuple[Path, ...]:
    """Return the JSON files of a folder by name, or raise :class:`InputInvalid` if none."""
    if not folder.is_dir():
        raise InputInvalid(f"{folder} is no folder", code="FHIR_FOLDER_MISSING")
    found = tuple(sorted(path for path in folder.glob("*.json") if path.is_file()))
    if not found:
        raise InputInvalid(f"{folder} holds no .json file", code="FHIR_FOLDER_EMPTY")
    return found


def read_bundle(name: str, text: bytes) -> Contents:
    """Read a bundle; ``name`` (a file's name) begins each message."""
    if len(text) > _LARGEST_FILE:
        raise _broken(name, f"larger than {_LARGEST_FILE} bytes")
    try:
        bundle = codec.loads(text)
    except codec.NotJson as error:
        raise _broken(name, str(error)) from None
    if bundle.get("resourceType") != "Bundle":
        raise _broken(name, "not a Bundle")
    if bundle.get("type") not in _TYPES:
        raise _broken(name, f"Bundle.type is none of {', '.join(sorted(_TYPES))}")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise _broken(name, "Bundle.entry is no list")
    return _contents(name, entries)


def resolve_literal(link: str) -> Reference | None:
    """Resolve ``Patient/1``, ``Patient/1/_history/2`` or an absolute form of these."""
    if link.startswith(("urn:", "#")) or "?" in link:
        return None
    steps = link.split("/_history/")[0].rstrip("/").split("/")
    if len(steps) < 2 or not steps[-2][:1].isupper() or not steps[-1]:
        return None
    return Reference(steps[-2], steps[-1])


def _contents(name: str, entries: list[Any]) -> Contents:
    resources: list[Resource] = []
    urls: dict[str, Reference] = {}
    for number, entry in enumerate(entries):
        resource, url = _entry(name, number, entry)
        if url is not None:
            if url in urls:
                raise _broken(name, f"{_called(number, resource)}: fullUrl is given twice")
            urls[url] = Reference(resource["resourceType"], resource["id"])
        resources.append(resource)
    return Contents(name, tuple(resources), urls)


def _entry(name: str, number: int, entry: Any) -> tuple[Resource, str | None]:
    if not isinstance(entry, dict):
        raise _broken(name, f"entry {number}: not an object")
    resource, url = entry.get("resource"), entry.get("fullUrl")
    if not isinstance(resource, dict):
        raise _broken(name, f"entry {number}: has no resource")
    if not isinstance(resource.get("resourceType"), str):
        raise _broken(name, f"entry {number}: its resource has no resourceType")
    if url is not None and not isinstance(url, str):
        raise _broken(name, f"{_called(number, resource)}: fullUrl is no string")
    if not isinstance(resource.get("id"), str) or not resource["id"]:
        if url is None:
            raise _broken(name, f"{_called(number, resource)}: neither id nor fullUrl names it")
        # in a transaction the server mints ids: the fullUrl is then the only name
        resource = {**resource, "id": url.rsplit(":", 1)[-1].rsplit("/", 1)[-1]}
    return resource, url


def _called(number: int, resource: Mapping[str, Any]) -> str:
    id = resource.get("id")
    kind = str(resource.get("resourceType"))[:64]
    return f"entry {number} ({kind}/{str(id)[:64]})" if id else f"entry {number} ({kind})"


def _broken(name: str, fault: str) -> InputInvalid:
    return InputInvalid(f"{name}: {fault}", code="FHIR_BUNDLE_INVALID")
