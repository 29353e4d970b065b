"""One generation of the schema: supergraph, planner, subgraph clients, and every client's view.

A reload builds a new generation beside the running one and swaps a single reference. Requests
hold the generation they began with; it closes its subgraph connections when the last is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from graphql import DocumentNode, GraphQLSchema, parse
from msgspec import Struct, field

from router.contracts.annotations import Annotations, annotations_of
from router.contracts.contract import Contract, ContractLimits, check_apart
from router.contracts.filter import filter_schema, with_defer
from router.contracts.limits import Costs
from router.contracts.persisted import PersistedOperations, load_persisted
from router.errors import SettingsInvalid
from router.execution.client import SubgraphClient
from router.planning.plan import Plan
from router.server.rights import Rights
from router.settings import ClientMatching
from router.supergraph import Supergraph

__all__ = ["DEFAULT_CLIENT", "Client", "Generation", "PlansOperations", "build_generation"]

DEFAULT_CLIENT: Final = Contract(
    name="default",
    title="Everything",
    path="/graphql",
    limits=ContractLimits(
        depth=200,
        height=50_000,
        aliases=5_000,
        root_fields=1_000,
        directives=1_000,
        tokens=None,
    ),
    graphiql=True,
)
"""The contract of the plain path where none is declared: all of the API schema, wide limits."""


class PlansOperations(Protocol):
    """The planner, as the server needs it; one serves all clients."""

    def plan(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        *,
        labels: frozenset[str] = frozenset(),
    ) -> Plan: ...


class Client(Struct, frozen=True):
    """One client in one generation: its contract, and the schema it is shown."""

    contract: Contract
    schema: GraphQLSchema
    persisted: PersistedOperations
    costs: Costs

    @property
    def name(self) -> str:
        """The client's name; ``default`` for the plain path without a contract."""
        return self.contract.name


class Generation(Struct, eq=False):
    """Everything that changes together on a reload."""

    number: int
    supergraph: Supergraph
    planner: PlansOperations
    subgraphs: Mapping[str, SubgraphClient]
    clients: Mapping[str, Client]
    by_path: Mapping[str, Client]
    default: Client
    rights: Rights
    annotations: Annotations
    private: frozenset[str] = frozenset()
    """Coordinates whose values never appear in logs and messages."""
    trusted: frozenset[str] = frozenset()
    """Subgraphs whose answers keep to their schema; their bytes may pass through unread."""
    on_closed: Callable[[], Awaitable[None]] | None = None
    _holders: int = 0
    _retired: bool = False
    _closing: asyncio.Task[None] | None = None
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    def hold(self) -> None:
        """A request or stream begins to use this generation."""
        self._holders += 1

    def release(self) -> None:
        """A request or stream is done; the last one of a retired generation closes it."""
        self._holders -= 1
        if self._retired and self._holders == 0:
            self._closing = asyncio.get_running_loop().create_task(self._close())

    async def retire(self) -> None:
        """No new requests come; close now, or when the last holder lets go."""
        self._retired = True
        if self._holders == 0:
            await self._close()

    @property
    def closed(self) -> bool:
        """Whether its subgraph connections are closed."""
        return self._closed.is_set()

    async def _close(self) -> None:
        if self._closed.is_set():
            return
        self._closed.set()
        for client in self.subgraphs.values():
            await client.aclose()
        if self.on_closed is not None:
            await self.on_closed()


def build_generation(
    supergraph: Supergraph,
    planner: PlansOperations,
    subgraphs: Mapping[str, SubgraphClient],
    contracts: Sequence[Contract] = (),
    *,
    number: int = 1,
    matching: ClientMatching | None = None,
    plain_path: str = "/graphql",
    private_tag: str = "phi",
    trusted: Sequence[str] = (),
) -> Generation:
    """Build every client's view of ``supergraph``.

    Raises :class:`~router.errors.SettingsInvalid` when a contract leaves nothing to see, two cannot
    be told apart, an operation file is broken, or the default contract does not exist.
    """
    matching = matching or ClientMatching()
    annotations = annotations_of(parse(supergraph.sdl, no_location=True))
    api = with_defer(supergraph.api_schema)
    costs = Costs(api, annotations)
    whole = Client(DEFAULT_CLIENT, api, PersistedOperations(DEFAULT_CLIENT.name, ()), costs)
    tags = annotations.tags()
    check_apart(contracts)
    clients: dict[str, Client] = {}
    for contract in contracts:
        schema = filter_schema(api, tags, contract.tags, contract.name)
        own = costs if schema is api else Costs(schema, annotations)
        clients[contract.name] = Client(contract, schema, load_persisted(contract), own)
    if matching.default is not None and matching.default not in clients:
        raise SettingsInvalid(
            f"clients.default names {matching.default!r}, which has no contract; "
            f"there are {', '.join(clients) or 'none'}."
        )
    default = clients[matching.default] if matching.default else whole
    by_path = {client.contract.url_path: client for client in clients.values()}
    by_path.setdefault(plain_path, default)
    return Generation(
        number=number,
        supergraph=supergraph,
        planner=planner,
        subgraphs=subgraphs,
        clients=clients,
        by_path=by_path,
        default=default,
        rights=Rights(annotations),
        annotations=annotations,
        private=frozenset(place for place, names in tags.items() if private_tag in names),
        trusted=frozenset(trusted),
    )
