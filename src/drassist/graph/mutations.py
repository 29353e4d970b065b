"""Declaring mutations: what the business refuses becomes part of the payload.

``DomainError``, ``VersionConflict`` and ``InvalidValue`` become the payload's errors; anything else
stays an error of the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import strawberry
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension

from drassist.clinical import InvalidValue
from drassist.graph.errors import DomainError, ErrorCode, UserError
from drassist.runtime.database import VersionConflict
from drassist.runtime.identity import ScopeSets

__all__ = ["mutation"]

F = TypeVar("F", bound=Callable[..., Any])

# Strawberry's overloads cannot say "whatever else"; ours can
_mutation: Any = strawberry.federation.mutation


def mutation(
    description: str,
    *,
    scopes: ScopeSets | None = None,
    clients: Sequence[str] = (),
    tags: Sequence[str] = (),
    **options: Any,
) -> Callable[[F], F]:
    """A mutation: an async method that returns a :class:`~drassist.graph.errors.Payload`.

    ``DomainError``, ``VersionConflict`` and ``InvalidValue`` become the payload's errors.
    """

    def decorate(function: F) -> F:
        declared = _mutation(
            resolver=function,
            description=description,
            tags=[*clients, *tags],
            extensions=[_UserErrors()],
            **({"requires_scopes": [list(s) for s in scopes]} if scopes else {}),
            **options,
        )
        return cast("F", declared)

    return decorate


class _UserErrors(FieldExtension):
    """Turns what the business raises into the payload that the mutation declares."""

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: Any, **kwargs: Any
    ) -> Any:
        try:
            return await next_(source, info, **kwargs)
        except DomainError as error:
            return _payload(info, [_user_error(error)], error.payload)
        except VersionConflict:
            stale = DomainError(
                ErrorCode.VERSION_CONFLICT,
                "It was changed meanwhile: read it again, then decide.",
                "expectedVersion",
            )
            return _payload(info, [_user_error(stale)], {})
        except InvalidValue as error:
            wrong = DomainError(ErrorCode.VALIDATION_FAILED, str(error), *error.field)
            return _payload(info, [_user_error(wrong)], {})
        finally:
            info.context.forget()


def _user_error(error: DomainError) -> UserError:
    return UserError(code=error.code, message=error.message, field=error.field)


def _payload(info: Any, errors: Sequence[UserError], fields: Mapping[str, Any]) -> Any:
    return info.return_type(errors=list(errors), **fields)
