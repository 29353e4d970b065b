"""From a document's text to something that runs: parsed, limited, validated, planned, compiled.

The result depends on the client, the text and the operation name alone, so it is kept in an LRU
cache; the hot path is one dictionary look-up. What a caller may not see and which override
labels are on give further plans of the same operation, kept beside it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
)
from msgspec import Struct, field

from router.contracts.limits import LimitExceeded, check_shape
from router.errors import OperationInvalid
from router.execution import CompiledOperation, ExecutionOptions, compile_operation
from router.planning.plan import OperationKind, Plan
from router.server.deferral import in_one, questions, without
from router.server.generation import Client, Generation
from router.server.rights import MARK, Need, cut, marked
from router.server.validation import validate_document
from router.settings import RequestLimits

__all__ = ["Form", "Operation", "Operations"]

_KINDS: Final = {
    OperationType.QUERY: OperationKind.QUERY,
    OperationType.MUTATION: OperationKind.MUTATION,
    OperationType.SUBSCRIPTION: OperationKind.SUBSCRIPTION,
}


class Operation(Struct):
    """A valid operation of one client in one generation.

    ``needs`` are the rights it demands, ``defaults`` the defaults of its Boolean variables where its
    form depends on them. ``questions``
    are the variables that decide what of it is deferred, or None where nothing is. ``compiled``
    holds its runnable forms.
    """

    generation: Generation
    client: Client
    text: str
    name: str | None
    kind: OperationKind
    document: DocumentNode
    node: OperationDefinitionNode
    needs: tuple[Need, ...]
    policies: frozenset[str]
    defaults: Mapping[str, bool]
    questions: frozenset[str] | None
    compiled: dict[Form, tuple[Plan, CompiledOperation]] = field(default_factory=dict)

    @property
    def defers(self) -> bool:
        """Whether parts of it may be answered apart."""
        return self.questions is not None

    def together(self, variables: Mapping[str, Any]) -> frozenset[str]:
        """The variables for whose sake nothing is deferred where they have these values."""
        return frozenset(name for name in self.questions or () if variables.get(name) is not True)

    def form(
        self, denied: frozenset[str], labels: frozenset[str], together: frozenset[str] | None
    ) -> Form:
        """The form without what is denied, planned under these override labels.

        ``together``: of an answer in parts, the variables for whose sake parts come with others;
        None: it comes whole. Parts that nobody waits for apart would only cost requests.
        """
        return denied, labels, together if self.defers else None

    def runnable(self, form: Form | None = None) -> tuple[Plan, CompiledOperation]:
        """A form, planned and compiled; the plainest one if none is named.

        Raises :class:`~router.errors.NoPlan`.
        """
        form = form or (_NOTHING, _NOTHING, None)
        return self.compiled.get(form) or self.keep(form, self.compile(form))

    def keep(
        self, form: Form, compiled: tuple[Plan, CompiledOperation]
    ) -> tuple[Plan, CompiledOperation]:
        """Remember a form."""
        if len(self.compiled) >= _MOST_FORMS:
            self.compiled.pop(next(iter(self.compiled)))
        self.compiled[form] = compiled
        return compiled

    def compile(self, form: Form) -> tuple[Plan, CompiledOperation]:
        """Plan and compile a form, which may take long; changes nothing."""
        denied, labels, together = form
        asked = self._asked(denied)
        if self.defers:
            asked = in_one(asked) if together is None else without(asked, together)
        document: DocumentNode | None = asked
        if denied:
            document = cut(self.client.schema, asked, select_operation(asked, self.name), denied)
        plan = (
            Plan(kind=self.kind, fetches=())
            if document is None
            else self.generation.planner.plan(document, self.name, labels=labels)
        )
        # the client's own document is completed, so what was cut out appears as null
        compiled = compile_operation(
            plan,
            asked,
            self.name,
            self.client.schema,
            self.generation.supergraph,
            options=ExecutionOptions(trusted=self.generation.trusted),
        )
        return plan, compiled

    def _asked(self, denied: frozenset[str]) -> DocumentNode:
        """The client's document, with types marked where a denial depends on them.

        Not with ``@defer``: there denials are told before the data is known.
        """
        depends = any(need.ambiguous and need.coordinate in denied for need in self.needs)
        if depends and not self.defers and MARK not in self.text:
            return marked(self.client.schema, self.document)
        return self.document


Form: TypeAlias = tuple[frozenset[str], frozenset[str], frozenset[str] | None]
"""What is denied, the active override labels, and what comes together of an answer in parts."""

_NOTHING: Final[frozenset[str]] = frozenset()

_MOST_FORMS: Final = 64
"""Forms of one operation kept at a time: callers' rights and labels give few in practice."""


