"""Is every field that a client can ask for resolvable, from every way it can be asked for?

    MergedSchema -> views (each subgraph as the join directives tell it)
                 -> graph (types and moves between subgraphs)
                 -> resolution (can a subgraph get at a key or a requirement?)
                 -> walk (every client path, with all the subgraphs that may be on it)

A field that no subgraph on the path can reach is an error with an example operation
(:mod:`.example`) and each subgraph's reason (:mod:`.reasons`).
"""

from __future__ import annotations

from router.composition.satisfiability.walk import DEFAULT_MAX_PATHS, check_satisfiability

__all__ = ["DEFAULT_MAX_PATHS", "check_satisfiability"]
