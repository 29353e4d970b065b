"""schemathesis against each client's schema: whatever fits the schema is answered well."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from starlette.applications import Starlette
from starlette.routing import Mount

from router import Router
from router.contracts.contract import Contract, ContractLimits, TagRules

CONTRACTS = (
    Contract(name="web", tags=TagRules(exclude=("internal",)), limits=ContractLimits(depth=50)),
    Contract(name="staff", limits=ContractLimits(depth=50)),
)


@pytest.mark.parametrize("client", ["web", "staff"])
def test_whatever_fits_a_clients_schema_is_answered(library: Any, client: str) -> None:
    router = Router.from_subgraphs(library.subgraphs(), contracts=CONTRACTS)
    app = Starlette(routes=[Mount("/", router)])
    schema = schemathesis.graphql.from_asgi(f"/{client}/graphql", app)

    for operation in schema.get_all_operations():

        @settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.ok().as_strategy())
        def check(case: Any) -> None:
            response = case.call(headers={"accept": "application/graphql-response+json"})
            assert response.status_code in (200, 400), response.text
            body = response.json()
            assert ("data" in body) is (response.status_code == 200)
            for error in body.get("errors", ()):
                assert error["message"]
                assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR"

        check()
