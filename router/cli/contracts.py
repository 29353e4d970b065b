"""``router contracts``: check what a schema means for every client, export what each one sees."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from router.contracts.check import Report, check_contracts, export_schemas
from router.contracts.contract import load_contracts
from router.errors import SupergraphInvalid
from router.supergraph import Supergraph

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Run ``check`` or ``export``; returns the exit status."""
    options = _parser().parse_args(argv)
    return _check(options) if options.action == "check" else _export(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="router contracts", description="Check and export the schema of each client."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser(
        "check", help="validate every client's operations, now and under a proposed schema"
    )
    check.add_argument("supergraph", type=Path, help="the supergraph SDL in use")
    check.add_argument("--proposed", type=Path, help="the supergraph SDL that is to replace it")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    export = actions.add_parser("export", help="write each client's schema as SDL")
    export.add_argument("supergraph", type=Path)
    export.add_argument("-o", "--out", type=Path, default=Path("schema/clients"))
    export.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file is stale"
    )
    for action in (check, export):
        action.add_argument("--contracts", type=Path, default=Path("clients"))
    return parser


def _check(options: argparse.Namespace) -> int:
    contracts = load_contracts(options.contracts)
    proposed = _supergraph(options.proposed) if options.proposed else None
    report = check_contracts(contracts, _supergraph(options.supergraph), proposed)
    if options.json:
        sys.stdout.write(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _say(report, len(contracts), proposed is not None)
    return 0 if report.ok else 1


def _say(report: Report, clients: int, proposed: bool) -> None:
    for title, findings in (
        ("Broken with the current schema:", report.broken),
        ("Broken by the proposed schema:", report.breaks),
    ):
        if findings:
            sys.stderr.write(f"{title}\n")
            for finding in findings:
                sys.stderr.write(f"  {finding.text()}\n")
    if report.ok:
        where = "the current and the proposed schema" if proposed else "the current schema"
        sys.stdout.write(f"{report.operations} operations of {clients} clients hold in {where}.\n")


def _export(options: argparse.Namespace) -> int:
    schemas = export_schemas(load_contracts(options.contracts), _supergraph(options.supergraph))
    out: Path = options.out
    stale = [
        name
        for name, sdl in schemas.items()
        if not (file := out / f"{name}.graphql").is_file() or file.read_text("utf-8") != sdl
    ]
    if options.check:
        for name in stale:
            sys.stderr.write(
                f"{out / name}.graphql is stale: run 'python -m router contracts export'.\n"
            )
        return 1 if stale else 0
    out.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (out / f"{name}.graphql").write_text(schemas[name], "utf-8")
    sys.stdout.write(f"{len(schemas)} schemas in {out}, {len(stale)} of them written anew.\n")
    return 0


def _supergraph(path: Path) -> Supergraph:
    try:
        sdl = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SupergraphInvalid(
            f"{path}: cannot be read ({error}); give a composed supergraph."
        ) from error
    try:
        return Supergraph.load(sdl)
    except SupergraphInvalid as error:
        raise SupergraphInvalid(f"{path}: {error.message}") from error
