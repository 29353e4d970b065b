"""The subgraphs by name: how each is made, alone or beside the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:  # a gateway and the identity provider need no database
    from drassist.events import Bus
    from drassist.runtime.identity import Authenticator
    from drassist.runtime.settings import Settings

__all__ = ["DOMAINS", "SUBGRAPHS", "RunningSubgraph", "create_subgraph", "peers_of"]

DOMAINS: Final = ("patients", "encounters", "notes", "orders", "consents")
"""The domain subgraphs; each has a database schema and migrations of its own."""

SUBGRAPHS: Final = (*DOMAINS, "bff")


class RunningSubgraph(Protocol):
    """What the composition root needs of a subgraph (:class:`drassist.graph.Subgraph` fits)."""

    name: str
    app: Any

    def sdl(self) -> str: ...

    def lifespan(self) -> Any: ...

    async def execute(
        self,
        operation: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]: ...

    subscribe: Callable[..., Any]


def create_subgraph(
    name: str,
    settings: Settings,
    *,
    bus: Bus | None = None,
    authenticate: Authenticator | None = None,
    **peers: Any,
) -> Any:
    """Make one subgraph; its modules are imported only now, so a process pays for its own."""
    if name not in SUBGRAPHS:
        raise ValueError(f"there is no subgraph {name!r}; known are {', '.join(SUBGRAPHS)}")
    module = import_module(f"subgraphs.{name}.app")
    return module.create_app(settings, bus=bus, authenticate=authenticate, **peers)


def peers_of(name: str, subgraphs: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """What subgraph ``name`` is told by those that run beside it; ``subgraphs`` may fill later.

    An order and a signed note tell a peer who the patient is: the patients subgraph knows.
    """
    if name not in {"orders", "notes"}:
        return {}
    from drassist.adapters.patients import PatientsInGraph
    from drassist.runtime.identity import Identity

    async def ask(operation: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await subgraphs["patients"].execute(
            operation, variables, identity=Identity.service(name)
        )
        return found

    return {"patients": PatientsInGraph(ask, settings.facility_id)}
