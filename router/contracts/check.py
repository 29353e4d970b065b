"""What a schema means for every client: do its persisted operations still hold?

Each operation of each client is validated against the client's own schema, current and proposed.
The report says what a change breaks, for which client and app version, before it ships.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from graphql import (
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    print_schema,
    validate,
)
from msgspec import Struct

from router.contracts.annotations import annotations_of
from router.contracts.contract import Contract
from router.contracts.filter import filter_schema, with_defer
from router.contracts.limits import LimitExceeded, check_shape, page_sizes
from router.contracts.persisted import PersistedOperation, load_persisted
from router.errors import RouterError
from router.supergraph import Supergraph

__all__ = ["Finding", "Report", "check_contracts", "client_schema", "export_schemas"]


class Finding(Struct, frozen=True):
    """One operation (or the contract itself, ``operation`` None) that does not hold.

    ``schema`` is ``current`` or ``proposed``; ``sources`` the file it comes from.
    """

    client: str
    version: str | None
    operation: str | None
    schema: str
    message: str
    source: str = ""

    def text(self) -> str:
        """The finding as a sentence."""
        who = self.client if self.version is None else f"{self.client} {self.version}"
        what = f"operation {self.operation}" if self.operation else "contract"
        place = f" ({self.source})" if self.source else ""
        return f"{who}: {what}{place}: {self.message}"


class Report(Struct, frozen=True):
    """``broken`` holds today; ``breaks`` is what the proposed schema would newly break."""

    operations: int
    broken: tuple[Finding, ...]
    breaks: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every client can go on."""
        return not self.broken and not self.breaks

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "ok": self.ok,
            "operations": self.operations,
            "broken": [_json(finding) for finding in self.broken],
            "breaks": [_json(finding) for finding in self.breaks],
        }


def check_contracts(
    contracts: Iterable[Contract], current: Supergraph, proposed: Supergraph | None = None
) -> Report:
    """Validate every persisted operation of every client against one or two schemas."""
    operations = 0
    broken: list[Finding] = []
    breaks: list[Finding] = []
    for contract in contracts:
        persisted = _served(contract)
        operations += len(persisted)
        now = _check(contract, persisted, current, "current")
        broken.extend(now)
        if proposed is not None:
            known = {(finding.version, finding.operation, finding.message) for finding in now}
            breaks.extend(
                finding
                for finding in _check(contract, persisted, proposed, "proposed")
                if (finding.version, finding.operation, finding.message) not in known
            )
    return Report(operations, tuple(broken), tuple(breaks))


def client_schema(contract: Contract, supergraph: Supergraph) -> GraphQLSchema:
    """The schema that ``contract`` shows of ``supergraph``."""
    tags = annotations_of(parse(supergraph.sdl, no_location=True)).tags()
    return filter_schema(with_defer(supergraph.api_schema), tags, contract.tags, contract.name)


def export_schemas(contracts: Iterable[Contract], supergraph: Supergraph) -> dict[str, str]:
    """The SDL of every client by name, as committed to ``schema/clients/<name>.graphql``."""
    return {
        contract.name: print_schema(client_schema(contract, supergraph)) + "\n"
        for contract in contracts
    }


def _served(contract: Contract) -> tuple[PersistedOperation, ...]:
    """The operations of versions that are still served: an ended one breaks nobody."""
    today = datetime.now(UTC).date()
    ended = {rule.name for rule in contract.versions if rule.sunset and rule.sunset < today}
    return tuple(one for one in load_persisted(contract) if one.version not in ended)


def _check(
    contract: Contract,
    operations: Sequence[PersistedOperation],
    supergraph: Supergraph,
    which: str,
) -> list[Finding]:
    try:
        schema = client_schema(contract, supergraph)
    except RouterError as error:
        return [Finding(contract.name, None, None, which, error.message)]
    findings: list[Finding] = []
    for operation in operations:
        for message in _problems(contract, schema, operation):
            findings.append(
                Finding(
                    contract.name,
                    operation.version,
                    operation.name,
                    which,
                    message,
                    operation.source,
                )
            )
    return findings


def _problems(
    contract: Contract, schema: GraphQLSchema, operation: PersistedOperation
) -> list[str]:
    limits = contract.limits
    try:
        document = parse(operation.text, max_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        return [error.message]
    problems = [error.message for error in validate(schema, document)]
    node = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    try:
        check_shape(document, node, limits)
        if limits.page_size is not None:
            page_sizes(document, {}, limits.page_size)
    except LimitExceeded as error:
        problems.append(error.message)
    return problems


def _json(finding: Finding) -> dict[str, Any]:
    return {
        "client": finding.client,
        "version": finding.version,
        "operation": finding.operation,
        "schema": finding.schema,
        "message": finding.message,
        "source": finding.source,
    }
