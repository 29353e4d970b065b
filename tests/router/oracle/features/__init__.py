"""What a world may have beyond entities and links: each feature is a function of the maker.

``FEATURES``: those that come before the root fields and those that come after them, each with
its probability.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from ..maker import Maker
from .contexts import contexts
from .federation_1 import federation_1
from .hiding import hidden_fields, hidden_members, hidden_values
from .inputs import enum_inputs, input_objects
from .overrides import overrides
from .provides import provides
from .requires import requires
from .shared import deep_values
from .variance import variance

__all__ = ["FEATURES"]

Feature: TypeAlias = Callable[[Maker], None]

FEATURES: Final[tuple[list[tuple[Feature, float]], list[tuple[Feature, float]]]] = (
    [
        (deep_values, 0.2),
        (overrides, 0.3),
        (requires, 0.7),
        (contexts, 0.2),
        (hidden_members, 0.15),
    ],
    [
        (provides, 0.45),
        (variance, 0.25),
        (input_objects, 0.25),
        (enum_inputs, 0.2),
        (hidden_fields, 0.2),
        (hidden_values, 0.15),
        (federation_1, 0.25),
    ],
)
