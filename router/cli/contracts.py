"""``python -m router contracts``: check what a schema means for every client, export what each one sees."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from router.contracts.check import Report, check_contracts, export_schemas
from router.contracts.contract import load_contracts
from router.files import write_text
from router.supergraph import Supergraph

__all__ = ["main"]

_FILE: Final[dict[str, Any]] = {"type": Path, "metavar": "FILE"}
_FOLDER: Final[dict[str, Any]] = {"type": Path, "metavar": "FOLDER"}


def main(argv: Sequence[str]) -> int:
    """Run ``check`` or ``export``; returns the exit status."""
    options = _parser().parse_args(argv)
    return _check(options) if options.action == "check" else _export(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m router contracts", description="Check and export the schema of each client."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser(
        "check", help="validate every client's operations, now and under a proposed schema"
    )
    check.add_argument("supergraph", **_FILE, help="the supergraph SDL in use")
    check.add_argument("--proposed", **_FILE, help="the supergraph SDL that is to replace it")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    export = actions.add_parser("export", help="write each client's schema as SDL")
    export.add_argument("supergraph", **_FILE, help="the supergraph SDL")
    export.add_argument(
        "-o", "--out", **_FOLDER, default=Path("schema/clients"), help="default: %(default)s"
    )
    export.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file is stale"
    )
    for action in (check, export):
        action.add_argument(
            "--contracts",
            **_FOLDER,
            default=Path("clients"),
            help="holds a <client>/contract.toml for each client, default: %(default)s",
        )
    return parser


def _check(options: argparse.Namespace) -> int:
    contracts = load_contracts(options.contracts)
    proposed = Supergraph.read(options.proposed) if options.proposed else None
    report = check_contracts(contracts, Supergraph.read(options.supergraph), proposed)
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
    schemas = export_schemas(load_contracts(options.contracts), Supergraph.read(options.supergraph))
    out: Path = options.out
    files = {out / f"{name}.graphql": sdl for name, sdl in schemas.items()}
    stale = [
        file
        for file, sdl in files.items()
        if not file.is_file() or file.read_bytes() != sdl.encode()
    ]
    if options.check:
        for file in stale:
            sys.stderr.write(f"{file} is stale: run 'python -m router contracts export'.\n")
        return 1 if stale else 0
    with contextlib.suppress(OSError):  # writing says why there is no folder
        out.mkdir(parents=True, exist_ok=True)
    for file in stale:
        write_text(file, files[file])
    sys.stdout.write(f"{len(schemas)} schemas in {out}, {len(stale)} of them written anew.\n")
    return 0
