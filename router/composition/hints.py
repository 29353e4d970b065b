"""Hints: what composes, but deserves a second look; the catalogue of their codes.

``WARN``: probably not what its authors meant. ``INFO``: worth knowing. ``DEBUG``: harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

__all__ = ["HINT_CODES", "Hint", "HintCode", "HintLevel"]


class HintLevel(Enum):
    """How much attention a hint deserves."""

    WARN = "WARN"
    INFO = "INFO"
    DEBUG = "DEBUG"


class HintCode(Struct, frozen=True):
    """An entry of the catalogue."""

    level: HintLevel
    meaning: str


class Hint(Struct, frozen=True):
    """One finding; ``coordinate`` is the schema coordinate it is about, where there is one."""

    code: str
    message: str
    coordinate: str | None = None

    def __post_init__(self) -> None:
        if self.code not in HINT_CODES:
            raise ValueError(f"{self.code} is not in the catalogue of composition hints")

    @property
    def level(self) -> HintLevel:
        return HINT_CODES[self.code].level

    def to_json(self) -> dict[str, Any]:
        """Return ``{code, level, message, coordinate}``."""
        return {
            "code": self.code,
            "level": self.level.value,
            "message": self.message,
            "coordinate": self.coordinate,
        }


def _warn(meaning: str) -> HintCode:
    return HintCode(HintLevel.WARN, meaning)


def _info(meaning: str) -> HintCode:
    return HintCode(HintLevel.INFO, meaning)


def _debug(meaning: str) -> HintCode:
    return HintCode(HintLevel.DEBUG, meaning)


HINT_CODES: Final[Mapping[str, HintCode]] = MappingProxyType(
    {
        # types and values that differ
        "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE": _info(
            "A field has different types, one of which covers the others."
        ),
        "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE": _info(
            "An argument has different types, one of which fits the others."
        ),
        "INCONSISTENT_DEFAULT_VALUE_PRESENCE": _warn(
            "A default is dropped, because some subgraphs have none."
        ),
        "INCONSISTENT_DESCRIPTION": _warn(
            "An element is described in different words; the most frequent are kept."
        ),
        # elements that some subgraphs lack
        "INCONSISTENT_ENTITY": _info("A type has a key in some subgraphs only."),
        "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD": _debug(
            "A field of an object without key is not in every subgraph that has the object."
        ),
        "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD": _debug(
            "A field of an interface without key is not in every subgraph that has it."
        ),
        "INCONSISTENT_INPUT_OBJECT_FIELD": _warn(
            "An input field is dropped, because some subgraphs lack it."
        ),
        "INCONSISTENT_UNION_MEMBER": _debug(
            "A union member is not in every subgraph that has the union."
        ),
        "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM": _warn(
            "A value of an input enum is dropped, because some subgraphs lack it."
        ),
        "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM": _debug(
            "A value of an output enum is not in every subgraph that has the enum."
        ),
        "UNUSED_ENUM_TYPE": _debug("An enum is used by no field and no argument."),
        "INCONSISTENT_ARGUMENT_PRESENCE": _warn(
            "An optional argument is dropped, because some subgraphs lack it."
        ),
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS": _info(
            "An argument is removed: it comes from a context in another subgraph."
        ),
        # executable directives
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE": _warn(
            "An executable directive is dropped, because some subgraphs lack it."
        ),
        "NO_EXECUTABLE_DIRECTIVE_INTERSECTION": _warn(
            "An executable directive is dropped: it has no location common to all subgraphs."
        ),
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE": _warn(
            "An executable directive is repeatable in some subgraphs only."
        ),
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS": _warn(
            "An executable directive has different locations; the common ones are kept."
        ),
        # overrides
        "FROM_SUBGRAPH_DOES_NOT_EXIST": _warn("An override names a subgraph that does not exist."),
        "OVERRIDDEN_FIELD_CAN_BE_REMOVED": _info("A field is overridden elsewhere."),
        "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED": _info("An override overrides nothing any more."),
        "OVERRIDE_MIGRATION_IN_PROGRESS": _info("A field is being overridden progressively."),
        # directives
        "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS": _warn(
            "A directive is applied with different arguments; the most frequent are kept."
        ),
        "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS": _info(
            "A directive is applied with different arguments, which are merged."
        ),
        "DIRECTIVE_COMPOSITION_INFO": _info("Something to know about a composed directive."),
        "DIRECTIVE_COMPOSITION_WARN": _warn("A composed directive is not taken everywhere."),
        # the whole
        "IMPLICITLY_UPGRADED_FEDERATION_VERSION": _info(
            "A linked feature needs a newer federation than the subgraph links."
        ),
        "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN": _warn(
            "A shared field can give different types in different subgraphs."
        ),
    }
)
"""Every code a :class:`Hint` may have, with its level and one line of meaning."""
