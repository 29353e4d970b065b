"""``python -m router plan``: show how an operation is fetched, or compile a manifest."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from graphql import DocumentNode, GraphQLError, parse, validate

from router.errors import OperationInvalid, SettingsInvalid
from router.files import read_text, write_text
from router.planning.artifact import compile_manifest
from router.planning.explain import to_json, to_text
from router.planning.planner import Planner, PlannerOptions
from router.planning.stages import STAGES, stage_text
from router.supergraph import Supergraph

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Run the command; RouterErrors go to the caller, who prints them."""
    options = _parser().parse_args(argv)
    supergraph = Supergraph.read(options.supergraph)
    planner = Planner(supergraph, PlannerOptions(defer=True))
    if options.manifest is not None:
        manifest = read_text(options.manifest, "give a manifest of persisted operations")
        _write(options.output, compile_manifest(manifest, planner, source=str(options.manifest)))
        return 0
    document = _document(options, supergraph)
    labels = _labels(options.label, supergraph)
    if options.stage is not None:
        text = stage_text(options.stage, planner, document, options.operation_name, labels=labels)
        _write(options.output, text + "\n")
        return 0
    plan = planner.plan(document, options.operation_name, labels=labels)
    if options.json:
        _write(options.output, json.dumps(to_json(plan), indent=2) + "\n")
    else:
        count, depth = len(plan.fetches), plan.depth
        note = "" if plan.optimal else " (the search budget ran out: perhaps not the best plan)"
        _write(options.output, f"{to_text(plan)}\n\nfetches: {count}\ndepth: {depth}{note}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m router plan",
        description="Show the fetches of an operation, or plan a manifest of persisted operations.",
    )
    parser.add_argument(
        "supergraph", metavar="SUPERGRAPH", type=Path, help="file with the supergraph SDL"
    )
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("-e", "--execute", metavar="QUERY", help="the operation itself")
    given.add_argument("-f", "--file", metavar="FILE", type=Path, help="file with the operation")
    given.add_argument(
        "--manifest", metavar="FILE", type=Path, help="persisted-operation manifest to plan"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write there instead of stdout"
    )
    parser.add_argument("--operation-name", metavar="NAME", help="which operation of several")
    parser.add_argument(
        "--label", action="append", default=[], help="an active override label (repeatable)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON: the tree and the DAG")
    parser.add_argument("--stage", choices=STAGES, help="print one stage of planning instead")
    return parser


def _document(options: argparse.Namespace, supergraph: Supergraph) -> DocumentNode:
    source, text = "the operation", options.execute
    if options.file is not None:
        source, text = options.file, read_text(options.file, "give a file with the operation")
    try:
        document = parse(text)
    except GraphQLError as error:
        raise OperationInvalid([_finding(error, source)]) from error
    errors = validate(supergraph.operation_schema, document)
    if errors:
        raise OperationInvalid([_finding(error, source) for error in errors])
    return document


def _labels(given: Sequence[str], supergraph: Supergraph) -> frozenset[str]:
    for label in given:
        if label not in supergraph.override_labels:
            known = ", ".join(sorted(supergraph.override_labels)) or "none"
            raise SettingsInvalid(
                f"No field is overridden by the label {label!r}; there is {known}."
            )
    return frozenset(given)


def _finding(error: GraphQLError, source: str | Path) -> dict[str, str]:
    line = f", line {error.locations[0].line}" if error.locations else ""
    return {"message": f"{source}{line}: {error.message}"}


def _write(path: Path | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
    else:
        write_text(path, text)
