"""Is this resource FHIR R4? Shapes by ``fhir.resources`` (its R4B), which agrees with R4 here.

The library's root package is R5 and refuses a quarter of real R4; R4B parses all of it. It does
not look at required codes: the mappings' rows do.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from drassist.fhir.codec import Resource

__all__ = ["faults"]

_MOST = 5


def faults(resource: Resource) -> tuple[str, ...]:
    """Return what is wrong with a resource, as "path: kind of fault", free of its values."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        return ("resourceType: missing",)
    model = _model(kind)
    if model is None:
        return (f"{kind[:64]}: no resource type of R4",)
    try:
        model.model_validate(resource)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return tuple(f"{_path(kind, item['loc'])}: {item['type']}" for item in found[:_MOST])
    except (ValueError, TypeError, AttributeError, KeyError):
        # the library's own validators trip over some malformed shapes
        return (f"{kind}: malformed",)
    return ()


@lru_cache(maxsize=256)
def _model(kind: str) -> type[BaseModel] | None:
    try:
        model: Any = get_fhir_model_class(kind)
    except (KeyError, ImportError, AttributeError, LookupError):
        return None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _path(kind: str, location: tuple[int | str, ...]) -> str:
    steps = [str(step) for step in location if str(step).isidentifier()]
    return ".".join((kind, *steps))
