"""The router over our subgraphs, wherever they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drassist.app.identity import router_issuers
from drassist.app.local import LocalClient
from drassist.app.page import graphiql
from drassist.app.subgraphs import RunningSubgraph
from drassist.runtime.settings import Settings
from router import Router, Subgraph
from router.settings import (
    ApqSettings,
    ClientMatching,
    CorsSettings,
    ErrorSettings,
    HeaderSettings,
    HttpSettings,
    IdempotencySettings,
    RateSettings,
    SubscriptionSettings,
)
from router.settings import Settings as RouterSettings

__all__ = ["create_gateway", "router_settings"]

FORWARDED: Final = (
    "authorization",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-client-name",
    "x-device-id",
    "x-purpose-of-use",
)


def create_gateway(
    settings: Settings, local: Mapping[str, RunningSubgraph] | None = None
) -> Router:
    """The router for subgraphs of this process (``local``) or of the URLs in the settings."""
    if local:
        subgraphs = {
            name: Subgraph(sdl=subgraph.sdl(), client=LocalClient(subgraph))
            for name, subgraph in local.items()
        }
    else:
        subgraphs = {name: Subgraph(url=url) for name, url in settings.gateway.subgraphs.items()}
    contracts = settings.gateway.clients
    router = Router.from_subgraphs(
        subgraphs,
        settings=router_settings(settings),
        contracts_dir=contracts if contracts.is_dir() else None,
        page=lambda scope, receive, send: page(scope, receive, send),
    )
    page = graphiql(settings, router)
    return router


def router_settings(settings: Settings) -> RouterSettings:
    """Our settings in the router's words."""
    redis_url = settings.gateway.redis_url
    origins = settings.server.allowed_origins
    own = (f"http://{settings.server.host}:{settings.server.port}",)
    return RouterSettings(
        http=HttpSettings(cors=CorsSettings(origins=origins)),
        headers=HeaderSettings(forward=FORWARDED),
        jwt=router_issuers(settings),
        clients=ClientMatching(default=None),
        errors=ErrorSettings(mask=settings.environment == "production", codes=("*",)),
        apq=ApqSettings(redis_url=redis_url),
        idempotency=IdempotencySettings(redis_url=redis_url),
        rate=RateSettings(redis_url=redis_url),
        subscriptions=SubscriptionSettings(origins=(*own, *origins), redis_url=redis_url),
        introspection=settings.environment != "production",
    )
