"""Manifests of persisted operations: Apollo's, Relay's and code generators', ids and texts alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from router.errors import SettingsInvalid
from router.files import parse_json

__all__ = ["read_manifest"]

_APOLLO: Final = "apollo-persisted-query-manifest"
_MEND: Final = "generate it in Apollo's form, or as an object of texts by id"


def read_manifest(text: str, source: str) -> dict[str, str]:
    """Return the texts of the operations by their ids, in the manifest's order.

    Raises SettingsInvalid, naming ``source``, what is wrong, and the mend.
    """
    manifest = parse_json(text, source, _MEND)
    if not isinstance(manifest, dict):
        raise SettingsInvalid(f"{source}: a manifest is a JSON object, this is not one; {_MEND}.")
    return _apollo(manifest, source) if "operations" in manifest else _flat(manifest, source)


def _apollo(manifest: Mapping[str, Any], source: str) -> dict[str, str]:
    if manifest.get("format") != _APOLLO or manifest.get("version") != 1:
        raise SettingsInvalid(
            f"{source}: unknown manifest format {manifest.get('format')!r} version "
            f"{manifest.get('version')!r}; known is {_APOLLO} version 1."
        )
    listed = manifest["operations"]
    if not isinstance(listed, list):
        raise SettingsInvalid(f"{source}: its operations are no list; {_MEND}.")
    found: dict[str, str] = {}
    for number, entry in enumerate(listed):
        known = entry if isinstance(entry, dict) else {}
        missing = [key for key in ("id", "body") if not isinstance(known.get(key), str)]
        if missing:
            raise SettingsInvalid(
                f"{source}: operations[{number}] has no {' and no '.join(missing)}; both are texts."
            )
        if found.setdefault(known["id"], known["body"]) != known["body"]:
            raise SettingsInvalid(
                f"{source}: the id {known['id']!r} stands for two texts; remove one of them."
            )
    return found


def _flat(manifest: Mapping[str, Any], source: str) -> dict[str, str]:
    """Relay's and the code generators' form: id to text."""
    for key, text in manifest.items():
        if not isinstance(text, str):
            raise SettingsInvalid(f"{source}: {key!r} must map to the text of an operation.")
    return dict(manifest)
