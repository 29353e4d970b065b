"""A client's contract as its folder declares it: ``clients/<device>/contract.toml``.

Data only: what the client sees (tags), how it asks (persisted operations, transports) and how
much (limits), and which of its versions are still served until when.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final, Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from router import tables
from router.errors import SettingsInvalid
from router.files import naming
from router.settings import check_rate, served_path

__all__ = [
    "Contract",
    "ContractLimits",
    "PersistedRules",
    "TagRules",
    "Transport",
    "VersionRules",
    "check_apart",
    "load_contract",
    "load_contracts",
]

Transport: TypeAlias = Literal["http", "sse", "websocket", "multipart"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class TagRules(Struct, frozen=True, kw_only=True):
    """``include``: only elements with one of these tags; ``exclude`` wins over it."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class PersistedRules(Struct, frozen=True, kw_only=True):
    """The client's persisted operations.

    ``mode``: ``required`` serves nothing else, ``preferred`` serves both, ``off`` ignores them.
    ``folder`` holds ``.graphql`` files (the file's stem or the operation's name is its id),
    ``manifests`` are in Apollo's, Relay's or code generator's format. ``cache_control`` gives the
    ``Cache-Control`` of a GET by operation name.
    """

    mode: Literal["required", "preferred", "off"] = "preferred"
    folder: Path | None = None
    manifests: tuple[Path, ...] = ()
    cache_control: Mapping[str, str] = field(default_factory=dict)


class ContractLimits(Struct, frozen=True, kw_only=True):
    """Limits of one operation; None: no limit. ``rate`` in words, such as ``600/minute``.

    ``depth``: levels of fields; ``height``: all fields, fragments expanded; ``page_size``: the
    largest integer for an argument named first, last or limit; ``cost``: static cost by
    ``@cost`` and ``@listSize``; ``answer_bytes``: size of the whole response;
    ``operation_rates``: rates of single operations by name, beside ``rate``.
    """

    depth: int | None = 20
    height: int | None = 1_000
    aliases: int | None = 60
    root_fields: int | None = 30
    directives: int | None = 50
    tokens: int | None = 5_000
    cost: int | None = None
    page_size: int | None = None
    answer_bytes: int | None = None
    rate: str | None = None
    operation_rates: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no rate."""
        for rate in (self.rate, *self.operation_rates.values()):
            check_rate(rate)


class VersionRules(Struct, frozen=True, kw_only=True):
    """A version of the client's app that is served; ``2.*`` covers every 2.x.

    From ``deprecated`` on answers carry a ``Deprecation`` header and, with ``sunset``, a
    ``Sunset`` header; after the day of ``sunset`` the version is refused.
    """

    name: str
    deprecated: date | None = None
    sunset: date | None = None
    manifest: Path | None = None

    def covers(self, version: str) -> bool:
        """Whether ``version`` falls under this rule."""
        if self.name.endswith("*"):
            return version.startswith(self.name[:-1])
        return version == self.name


class Contract(Struct, frozen=True, kw_only=True):
    """One client's contract; ``name`` is the name of its folder."""

    name: str = ""
    title: str = ""
    path: str | None = None
    """Where the client is served; by default ``/<name>/graphql``."""
    tags: TagRules = TagRules()
    persisted: PersistedRules = PersistedRules()
    limits: ContractLimits = ContractLimits()
    transports: tuple[Transport, ...] = ("http", "sse", "websocket", "multipart")
    versions: tuple[VersionRules, ...] = ()
    introspection: bool = True
    graphiql: bool = False
    mask_errors: bool | None = None
    """Whether this audience gets codes and ids in place of subgraphs' messages; None: as the
    router's settings say."""

    def __post_init__(self) -> None:
        """Refuse what leaves no way to ask, and versions that cannot be told apart."""
        if self.path is not None:
            force_setattr(self, "path", served_path(self.path))
        if not self.transports:
            raise ValueError("has no transports; name one at least")
        names = [version.name for version in self.versions]
        if "" in names or len(set(names)) < len(names):
            raise ValueError("has versions without a name of their own; give each one")

    @property
    def url_path(self) -> str:
        """The path that serves this client."""
        return self.path or f"/{self.name}/graphql"


def load_contracts(folder: Path) -> tuple[Contract, ...]:
    """Read every ``<folder>/<client>/contract.toml``, sorted by client.

    Raises :class:`~router.errors.SettingsInvalid` when the folder is missing or holds none.
    """
    if not folder.is_dir():
        raise SettingsInvalid(f"{folder}: there is no such folder; it holds one folder per client.")
    contracts = tuple(load_contract(path) for path in sorted(folder.glob("*/contract.toml")))
    if not contracts:
        raise SettingsInvalid(f"{folder}: no client here; add <client>/contract.toml.")
    with naming(folder):
        check_apart(contracts)
    return contracts


def check_apart(contracts: Iterable[Contract]) -> None:
    """Raise SettingsInvalid unless each contract has a name and a path of its own."""
    names: set[str] = set()
    paths: dict[str, str] = {}
    for contract in contracts:
        name, path = contract.name, contract.url_path
        if not _NAME.fullmatch(name):
            raise SettingsInvalid(f"{name!r} is no client name; use letters, digits, - and _.")
        if name in names:
            raise SettingsInvalid(f"Two contracts are named {name!r}; give one another name.")
        if other := paths.get(path):
            raise SettingsInvalid(
                f"The path {path} of {name!r} is that of {other!r} too; give one another path."
            )
        names.add(name)
        paths[path] = name


def load_contract(path: Path) -> Contract:
    """Read one ``contract.toml``; the client's name is that of its folder."""
    contract = tables.load(path, Contract)
    name = contract.name or path.parent.name
    persisted = contract.persisted
    default = path.parent / "operations"
    if persisted.folder is None and default.is_dir():
        persisted = replace(persisted, folder=default)
    if persisted.folder is not None and not persisted.folder.is_dir():
        raise SettingsInvalid(
            f"{path}: persisted.folder: there is no folder {persisted.folder}; create it."
        )
    for manifest in persisted.manifests:
        if not manifest.is_file():
            raise SettingsInvalid(
                f"{path}: persisted.manifests: there is no file {manifest}; generate it."
            )
    return replace(contract, name=name, persisted=persisted)
