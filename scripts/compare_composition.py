"""Run the reference composer beside ours and report where they differ.

    mkdir -p /tmp/reference && (cd /tmp/reference && npm install @apollo/composition graphql)
    python scripts/compare_composition.py --reference /tmp/reference --cases 500

Subgraphs are drawn by seed (``tests/router/composition/random_subgraphs.py``; with ``--wild`` they
have everything federation has, ``wild_subgraphs.py``; with ``--mutated`` known cases are changed at
random, ``mutated_subgraphs.py``; with ``--odd`` they are small, around single points of the
specifications, ``odd_subgraphs.py``), or read from folders of ``NAME.graphql`` files. Compared are the
codes of errors and how many there are of each (``INVALID_GRAPHQL`` may be told more often, as the
reference stops at the first of some), the levels, codes and coordinates of hints, in order, and the supergraph, which
must be the same text. Where the reference throws, or accepts what can be shown to be wrong, no
difference is reported.

Exit status: 0 no difference, 1 differences, 2 no Node or no reference composer to run.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from router.composition.compose import compose
from router.composition.errors import CompositionFailed
from router.composition.sources import SubgraphSource
from scripts.node_filter import NodeFilter, missing
from tests.router.composition.mutated_subgraphs import mutated_subgraphs
from tests.router.composition.odd_subgraphs import odd_subgraphs
from tests.router.composition.random_subgraphs import random_subgraphs
from tests.router.composition.wild_subgraphs import wild_subgraphs

BY_LETTERS = r'import\s*:\s*"'
"""An import that is one text, which the reference reads letter by letter."""
LET_PASS = (
    r"(?:Argument|Value) \w+ already exists on |is extended as if it were of another kind"
    r"|root types must be different types|must be the query root|Invalid value null for argument \"\w+: \S+!\""
    r"|is a built-in scalar|A fragment on \"\w+\" can never match"
)
"""What GraphQL forbids and the reference lets pass."""


def main() -> int:
    arguments = _arguments()
    if absent := missing(arguments.reference, "@apollo/composition", "graphql"):
        print(absent, file=sys.stderr)
        return 2
    different = total = 0
    with NodeFilter("compare_composition.mjs", arguments.reference) as reference:
        for name, sources in _cases(arguments):
            total += 1
            found = list(differences(sources, reference))
            if found:
                different += 1
                print(f"== {name}")
                print("\n".join(found))
    print(f"{total} cases, {different} differ")
    return 1 if different else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--reference", type=Path, default=Path("/tmp/reference"))
    parser.add_argument("--cases", type=int, default=200, help="how many seeds to draw")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.set_defaults(draw=random_subgraphs)
    drawing = parser.add_mutually_exclusive_group()
    drawn: dict[str, Any] = {"dest": "draw", "action": "store_const"}
    drawing.add_argument(
        "--mutated", **drawn, const=mutated_subgraphs, help="change known cases instead"
    )
    drawing.add_argument(
        "--wild", **drawn, const=wild_subgraphs, help="draw all that federation has"
    )
    drawing.add_argument(
        "--odd", **drawn, const=odd_subgraphs, help="draw single points of the specs"
    )
    parser.add_argument("folders", nargs="*", type=Path, help="folders of .graphql files instead")
    return parser.parse_args()


def _cases(arguments: argparse.Namespace) -> Iterator[tuple[str, list[SubgraphSource]]]:
    if arguments.folders:
        for folder in arguments.folders:
            files = sorted(folder.glob("*.graphql"))
            yield (
                str(folder),
                [
                    SubgraphSource(file.stem, f"http://{file.stem}", file.read_text())
                    for file in files
                ],
            )
        return
    for seed in range(arguments.seed, arguments.seed + arguments.cases):
        yield f"seed {seed}", arguments.draw(seed)


def differences(sources: list[SubgraphSource], reference: NodeFilter) -> Iterator[str]:
    """Yield what differs, one line (or one diff) each."""
    if any(re.search(BY_LETTERS, source.sdl) for source in sources):
        return
    subgraphs = [{"name": each.name, "url": each.url, "sdl": each.sdl} for each in sources]
    theirs = reference.ask(subgraphs=subgraphs)
    if any(e["code"] is None or e["message"].startswith("(thrown)") for e in theirs["errors"]):
        return
    errors: list[dict[str, Any]] = []
    hints: list[dict[str, Any]] = []
    sdl = None
    try:
        composition = compose(sources)
    except CompositionFailed as failed:
        errors = [error.to_json() for error in failed.errors]
    else:
        hints = [hint.to_json() for hint in composition.hints]
        sdl = composition.supergraph_sdl
    # Where a type was once reached with more to go on (below a shared mutation field, or with
    # something provided, or a context around it), the reference does not look again at those who have less.
    helped = any("shared" in s.sdl and "type Mutation" in s.sdl for s in sources) or any(
        "@provides" in s.sdl for s in sources
    )
    codes = {error["code"] for error in errors}
    if any(re.search(LET_PASS, error["message"]) for error in errors):
        return
    if not theirs["errors"] and codes == {"SATISFIABILITY_ERROR"} and helped:
        return
    told, wanted = Counter(e["code"] for e in errors), Counter(e["code"] for e in theirs["errors"])
    if wanted:  # the reference stops at the first of some
        told["INVALID_GRAPHQL"] = min(told["INVALID_GRAPHQL"], wanted["INVALID_GRAPHQL"])
    yield from _counted("error", wanted, told)
    if errors or theirs["errors"]:
        return
    wanted_hints, hints_told = _hint_lines(theirs["hints"]), _hint_lines(hints)
    yield from _counted("hint", wanted_hints, hints_told)
    if Counter(wanted_hints) == Counter(hints_told) and wanted_hints != hints_told:
        yield f"hints in another order: {wanted_hints} by the reference, {hints_told} by ours"
    wanted_lines, lines = _lines(theirs["supergraphSdl"] or ""), _lines(sdl or "")
    if sdl is not None and lines != wanted_lines:
        yield from unified_diff(
            wanted_lines,
            lines,
            "reference",
            "ours",
            lineterm="",
            n=1,
        )


def _hint_lines(hints: Iterable[dict[str, Any]]) -> list[str]:
    return [f"{hint['level']} {hint['code']} {hint['coordinate'] or ''}" for hint in hints]


def _lines(sdl: str) -> list[str]:
    """Return the lines of a supergraph.

    The reference imports a directive twice that one subgraph has from federation, another from a
    specification of its own.
    """
    once = re.sub(r'((?:"@\w+"|\{name: [^}]*\}))(?:, \1)+', r"\1", sdl.strip())
    return once.splitlines()


def _counted(
    what: str, theirs: Iterable[str] | Counter[str], ours: Iterable[str] | Counter[str]
) -> Iterator[str]:
    expected, found = Counter(theirs), Counter(ours)
    for key in sorted(expected.keys() | found.keys()):
        if expected[key] != found[key]:
            yield f"{what} {key}: {expected[key]} by the reference, {found[key]} by ours"


if __name__ == "__main__":
    sys.exit(main())
