"""A GraphQL Federation router in Python: composition, planning, execution and the door to clients.

    from router import Router

    app = Router.from_subgraphs({
        "patients": strawberry_schema,               # a Strawberry, Ariadne or graphql-core schema
        "billing": "http://billing.internal/graphql",
    })

These names are the library's door; each is loaded with its first use. ``router.testing`` helps the tests of
teams with subgraphs, ``router.settings`` holds every setting, ``router.composition`` composes without
serving. Knows nothing of any domain: it could be published alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from router.app import Router, RouterOptions
    from router.composition.errors import CompositionFailed
    from router.contracts.contract import Contract
    from router.errors import RouterError, SettingsInvalid, SubgraphError, SupergraphInvalid
    from router.execution.answer import Answer
    from router.execution.client import SubgraphAnswer, SubgraphClient, SubgraphRequest
    from router.loading import Subgraph
    from router.server.exchange import Exchange, Run, Stage
    from router.server.identity import Identity
    from router.server.refusals import Refused
    from router.settings import Settings

__all__ = [
    "Answer",
    "CompositionFailed",
    "Contract",
    "Exchange",
    "Identity",
    "Refused",
    "Router",
    "RouterError",
    "RouterOptions",
    "Run",
    "Settings",
    "SettingsInvalid",
    "Stage",
    "Subgraph",
    "SubgraphAnswer",
    "SubgraphClient",
    "SubgraphError",
    "SubgraphRequest",
    "SupergraphInvalid",
]

_HOMES: Final = {
    "router.app": ("Router", "RouterOptions"),
    "router.composition.errors": ("CompositionFailed",),
    "router.contracts.contract": ("Contract",),
    "router.errors": ("RouterError", "SettingsInvalid", "SubgraphError", "SupergraphInvalid"),
    "router.execution.answer": ("Answer",),
    "router.execution.client": ("SubgraphAnswer", "SubgraphClient", "SubgraphRequest"),
    "router.loading": ("Subgraph",),
    "router.server.exchange": ("Exchange", "Run", "Stage"),
    "router.server.identity": ("Identity",),
    "router.server.refusals": ("Refused",),
    "router.settings": ("Settings",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
