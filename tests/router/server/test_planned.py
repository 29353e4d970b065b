"""Plans made at build time are used as they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from router import Router
from router.contracts.contract import Contract, PersistedRules
from router.errors import SettingsInvalid
from router.planned import PlannedAhead
from router.planning.artifact import compile_manifest
from router.planning.planner import Planner

SHELF = "query Shelf {\n  books {\n    title\n    author\n  }\n}"


@pytest.fixture
async def artifact(library: Any, tmp_path: Path) -> Path:
    body = {"id": hashlib.sha256(SHELF.encode()).hexdigest(), "name": "Shelf", "type": "query"}
    manifest = {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{**body, "body": SHELF}],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    async with Router.from_subgraphs(library.subgraphs()) as router:
        planner = Planner(router.generation.supergraph)
    path = tmp_path / "plans.json"
    path.write_text(compile_manifest(json.dumps(manifest), planner))
    return path


async def test_a_persisted_operation_needs_no_planning(client: Any, artifact: Path) -> None:
    rules = PersistedRules(manifests=(artifact.parent / "manifest.json",))
    http = await client(contracts=(Contract(name="web", persisted=rules),), plans=artifact)
    answer = await http.post("/web/graphql", json={"documentId": "Shelf"})
    assert answer.json()["data"]["books"][0] == {"title": "Emma", "author": "author of 1"}
    planner = http._transport.app.generation.planner
    assert isinstance(planner, PlannedAhead)
    assert planner.found == 1


async def test_plans_for_another_supergraph_are_refused(library: Any, artifact: Path) -> None:
    router = Router.from_subgraphs({"authors": library.authors()}, plans=artifact)
    with pytest.raises(SettingsInvalid, match=r"plans\.json: The artifact was planned against"):
        await router.start()
