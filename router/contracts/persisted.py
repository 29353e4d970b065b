"""The persisted operations of a client: those of its manifests and of its folder of ``.graphql`` files.

All become one :class:`PersistedOperations`: documents by id. An operation is found by the id its
manifest gives it, by the sha256 of its text (bare or as ``sha256:<hex>``), by its name where the
name is unique, and as ``client~version~name``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    print_ast,
    visit,
)
from graphql.language import FragmentSpreadNode, Visitor
from msgspec import Struct

from router.contracts.contract import Contract, VersionRules
from router.errors import SettingsInvalid
from router.files import read_text
from router.manifest import read_manifest

__all__ = ["PersistedOperation", "PersistedOperations", "load_persisted"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class PersistedOperation(Struct, frozen=True):
    """One operation that the client's developers registered.

    ``ids`` are the ids it was given, ``version`` the app version whose manifest holds it, None
    for operations of every version; ``source`` is the file, for messages.
    """

    name: str | None
    text: str
    ids: tuple[str, ...]
    version: str | None
    source: str


class PersistedOperations:
    """The persisted operations of one client, found by any of their ids."""

    def __init__(
        self,
        client: str,
        operations: Iterable[PersistedOperation],
        versions: Sequence[VersionRules] = (),
    ) -> None:
        self.client = client
        self.versions = tuple(versions)
        self.operations = tuple(operations)
        self._by_id: dict[str, PersistedOperation] = {}
        self._texts: dict[str, PersistedOperation] = {}
        names: dict[str, list[PersistedOperation]] = {}
        for operation in self.operations:
            for key in operation.ids:
                self._add(key, operation)
            digest = hashlib.sha256(operation.text.encode()).hexdigest()
            self._by_id.setdefault(digest, operation)
            self._texts.setdefault(_squeezed(operation.text), operation)
            if operation.name:
                names.setdefault(operation.name, []).append(operation)
                version = operation.version or "*"
                self._add(f"{client}~{version}~{operation.name}", operation)
        for name, known in names.items():
            if len({operation.text for operation in known}) == 1:
                self._by_id.setdefault(name, known[0])

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[PersistedOperation]:
        return iter(self.operations)

    def find(self, key: str, version: str | None = None) -> PersistedOperation | None:
        """The operation with the id ``key``; a bare name is looked up in ``version`` first."""
        key = key.removeprefix("sha256:")
        client, _, rest = key.partition("~")
        if client == self.client and "~" in rest:
            version, _, key = rest.partition("~")
            return self._in_version(version, key)
        found = self._in_version(version, key) if version is not None else None
        return found or self._by_id.get(key)

    def _in_version(self, version: str, name: str) -> PersistedOperation | None:
        """The operation of an app version: its own, its rule's (``2.*``), or every version's."""
        covering = (rule.name for rule in self.versions if rule.covers(version))
        for known in (version, *covering, "*"):
            found = self._by_id.get(f"{self.client}~{known}~{name}")
            if found is not None:
                return found
        return None

    def find_text(self, text: str) -> PersistedOperation | None:
        """The operation with this text, white space aside: a safelist for clients without ids."""
        return self._texts.get(_squeezed(text))

    def _add(self, key: str, operation: PersistedOperation) -> None:
        other = self._by_id.get(key)
        if other is not None and _squeezed(other.text) != _squeezed(operation.text):
            raise SettingsInvalid(
                f"{operation.source}: the id {key!r} stands for another text in {other.source}; "
                "give one of them another name or remove it."
            )
        self._by_id[key] = operation


def load_persisted(contract: Contract) -> PersistedOperations:
    """Read every persisted operation of a contract."""
    rules = contract.persisted
    found: list[PersistedOperation] = []
    if rules.mode != "off":
        if rules.folder is not None:
            found.extend(_folder(rules.folder))
        for manifest in rules.manifests:
            found.extend(_manifest(manifest, None))
        for version in contract.versions:
            if version.manifest is not None:
                found.extend(_manifest(version.manifest, version.name))
    return PersistedOperations(contract.name, found, contract.versions)


def _folder(folder: Path) -> Iterator[PersistedOperation]:
    """Each operation of the folder's files, with the fragments it needs from any of them.

    A sub-folder is an app version: ``operations/2.1/Ward.graphql``.
    """
    for version, files in _by_version(folder).items():
        operations, fragments = _definitions(files)
        for file, operation in operations:
            name = operation.name.value if operation.name else None
            alone = sum(1 for other, _ in operations if other == file) == 1
            if name is None and not alone:
                raise SettingsInvalid(f"{file}: name each operation; the file holds several.")
            ids = (file.stem,) if alone else ()
            needed = _needed(operation, fragments, file)
            text = print_ast(DocumentNode(definitions=(operation, *needed)))
            yield PersistedOperation(name or file.stem, text, ids, version, str(file))


def _definitions(
    files: Iterable[Path],
) -> tuple[list[tuple[Path, OperationDefinitionNode]], dict[str, FragmentDefinitionNode]]:
    """The operations with their files, and the fragments by name."""
    operations: list[tuple[Path, OperationDefinitionNode]] = []
    fragments: dict[str, FragmentDefinitionNode] = {}
    homes: dict[str, Path] = {}
    for file in files:
        for definition in _parse(read_text(file, "write it as UTF-8"), str(file)).definitions:
            if isinstance(definition, FragmentDefinitionNode):
                name = definition.name.value
                known, home = fragments.setdefault(name, definition), homes.setdefault(name, file)
                if print_ast(known) != print_ast(definition):
                    raise SettingsInvalid(
                        f"{file}: the fragment {name!r} is another one in {home}; give one of them "
                        "another name."
                    )
            elif isinstance(definition, OperationDefinitionNode):
                operations.append((file, definition))
            else:
                raise SettingsInvalid(f"{file}: only operations and fragments belong here.")
    return operations, fragments


def _by_version(folder: Path) -> dict[str | None, list[Path]]:
    groups: dict[str | None, list[Path]] = {}
    for file in sorted(folder.rglob("*.graphql")):
        inner = file.relative_to(folder).parts
        groups.setdefault(inner[0] if len(inner) > 1 else None, []).append(file)
    return groups


def _needed(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    file: Path,
) -> list[FragmentDefinitionNode]:
    needed: dict[str, FragmentDefinitionNode] = {}
    waiting = list(_spreads(operation))
    while waiting:
        name = waiting.pop(0)
        if name in needed:
            continue
        if name not in fragments:
            raise SettingsInvalid(f"{file}: there is no fragment {name!r} in this folder.")
        needed[name] = fragments[name]
        waiting.extend(_spreads(fragments[name]))
    return list(needed.values())


def _spreads(node: OperationDefinitionNode | FragmentDefinitionNode) -> list[str]:
    names: list[str] = []

    class Spreads(Visitor):
        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
            names.append(node.name.value)

    visit(node, Spreads())
    return names


def _manifest(path: Path, version: str | None) -> Iterator[PersistedOperation]:
    for key, text in read_manifest(read_text(path, "generate it"), str(path)).items():
        document = _parse(text, f"{path}, operation {key!r}")
        names = [
            definition.name.value if definition.name else None
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        ]
        if len(names) != 1:
            raise SettingsInvalid(f"{path}: {key!r} must hold one operation, not {len(names)}.")
        bare = key.removeprefix("sha256:")
        if _SHA256.fullmatch(bare) and not _hashes_to(text, bare):
            raise SettingsInvalid(
                f"{path}: the text of {key!r} has another sha256; generate the manifest again."
            )
        yield PersistedOperation(names[0], text, (bare,), version, str(path))


def _hashes_to(text: str, digest: str) -> bool:
    # Relay hashes the text with its trailing newline and may store it without
    return any(
        hashlib.sha256(form.encode()).hexdigest() == digest
        for form in (text, text.rstrip("\n"), text.rstrip("\n") + "\n")
    )


def _parse(text: str, source: str) -> DocumentNode:
    try:
        return parse(text)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        raise SettingsInvalid(f"{source}:{line}: {error.message}") from error


def _squeezed(text: str) -> str:
    return " ".join(text.split())
