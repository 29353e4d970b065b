"""Persisted operations, planned ahead: one file that a router loads without planning.

The manifest is Apollo's (``apollo-persisted-query-manifest`` version 1). The artifact names the
supergraph it was planned against by hash: plans for another one would ask the wrong questions.
Lines are one field each, keys and operations in order, so that a reviewer can diff two artifacts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from graphql import GraphQLError, parse, validate

from router.errors import NoPlan, RouterError, SettingsInvalid
from router.planning.plan import Plan
from router.planning.planner import Planner
from router.planning.serialise import dump, load
from router.supergraph import Supergraph

__all__ = ["Artifact", "PlannedOperation", "compile_manifest", "load_artifact", "supergraph_hash"]

_FORMAT: Final = "router-planned-operations"
_VERSION: Final = 1
_MANIFEST: Final = "apollo-persisted-query-manifest"


@dataclass(frozen=True, slots=True)
class PlannedOperation:
    """A persisted operation with its plan."""

    id: str
    name: str
    body: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class Artifact:
    """Planned operations by id, in the manifest's order."""

    supergraph: str
    operations: Mapping[str, PlannedOperation]

    def check(self, supergraph: Supergraph) -> None:
        """Raise SettingsInvalid unless the plans were made for this supergraph."""
        if self.supergraph != supergraph_hash(supergraph):
            raise SettingsInvalid(
                "The artifact was planned against another supergraph: compile the manifest again "
                "(python -m router plan SUPERGRAPH --manifest FILE -o ARTIFACT)."
            )


def supergraph_hash(supergraph: Supergraph) -> str:
    """What an artifact remembers of the supergraph."""
    return sha256(supergraph.sdl.encode()).hexdigest()


def compile_manifest(manifest: str, planner: Planner, *, source: str = "the manifest") -> str:
    """Plan every operation of a manifest; returns the artifact's text.

    Raises SettingsInvalid with every operation that does not parse, validate or plan.
    """
    planned: list[dict[str, Any]] = []
    problems: list[str] = []
    for operation in _operations(manifest, source):
        try:
            document = parse(operation["body"])
            errors = validate(planner.supergraph.operation_schema, document)
            if errors:
                raise errors[0]
            plan = planner.plan(document, operation["name"])
        except (GraphQLError, RouterError) as error:
            at = ""
            if isinstance(error, GraphQLError) and error.locations:
                at = f" (line {error.locations[0].line} of its body)"
            hint = "" if isinstance(error, NoPlan) else " Mend the operation and try again."
            problems.append(f"operation {operation['name']!r}{at}: {error.message}{hint}")
            continue
        planned.append({**operation, "plan": dump(plan)})
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
    data = _json(text, source)
    if data.get("format") != _FORMAT or data.get("version") != _VERSION:
        raise SettingsInvalid(
            f"{source} is no artifact of planned operations (format {_FORMAT}, version {_VERSION}):"
            " write one with python -m router plan SUPERGRAPH --manifest FILE -o ARTIFACT."
        )
    operations: dict[str, PlannedOperation] = {}
    listed = data.get("operations")
    if not isinstance(listed, list):
        raise SettingsInvalid(f"{source}: its operations are no list. Compile the manifest again.")
    for item in listed:
        try:
            planned = PlannedOperation(item["id"], item["name"], item["body"], load(item["plan"]))
        except (KeyError, TypeError) as error:
            raise SettingsInvalid(
                f"{source}: an operation lacks {error}. Compile the manifest again."
            ) from error
        except SettingsInvalid as error:
            raise SettingsInvalid(f"{source}: {error.message}") from error
        operations[planned.id] = planned
    return Artifact(str(data.get("supergraph")), operations)


def _operations(manifest: str, source: str) -> list[dict[str, Any]]:
    data = _json(manifest, source)
    if data.get("format") != _MANIFEST or data.get("version") != 1:
        raise SettingsInvalid(
            f"{source} is no persisted-operation manifest: it needs "
            f'"format": "{_MANIFEST}" and "version": 1.'
        )
    listed = data.get("operations", [])
    if not isinstance(listed, list):
        raise SettingsInvalid(f'{source}: "operations" must be a list of {{id, name, type, body}}.')
    found: list[dict[str, Any]] = []
    for number, item in enumerate(listed):
        known = item if isinstance(item, dict) else {}
        missing = [k for k in ("id", "name", "type", "body") if not isinstance(known.get(k), str)]
        if missing:
            raise SettingsInvalid(
                f"{source}: operation {number} has no {', '.join(missing)}; "
                "each needs id, name, type and body, all texts."
            )
        found.append({key: item[key] for key in ("id", "name", "type", "body")})
    return found


def _json(text: str, source: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise SettingsInvalid(f"{source}, line {line}: this is no JSON ({error}).") from error
    except RecursionError as error:
        raise SettingsInvalid(f"{source}: this is nested too deeply.") from error
    if not isinstance(data, dict):
        raise SettingsInvalid(f"{source}: a JSON object is needed, not a {type(data).__name__}.")
    return data
