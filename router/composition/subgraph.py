"""Reading subgraphs: SDL in, valid :class:`~router.composition.model.Subgraph` out.

    parse -> GraphQL's rules -> roots get their names -> federation's rules
          -> (a federation 1 subgraph among them) upgrade, and federation's rules again

Every subgraph is attempted before anything is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from router.composition.errors import CompositionError, CompositionFailed
from router.composition.facts import seal
from router.composition.model import Subgraph
from router.composition.parsed import ParsedSubgraph
from router.composition.problems import Problems, SubgraphRefused
from router.composition.reading import drop_machinery, parse_subgraph
from router.composition.sources import SubgraphSource
from router.composition.upgrade import upgrade
from router.composition.validation import check_federation, check_graphql
from router.composition.validation.roots import rename_roots

__all__ = ["read_subgraphs"]


def read_subgraphs(sources: Iterable[SubgraphSource]) -> list[Subgraph]:
    """Return all subgraphs, valid and written for federation 2, in the order of their names.

    Raises :class:`~router.composition.errors.CompositionFailed` with every subgraph's problems.
    """
    given = sorted(sources, key=lambda source: source.name.encode("utf-16-be", "surrogatepass"))
    _check_names(given)
    errors: list[CompositionError] = []
    read: list[Subgraph | ParsedSubgraph] = []
    for source in given:
        try:
            read.append(_read(source))
        except SubgraphRefused as refused:
            errors += refused.errors
    if errors:
        raise CompositionFailed(errors)
    return upgrade(read)


def _check_names(sources: Sequence[SubgraphSource]) -> None:
    doubled = [
        name for name, count in Counter(source.name for source in sources).items() if count > 1
    ]
    if doubled:
        raise CompositionFailed(
            CompositionError(
                "INVALID_SUBGRAPH_NAME", f'Two subgraphs have the same name "{name}".', (name,)
            )
            for name in doubled
        )


def _read(source: SubgraphSource) -> Subgraph | ParsedSubgraph:
    """Return a finished subgraph, or for federation 1 one that awaits its upgrade."""
    problems = Problems(source.name)
    parsed = parse_subgraph(source, problems)
    check_graphql(parsed, problems)
    if source.name in ("", "_"):
        raise problems.stop("INVALID_SUBGRAPH_NAME", f'A subgraph cannot be named "{source.name}".')
    rename_roots(parsed, problems)
    if not parsed.is_fed2:
        problems.settle()
        drop_machinery(parsed)
        return parsed
    subgraph = seal(parsed)
    check_federation(subgraph, problems)
    drop_machinery(subgraph)
    return subgraph
