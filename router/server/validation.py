"""A document against its client's own schema: the rules of the specification, within a budget.

Fields of one response name are compared in pairs, so that a short document can ask for millions of
comparisons. While they are made nobody is answered: the work has a limit, like everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationRule, ValidationRule

from router.contracts.limits import LimitExceeded
from router.errors import OperationInvalid
from router.server.generation import Client

__all__ = ["validate_document"]

_MAX_ERRORS: Final = 20
_ABORTED: Final = "Validation aborted."
"""What graphql-core says when a budget of its rules is used up."""
_UNITS: Final = 2
"""What graphql-core counts for one comparison."""


def validate_document(
    client: Client, document: DocumentNode, *, introspection: bool, comparisons: int
) -> None:
    """Validate against the client's own schema; names of hidden elements cannot occur.

    Raises OperationInvalid, or LimitExceeded where it takes more than so many comparisons.
    """
    visible = introspection and client.contract.introspection
    try:
        errors = validate(
            client.schema,
            document,
            _rules(visible, comparisons),
            max_errors=_MAX_ERRORS,
            hide_suggestions=not visible,
            allow_empty_selection_sets=False,
        )
    except GraphQLError as error:
        errors = [error]
    except RecursionError as error:
        raise LimitExceeded("The document is nested too deeply.", code="MAX_DEPTH_LIMIT") from error
    if any(error.message == _ABORTED for error in errors):
        raise LimitExceeded(
            "The document takes too long to validate: it selects fields of one name, or spreads "
            "fragments, too often. Select each once.",
            code="MAX_VALIDATION_WORK_LIMIT",
        )
    if errors:
        raise OperationInvalid([dict(error.formatted) for error in errors])


@lru_cache(maxsize=8)
def _rules(visible: bool, comparisons: int) -> Sequence[type[ASTValidationRule]]:
    class Overlaps(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = _UNITS * comparisons

    rules = [
        Overlaps if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules
    ]
    return rules if visible else [*rules, NoIntrospection]


class NoIntrospection(ValidationRule):
    """``__schema`` and ``__type`` are refused; ``__typename`` is not introspection."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Report a field of the introspection system."""
        if node.name.value in {"__schema", "__type"}:
            self.report_error(
                GraphQLError(
                    "Introspection is off for this client.",
                    node,
                    extensions={"code": "INTROSPECTION_DISABLED"},
                )
            )
