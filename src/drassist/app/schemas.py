"""The schemas under ``schema/``: generated, committed, reviewed; a check fails when stale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from drassist.app.subgraphs import SUBGRAPHS, create_subgraph
from drassist.runtime.settings import Settings
from router.composition.compose import compose
from router.composition.sources import SubgraphSource
from router.contracts.check import export_schemas
from router.contracts.contract import load_contracts
from router.supergraph import Supergraph

__all__ = ["generated", "stale", "write"]

FOLDER: Final = Path("schema")


def generated(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Every generated file and its text: subgraphs, the supergraph, one schema per client."""
    sources = []
    for name in SUBGRAPHS:
        sdl = create_subgraph(name, settings).sdl().rstrip() + "\n"
        sources.append(SubgraphSource(name, f"http://{name}/graphql", sdl))
        yield Path("subgraphs", f"{name}.graphql"), sdl
    supergraph = compose(sources).supergraph_sdl
    yield Path("supergraph.graphql"), supergraph.rstrip() + "\n"
    contracts = load_contracts(settings.gateway.clients)
    for client, sdl in export_schemas(contracts, Supergraph.load(supergraph)).items():
        yield Path("clients", f"{client}.graphql"), sdl.rstrip() + "\n"


def write(settings: Settings, folder: Path = FOLDER) -> list[Path]:
    """Write all; returns the files that changed."""
    changed = []
    for name, text in generated(settings):
        path = folder / name
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        changed.append(path)
    return changed


def stale(settings: Settings, folder: Path = FOLDER) -> list[Path]:
    """The files that are not what would be generated now."""
    return [
        folder / name
        for name, text in generated(settings)
        if not (folder / name).is_file() or (folder / name).read_text("utf-8") != text
    ]
