"""One operation through the real planner and executor, and on one merged schema."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
from graphql import (
    GraphQLError,
    execute_sync,
    parse,
)

from router.execution import (
    CompiledOperation,
    ExecutionOptions,
    SubgraphClient,
    compile_operation,
    execute_incrementally,
)
from router.planning.plan import Plan
from tests.router.execution.wired import DICTIONARIES, PLAIN, TYPED, wired

from .blame import astray, is_silent, misplaced
from .features.overrides import LABEL
from .federation import Federation
from .incremental import assembled
from .one_schema import type_of
from .operations import random_operation
from .soundness import unsound
from .subgraph import EVENTS
from .transports import Stream, in_process, over_http
from .truth import Obj

__all__ = ["Case", "random_cases"]


@dataclass
class Case:
    """One valid operation on one federation, and what both sides answered."""

    federation: Federation
    operation: str
    variables: Mapping[str, Any]
    labels: frozenset[str] = frozenset()
    plan: Plan | None = None
    errors: list[Any] = field(default_factory=list)
    _compiled: dict[ExecutionOptions, CompiledOperation] = field(default_factory=dict)

    @classmethod
    def random(cls, rng: Random, federation: Federation) -> Case:
        kinds = ["query"] * 6
        kinds += ["mutation"] * (federation.oracle.mutation_type is not None) * 2
        kinds += ["subscription"] * (federation.oracle.subscription_type is not None) * 2
        kind = rng.choice(kinds)
        defer = kind == "query" and rng.random() < 0.15
        operation, variables = random_operation(
            rng,
            federation.supergraph.operation_schema,
            kind,
            defer=defer,
            favoured=federation.world.moved,
        )
        labels = frozenset([LABEL] if rng.random() < 0.5 else [])
        return cls(federation, operation, variables, labels)

    def oracle(
        self, root: Obj | None = None, types: dict[tuple[Any, ...], Any] | None = None
    ) -> tuple[Any, list[GraphQLError]]:
        """Return the data that the merged schema answers with, and its errors.

        ``types`` takes the type of every field by its path.
        """
        truth = self.federation.truth
        whole = re.sub(r"@defer(\s*\([^)]*\))?", "", self.operation)
        truth.types = types
        result = execute_sync(
            self.federation.oracle,
            parse(whole),
            root,
            variable_values={k: v for k, v in self.variables.items() if f"${k}" in whole},
            type_resolver=lambda obj, *_: type_of(truth, obj),
        )
        truth.types = None
        return result.data, list(result.errors or ())

    @property
    def is_subscription(self) -> bool:
        """Whether there is an answer for each of several events."""
        return self.operation.startswith("subscription")

    def compiled(self, options: ExecutionOptions = DICTIONARIES) -> CompiledOperation:
        """Return the operation planned and compiled."""
        found = self._compiled.get(options)
        if found is None:
            supergraph = self.federation.supergraph
            document = parse(self.operation)
            self.plan = self.federation.planner.plan(document, labels=self.labels)
            found = self._compiled[options] = compile_operation(
                self.plan,
                document,
                None,
                supergraph.api_schema,
                supergraph,
                options=options,
            )
        return found

    async def answers(
        self,
        clients: Mapping[str, SubgraphClient],
        options: ExecutionOptions = DICTIONARIES,
    ) -> AsyncIterator[bytes]:
        """Yield the bodies of the answer or, for a subscription, of its events."""
        operation = self.compiled(options)
        variables = operation.coerce(self.variables)
        if self.is_subscription:
            async for event in operation.subscribe(variables, clients):
                yield event.body
        else:
            answer = await operation.execute(variables, clients)
            yield answer.body

    async def bodies(self, clients: Mapping[str, SubgraphClient] | None = None) -> list[bytes]:
        """Return what generated code answers; with typed objects and plainly it is the same."""
        self.label_clients()
        clients = clients or self.federation.clients
        bodies = [each async for each in self.answers(clients)]
        typed = [each async for each in self.answers(wired(clients), TYPED)]
        assert bodies == typed, self.explain(f"generated: {bodies!r}\ntyped: {typed!r}")
        plain = [each async for each in self.answers(clients, PLAIN)]
        assert bodies == plain, self.explain(f"generated: {bodies!r}\nplain: {plain!r}")
        for body in bodies:
            found = orjson.loads(body)
            assert not astray(found), self.explain(f"{found}\nastray: {astray(found)}")
        return bodies

    def label_clients(self) -> None:
        """Let the subgraphs know which labels are active in this request."""
        for client in self.federation.clients.values():
            client.labels = self.labels

    async def check_transports(self) -> None:
        """Expect the same answer whatever lies between the router and its subgraphs.

        Over HTTP the subgraphs are trusted too: where their bytes are the answer, they pass.
        """
        expected = await self.bodies()
        found = await self.bodies(in_process(self.federation))
        assert found == expected, self.explain(f"in process: {found}\nexpected: {expected}")
        trusting = ExecutionOptions(trusted=frozenset(self.federation.clients))
        for stream in Stream:
            async with over_http(self.federation, stream) as clients:
                found = await self.bodies(clients)
                assert found == expected, self.explain(f"over HTTP: {found}\nexpected: {expected}")
                passed = [
                    orjson.dumps(orjson.loads(each))
                    async for each in self.answers(clients, trusting)
                ]
                assert passed == expected, self.explain(f"passed: {passed}\nexpected: {expected}")
            if not self.is_subscription:
                return

    async def check(self) -> None:
        """Compare bytes: values, and the order of keys as the client wrote them."""
        try:
            await self._check()
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(self.explain(f"broke: {error!r}")) from error

    async def _check(self) -> None:
        truth = self.federation.truth
        truth.calls.clear()
        bodies = await self.bodies()
        called = list(truth.calls)
        roots: Sequence[Obj | None] = [None]
        if self.is_subscription and self.compiled().plan.fetches:
            roots = [Obj("Subscription", f"event-{number}") for number in range(EVENTS)]
        if truth.loses:
            for body, root in zip(bodies, roots, strict=True):
                self._check_soundness(orjson.loads(body), root)
            return
        truth.calls.clear()
        expected = [self.oracle(root) for root in roots]
        self.compare(bodies, expected)
        # each of the three forms has called them
        assert called == truth.calls * 3, self.explain(f"called: {called}\noracle: {truth.calls}")
        if self.compiled().is_incremental:
            await self._check_increments(*expected[0])

    def _check_soundness(self, found: dict[str, Any], root: Obj | None) -> None:
        """Expect the truth with nulls in it, none where the client's schema allows none."""
        types: dict[tuple[Any, ...], Any] = {}
        expected, _ = self.oracle(root, types)
        said = f"federated: {found}\noracle: {expected}"
        if found["data"] is None or expected is None:
            assert found["data"] == expected or found.get("errors"), self.explain(said)
            return
        wrong = unsound(expected, found["data"], (), types)
        assert wrong is None, self.explain(f"{said}\nat {wrong}")

    def compare(self, bodies: list[bytes], expected: list[tuple[Any, list[GraphQLError]]]) -> None:
        """Expect the oracle's data, and its errors, each at its place."""
        assert len(bodies) == len(expected), self.explain(f"{bodies!r}")
        for body, (data, errors) in zip(bodies, expected, strict=True):
            found = orjson.loads(body)
            said = f"federated: {found}\noracle:    {{'data': {data}}} {errors}"
            assert orjson.dumps(found["data"]) == orjson.dumps(data), self.explain(said)
            told = not all(map(is_silent, errors))
            assert told <= ("errors" in found) <= bool(errors), self.explain(said)
            wrong = misplaced(
                found.get("errors", ()), errors, data, in_parts=self.compiled().is_incremental
            )
            assert wrong is None, self.explain(f"{said}\nat {wrong}")

    async def _check_increments(self, data: Any, errors: list[str]) -> None:
        for legacy in (False, True):
            operation = self.compiled()
            payloads = [
                orjson.loads(each.body)
                async for each in execute_incrementally(
                    operation,
                    operation.coerce(self.variables),
                    self.federation.clients,
                    legacy=legacy,
                )
            ]
            if errors:
                continue  # where a null stops depends on which part it belongs to
            found = assembled(payloads)
            assert found == data, self.explain(f"payloads: {payloads}\noracle: {data}")

    def explain(self, said: str) -> str:
        """Return all one needs to find the first stage that goes wrong."""
        fetches = "\n".join(map(str, self.plan.fetches)) if self.plan else "no plan"
        return (
            f"{self.federation.world.source()}\n\n{self.operation}\n{dict(self.variables)} "
            f"{set(self.labels)}\n\n{fetches}\n\n{said}"
        )


def random_cases(seed: int, count: int) -> tuple[Random, list[Case]]:
    """Return the random choices of a seed, and operations on its first federation."""
    rng = Random(seed)
    federation = None
    while federation is None:
        federation = Federation.random(rng)
    return rng, [Case.random(rng, federation) for _ in range(count)]
