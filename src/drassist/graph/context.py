"""What a resolver has at hand: the caller, the database, the bus, and batches of look-ups.

A loader is a plain function from keys to a mapping; ``await info.context.load(by_id, key)`` puts
the key into one batch with all others asked for in the same turn of the loop. Loaded values live
as long as one operation (a mutation forgets them), and not at all in a subscription.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from strawberry.dataloader import DataLoader

from drassist.graph.errors import ClientError
from drassist.runtime.identity import Identity, ScopeSets

__all__ = ["Batch", "Context"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
S = TypeVar("S")
R = TypeVar("R", bound=Any)
"""A row with a ``patient_id``."""

Batch: TypeAlias = Callable[[S, Sequence[K]], Awaitable[Mapping[K, V]]]
"""Loads many at once: ``async def by_id(services, keys) -> {key: value}``; absent means None."""


class Context(Generic[S]):
    """The context of one operation; ``services`` is what the subgraph's ``app.py`` made."""

    def __init__(
        self,
        services: S,
        identity: Identity,
        headers: Mapping[str, str],
        *,
        live: bool = False,
    ) -> None:
        self.services = services
        self.identity = identity
        self.headers = headers
        self.connection_params: Mapping[str, object] | None = None
        self._live = live
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}

    async def load(self, batch: Batch[S, K, V], key: K) -> V | None:
        """Look ``key`` up together with the other keys of this moment."""
        value: V | None = await self._loader(batch).load(key)
        return value

    async def load_many(self, batch: Batch[S, K, V], keys: Sequence[K]) -> list[V]:
        """Look several up; those that are not there are left out."""
        values = await self._loader(batch).load_many(list(keys))
        return [value for value in values if value is not None]

    def prime(self, batch: Batch[S, K, V], key: K, value: V) -> None:
        """Remember a value that was read anyway, so that no batch asks for it again."""
        if not self._live:
            self._loader(batch).prime(key, value)

    def forget(self) -> None:
        """Forget all loaded values: something was changed."""
        for loader in self._loaders.values():
            loader.clear_all()

    def demand(self, scopes: ScopeSets) -> None:
        """Raise FORBIDDEN (or UNAUTHENTICATED) unless the caller holds one of the alternatives."""
        if not self.identity.may(scopes):
            raise self.refusal()

    def visible(self, row: R | None) -> R | None:
        """The row, or None when its chart is closed to the caller: as if it were not."""
        if row is None or not self.identity.may_see_patient(row.patient_id):
            return None
        return row

    def open_chart(self, patient_id: str) -> None:
        """Raise FORBIDDEN (or UNAUTHENTICATED) when the chart is closed to the caller."""
        if not self.identity.may_see_patient(patient_id):
            raise self.refusal()

    def refusal(self) -> ClientError:
        if not self.identity.authenticated:
            return ClientError("UNAUTHENTICATED", "Log in first.")
        return ClientError("FORBIDDEN", "Your role does not allow this.")

    def _loader(self, batch: Batch[S, K, V]) -> DataLoader[K, V | None]:
        loader = self._loaders.get(batch)
        if loader is None:

            async def load(keys: list[K]) -> list[V | None]:
                found = await batch(self.services, list(dict.fromkeys(keys)))
                return [found.get(key) for key in keys]

            loader = self._loaders[batch] = DataLoader(load_fn=load, cache=not self._live)
        return loader