class Operations:
    """The cache of operations of one generation, least recently used out first."""

    def __init__(
        self,
        generation: Generation,
        size: int,
        limits: RequestLimits,
        *,
        introspection: bool = True,
    ) -> None:
        self.generation = generation
        self.size = size
        self.limits = limits
        self.introspection = introspection
        self._known: OrderedDict[tuple[str, str, str | None], Operation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def known(self, client: Client, text: str, name: str | None) -> Operation | None:
        """The operation where it was built before; it counts as used."""
        key = (client.contract.name, text, name)
        operation = self._known.get(key)
        if operation is not None:
            self._known.move_to_end(key)
        return operation

    def get(self, client: Client, text: str, name: str | None) -> Operation:
        """The operation ``name`` of the document ``text`` as ``client`` sees it.

        Raises :class:`~router.errors.OperationInvalid` (parse, validation, unknown name) or
        :class:`~router.contracts.limits.LimitExceeded`.
        """
        return self.known(client, text, name) or self.keep(name, self.build(client, text, name))

    def keep(self, name: str | None, operation: Operation) -> Operation:
        """Remember an operation under the name that was asked for."""
        self._known[operation.client.contract.name, operation.text, name] = operation
        if len(self._known) > self.size:
            self._known.popitem(last=False)
        return operation

    def build(self, client: Client, text: str, name: str | None) -> Operation:
        """Do what :meth:`get` does for an operation that is not known, which may take long.

        Changes nothing.
        """
        tokens = client.contract.limits.tokens or self.limits.document_tokens
        document = parse_document(text, tokens)
        node = select_operation(document, name)
        check_shape(document, node, client.contract.limits)
        try:
            self._validate(client, document)
        except OperationInvalid:  # said once more, with the places
            self._validate(client, parse_document(text, tokens, places=True))
            raise
        chosen = _only(document, node)
        needs = self.generation.rights.needs(client.schema, chosen, node)
        asked = questions(chosen) if "@defer" in text else None
        return Operation(
            generation=self.generation,
            client=client,
            text=text,
            name=node.name.value if node.name else None,
            kind=_KINDS[node.operation],
            document=chosen,
            node=node,
            needs=needs,
            policies=frozenset(
                policy
                for need in needs
                for demand in need.demands
                for policy in demand.policy_names()
            ),
            defaults=_boolean_defaults(node) if needs or asked else {},
            questions=asked,
        )

    def _validate(self, client: Client, document: DocumentNode) -> None:
        most = self.limits.document_comparisons
        validate_document(client, document, introspection=self.introspection, comparisons=most)


def parse_document(text: str, tokens: int, *, places: bool = False) -> DocumentNode:
    """Parse at most ``tokens`` tokens; a syntax error is an :class:`OperationInvalid`.

    ``places``: nodes know where they stand. They then hold all tokens, in cycles that only a full
    garbage collection frees: not for a document that is kept.
    """
    try:
        return parse(
            text, no_location=not places, max_tokens=tokens, allow_empty_selection_sets=False
        )
    except GraphQLSyntaxError as error:
        if "more than" in error.message and "tokens" in error.message:
            raise LimitExceeded(
                f"The document has more than {tokens} tokens.", code="MAX_TOKENS_LIMIT"
            ) from error
        raise OperationInvalid([dict(error.formatted)], code="GRAPHQL_PARSE_FAILED") from error
    except RecursionError as error:
        raise LimitExceeded("The document is nested too deeply.", code="MAX_DEPTH_LIMIT") from error


def select_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to run (GraphQL spec, GetOperation)."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name is None:
        if len(operations) == 1:
            return operations[0]
        message = (
            "The document holds several operations: send operationName."
            if operations
            else "The document holds no operation."
        )
        raise _unknown(message)
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    raise _unknown(f"The document holds no operation named {name!r}.")


def _only(document: DocumentNode, node: OperationDefinitionNode) -> DocumentNode:
    """The document without its other operations."""
    fragments = tuple(d for d in document.definitions if isinstance(d, FragmentDefinitionNode))
    return DocumentNode(definitions=(node, *fragments))


def _boolean_defaults(node: OperationDefinitionNode) -> dict[str, bool]:
    return {
        definition.variable.name.value: definition.default_value.value
        for definition in node.variable_definitions or ()
        if isinstance(definition.default_value, BooleanValueNode)
    }


def _unknown(message: str) -> OperationInvalid:
    return OperationInvalid([{"message": message}], code="OPERATION_RESOLUTION_FAILURE")
