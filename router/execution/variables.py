"""Variables: checked once per request by functions made once per operation.

Values travel on as the client sent them, for the subgraph that reads them coerces them itself;
defaults of absent variables are added (GraphQL spec, section 6.1.2 CoerceVariableValues). Where
a value does not fit, graphql-core words the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    is_input_type,
    type_from_ast,
    value_from_ast_untyped,
)
from graphql.execution.values import get_variable_values

from router.errors import OperationInvalid

__all__ = ["Coercion"]

MAX_ERRORS: Final = 50
_Fits = Callable[[Any], bool]


class Coercion:
    """The variables of one operation; calling it returns the variables to execute with.

    ``conditions`` are those that decide which fields there are: though one may be left out for
    its default, an explicit null decides nothing.
    """

    def __init__(
        self,
        operation: OperationDefinitionNode,
        schema: GraphQLSchema,
        conditions: Container[str] = (),
    ) -> None:
        self._operation = operation
        self._schema = schema
        self._checks: list[tuple[str, _Fits, bool, Any]] = []
        fits = _Checks()
        for node in operation.variable_definitions or ():
            kind = type_from_ast(schema, node.type)
            default = (
                Undefined
                if node.default_value is None
                else value_from_ast_untyped(node.default_value)
            )
            check = fits.of(kind) if is_input_type(kind) else _never
            name = node.variable.name.value
            required = default is Undefined and not check(None)
            if name in conditions:
                check = _is_decided
            self._checks.append((name, check, required, default))

    def __call__(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the declared variables that have a value, or raise OperationInvalid."""
        values: dict[str, Any] = {}
        if not self._checks:
            return values
        given = given or {}
        for name, fits, required, default in self._checks:
            if name in given:
                value = given[name]
                if not fits(value):
                    self._refuse(given, name)
                values[name] = value
            elif default is not Undefined:
                values[name] = default
            elif required:
                self._refuse(given, name)
        return values

    def _refuse(self, given: Mapping[str, Any], name: str) -> None:
        result = get_variable_values(
            self._schema,
            tuple(self._operation.variable_definitions or ()),
            dict(given),
            max_errors=MAX_ERRORS,
        )
        if isinstance(result, list):
            raise OperationInvalid(
                [dict(error.formatted) for error in result], code="BAD_USER_INPUT"
            )
        if given.get(name, Undefined) is None:
            message = f"Variable '${name}' decides a condition: it must not be null."
            raise OperationInvalid([{"message": message}], code="BAD_USER_INPUT")
        # stricter here than there is a defect, but no reason to let the value through


class _Checks:
    """Makes checks, one per type; input objects may refer to themselves."""

    def __init__(self) -> None:
        self._objects: dict[str, _Fits] = {}

    def of(self, kind: GraphQLInputType) -> _Fits:
        if isinstance(kind, GraphQLNonNull):
            inner = self.of(kind.of_type)
            return lambda value: value is not None and inner(value)
        if isinstance(kind, GraphQLList):
            item = self.of(kind.of_type)
            return lambda value: (
                value is None or (all(map(item, value)) if isinstance(value, list) else item(value))
            )
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind)
        if isinstance(kind, GraphQLEnumType):
            names = frozenset(kind.values)
            return lambda value: value is None or (isinstance(value, str) and value in names)
        return _SCALARS.get(kind.name) or _custom(kind)

    def _object(self, kind: GraphQLInputObjectType) -> _Fits:
        known = self._objects.get(kind.name)
        if known is not None:
            return known
        fields: dict[str, tuple[_Fits, bool]] = {}

        def fits(value: Any) -> bool:
            if value is None:
                return True
            if not isinstance(value, dict):
                return False
            for name in value:
                if name not in fields:
                    return False
            for name, (check, optional) in fields.items():
                if name in value:
                    if not check(value[name]):
                        return False
                elif not optional:
                    return False
            return not kind.is_one_of or (
                len(value) == 1 and next(iter(value.values())) is not None
            )

        self._objects[kind.name] = fits
        for name, field in kind.fields.items():
            optional = not isinstance(field.type, GraphQLNonNull) or _has_default(field)
            fields[name] = (self.of(field.type), optional)
        return fits


def _has_default(field: Any) -> bool:
    return field.default_value is not Undefined or getattr(field, "default", None) is not None


def _is_decided(value: Any) -> bool:
    return isinstance(value, bool)


def _never(value: Any) -> bool:
    return False


def _is_int(value: Any) -> bool:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (
        isinstance(value, int)
        and not isinstance(value, bool)
        and -2_147_483_648 <= value <= 2_147_483_647
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _custom(kind: Any) -> _Fits:
    def fits(value: Any) -> bool:
        if value is None:
            return True
        try:
            return kind.parse_value(value) is not Undefined
        except Exception:  # noqa: BLE001  # whatever a scalar's parser raises means "no"
            return False

    return fits


_SCALARS: Final[dict[str, _Fits]] = {
    "String": lambda value: value is None or isinstance(value, str),
    "ID": lambda value: (
        value is None or isinstance(value, str) or (_is_number(value) and float(value).is_integer())
    ),
    "Int": lambda value: value is None or _is_int(value),
    "Float": lambda value: value is None or _is_number(value),
    "Boolean": lambda value: value is None or isinstance(value, bool),
}
