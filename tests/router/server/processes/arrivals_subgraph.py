"""A subgraph whose events and whose count of loans are in Redis; uvicorn runs it as a process.

``ARRIVALS_REDIS`` is the URL of its Redis.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import strawberry
from redis.asyncio import Redis
from strawberry.asgi import GraphQL

REDIS = Redis.from_url(os.environ["ARRIVALS_REDIS"])


@strawberry.type
class Book:
    """What arrives."""

    title: str


@strawberry.type
class Query:
    """What may be asked."""

    @strawberry.field
    async def book(self, title: str = "Emma", delay: float = 0.0) -> Book:
        await asyncio.sleep(delay)
        return Book(title=title)


@strawberry.type
class Mutation:
    """What may be done."""

    @strawberry.mutation
    async def lend(self, delay: float = 0.0) -> int:
        await asyncio.sleep(delay)
        return int(await REDIS.incr("loans"))

    @strawberry.mutation
    async def announce(self, title: str) -> int:
        return int(await REDIS.publish("arrivals", title))


@strawberry.type
class Subscription:
    """What may be listened to."""

    @strawberry.subscription
    async def arrivals(self) -> AsyncGenerator[Book, None]:
        async with REDIS.pubsub() as channel:
            await channel.subscribe("arrivals")
            async for message in channel.listen():
                if message["type"] == "message":
                    yield Book(title=message["data"].decode())


schema = strawberry.federation.Schema(Query, Mutation, Subscription)
app = GraphQL[None, None](schema)
