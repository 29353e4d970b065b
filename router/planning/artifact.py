"""Persisted operations, planned ahead: one file that a router loads without planning.

The artifact names the supergraph it was planned against by hash: plans for another one would ask
the wrong questions.
Lines are one field each, keys and operations in order, so that a reviewer can diff two artifacts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from graphql import GraphQLError, get_operation_ast, parse, validate
from msgspec import Struct

from router.errors import NoPlan, RouterError, SettingsInvalid
from router.files import parse_json
from router.manifest import read_manifest
from router.planning.plan import Plan
from router.planning.planner import Planner
from router.planning.serialise import dump, load
from router.supergraph import Supergraph

__all__ = ["Artifact", "PlannedOperation", "compile_manifest", "load_artifact", "supergraph_hash"]

_FORMAT: Final = "router-planned-operations"
_VERSION: Final = 1
_MEND: Final = (
    "compile the manifest again (python -m router plan SUPERGRAPH --manifest FILE -o ARTIFACT)"
)


class PlannedOperation(Struct, frozen=True):
    """A persisted operation with its plan."""

    id: str
    name: str | None
    body: str
    plan: Plan


class Artifact(Struct, frozen=True):
    """Planned operations by id, in the manifest's order."""

    supergraph: str
    operations: Mapping[str, PlannedOperation]

    def check(self, supergraph: Supergraph) -> None:
        """Raise SettingsInvalid unless the plans were made for this supergraph."""
        if self.supergraph != supergraph_hash(supergraph):
            raise SettingsInvalid(f"The artifact was planned against another supergraph; {_MEND}.")


def supergraph_hash(supergraph: Supergraph) -> str:
    """What an artifact remembers of the supergraph."""
    return sha256(supergraph.sdl.encode()).hexdigest()


def compile_manifest(manifest: str, planner: Planner, *, source: str = "the manifest") -> str:
    """Plan every operation of a manifest; returns the artifact's text.

    Raises SettingsInvalid with every operation that does not parse, validate or plan.
    """
    planned: list[dict[str, Any]] = []
    problems: list[str] = []
    for key, body in read_manifest(manifest, source).items():
        name: str | None = None
        try:
            document = parse(body)
            operation = get_operation_ast(document)
            name = operation.name.value if operation and operation.name else None
            errors = validate(planner.supergraph.operation_schema, document)
            if errors:
                raise errors[0]
            plan = planner.plan(document)
        except (GraphQLError, RouterError) as error:
            at = ""
            if isinstance(error, GraphQLError) and error.locations:
                at = f" (line {error.locations[0].line} of its text)"
            hint = "" if isinstance(error, NoPlan) else " Mend the operation and try again."
            problems.append(f"operation {name or key!r}{at}: {error.message}{hint}")
            continue
        planned.append({"id": key, "name": name, "body": body, "plan": dump(plan)})
    if problems:
        raise SettingsInvalid(f"{source}: " + "\n".join(problems))
    artifact = {
        "format": _FORMAT,
        "version": _VERSION,
        "supergraph": supergraph_hash(planner.supergraph),
        "operations": planned,
    }
    return json.dumps(artifact, indent=1, ensure_ascii=False) + "\n"


def load_artifact(text: str, *, source: str = "the artifact") -> Artifact:
    """Read what :func:`compile_manifest` wrote; raises SettingsInvalid."""
    data = parse_json(text, source, _MEND)
    if not isinstance(data, dict) or (data.get("format"), data.get("version")) != (
        _FORMAT,
        _VERSION,
    ):
        raise SettingsInvalid(
            f"{source} is no artifact of planned operations (format {_FORMAT}, version {_VERSION}); "
            f"{_MEND}."
        )
    operations: dict[str, PlannedOperation] = {}
    listed = data.get("operations")
    if not isinstance(listed, list):
        raise SettingsInvalid(f"{source}: its operations are no list; {_MEND}.")
    for number, item in enumerate(listed):
        try:
            planned = PlannedOperation(item["id"], item["name"], item["body"], load(item["plan"]))
            operations[planned.id] = planned
            parse(planned.body)
        except (KeyError, TypeError, GraphQLError) as error:
            raise SettingsInvalid(
                f"{source}: operations[{number}] lacks an id, a name, a body or a plan; {_MEND}."
            ) from error
        except SettingsInvalid as error:
            raise SettingsInvalid(f"{source}: {error.message}") from error
    return Artifact(str(data.get("supergraph")), operations)
