"""What our own screens cost: the fewest fetches, in the shortest chain."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from graphql import parse

from router.planning.planner import Planner
from router.supergraph import Supergraph

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def planner() -> Planner:
    return Planner(Supergraph.load((ROOT / "schema/supergraph.graphql").read_text("utf-8")))


def test_one_consultation_asks_each_of_the_five_domains_once(planner: Planner) -> None:
    document = (ROOT / "clients/web/operations/Consultation.graphql").read_text("utf-8")
    plan = planner.plan(parse(document))
    assert Counter(fetch.subgraph for fetch in plan.fetches) == Counter(
        ["encounters", "patients", "notes", "orders", "consents"]
    )
    assert plan.depth == 2
