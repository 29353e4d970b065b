"""``python -m router compose``: a list of subgraphs into a supergraph, or every error at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.cli.subgraph_list import SubgraphEntry, read_subgraph_list, texts_of
from router.errors import SettingsInvalid
from router.files import write_text

if TYPE_CHECKING:
    from router.composition.compose import Composition
    from router.composition.errors import CompositionFailed

__all__ = ["main"]

_DESCRIPTION = """\
Compose subgraphs into a supergraph SDL.

SUBGRAPHS.json is a list of {"name", "url", "sdl"}: sdl is the path of a schema file (relative to
SUBGRAPHS.json or to the working directory) or the schema itself; without it the subgraph that
runs at url is asked for it."""


def main(argv: Sequence[str]) -> int:
    """Compose, print the supergraph (or with ``--json`` the whole outcome), return 0 or 1."""
    options = _parser().parse_args(argv)
    try:
        return _compose(options.subgraphs, options.output, as_json=options.json)
    except SettingsInvalid as error:
        if not options.json:
            raise
        told = {"code": error.error_code, "message": error.message}
        _print_json(_outcome(errors=[{**told, "subgraphs": [], "coordinates": []}]))
        return 1


def _compose(subgraphs: Path, output: Path | None, *, as_json: bool) -> int:
    entries = read_subgraph_list(subgraphs)
    # the composer is loaded only once there is something to compose
    from router.composition.compose import compose
    from router.composition.errors import CompositionFailed

    try:
        composition = compose(entry.source() for entry in entries)
    except CompositionFailed as failure:
        return _refuse(failure, entries, as_json=as_json)
    return _deliver(composition, output, as_json=as_json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m router compose",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subgraphs", metavar="SUBGRAPHS.json", type=Path)
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the supergraph")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print {ok, supergraphSdl, errors, hints} instead of the SDL",
    )
    return parser


# -- what is said --------------------------------------------------------------------------


def _deliver(composition: Composition, output: Path | None, *, as_json: bool) -> int:
    sdl = composition.supergraph_sdl.rstrip("\n") + "\n"
    hints = [hint.to_json() for hint in composition.hints]
    if output is not None:
        write_text(output, sdl)
    if as_json:
        _print_json(_outcome(sdl=composition.supergraph_sdl, hints=hints))
        return 0
    if output is None:
        sys.stdout.write(sdl)
    for hint in hints:
        sys.stderr.write(f"{hint['level']} {hint['code']}: {hint['message']}\n")
    return 0


def _refuse(failure: CompositionFailed, entries: Sequence[SubgraphEntry], *, as_json: bool) -> int:
    if as_json:
        _print_json(_outcome(errors=[error.to_json() for error in failure.errors]))
        return 1
    from router.composition.report import report

    sys.stderr.write(f"{report(failure, texts_of(entries))}\n\n")
    return 1


def _outcome(
    *,
    sdl: str | None = None,
    errors: Sequence[dict[str, Any]] = (),
    hints: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    return {
        "ok": not errors,
        "supergraphSdl": sdl,
        "errors": list(errors),
        "hints": list(hints),
    }


def _print_json(outcome: dict[str, Any]) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(outcome, option=orjson.OPT_INDENT_2).decode() + "\n")
