"""The helpers that teams use in their own tests: what they say when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.errors import SettingsInvalid
from router.testing import (
    assert_composes,
    assert_does_not_compose,
    assert_plan_snapshot,
    plan_of,
)

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@override"])'
WARDS = f"""{LINK}
type Query {{ wards: [Ward] }}
type Ward @key(fields: "id") {{ id: ID! name: String }}
"""
BEDS = f"""{LINK}
type Ward @key(fields: "id") {{
  id: ID!
  beds: Int
}}
"""
GRAPH = {"wards": WARDS, "beds": BEDS}
QUERY = "{ wards { beds } }"


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "ROUTER_UPDATE_PLANS"):
        monkeypatch.delenv(name, raising=False)


def test_a_subgraph_may_be_a_file_and_an_error_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "beds.graphql"
    file.write_text(BEDS)
    assert_composes({"wards": WARDS, "beds": file})
    assert_composes({"wards": WARDS, "beds": str(file)})
    file.write_text(BEDS.replace("beds: Int", "name: String"))
    with pytest.raises(AssertionError, match="INVALID_FIELD_SHARING") as failure:
        assert_composes({"wards": WARDS, "beds": file})
    assert f"INVALID_FIELD_SHARING in {file}:4, wards:3\n" in str(failure.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"beds\.graphql: cannot be read \(No such file"):
        assert_composes({"beds": str(tmp_path / "beds.graphql")})
    with pytest.raises(SettingsInvalid, match=r"graph\.graphql: cannot be read"):
        plan_of(tmp_path / "graph.graphql", QUERY)


def test_errors_and_hints_are_expected_by_code() -> None:
    assert_does_not_compose({"wards": WARDS, "more": WARDS}, "INVALID_FIELD_SHARING")
    with pytest.raises(AssertionError, match="INVALID_FIELD_SHARING"):
        assert_does_not_compose({"wards": WARDS, "more": WARDS}, "NO_QUERIES")
    with pytest.raises(AssertionError, match="compose, but"):
        assert_does_not_compose(GRAPH, "NO_QUERIES")
    assert_composes(GRAPH, hints=())
    with pytest.raises(AssertionError, match="expected the hints"):
        assert_composes(GRAPH, hints=["UNUSED_ENUM_TYPE"])


def test_a_plan_that_differs_from_its_snapshot_fails_with_a_diff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, file = assert_composes(GRAPH), tmp_path / "plans" / "beds.txt"
    assert_plan_snapshot(graph, QUERY, file)
    written = file.read_text()
    assert_plan_snapshot(graph, QUERY, str(file))
    with pytest.raises(AssertionError, match="ROUTER_UPDATE_PLANS=1") as failure:
        assert_plan_snapshot(graph, "{ wards { name } }", file)
    assert "-    Flatten" in str(failure.value)
    assert file.read_text() == written
    monkeypatch.setenv("ROUTER_UPDATE_PLANS", "1")
    assert_plan_snapshot(graph, "{ wards { name } }", file)
    assert file.read_text() != written


def test_a_snapshot_that_was_not_committed_fails_in_continuous_integration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(AssertionError, match="is missing"):
        assert_plan_snapshot(assert_composes(GRAPH), QUERY, tmp_path / "beds.txt")
    assert not (tmp_path / "beds.txt").exists()


def test_an_operation_that_cannot_be_planned_says_why_and_where() -> None:
    graph = assert_composes(GRAPH)
    with pytest.raises(AssertionError, match="Cannot query field 'x'") as failure:
        plan_of(graph, "{ wards { x } }")
    assert "GraphQL request:1:11" in str(failure.value)
    with pytest.raises(AssertionError, match="Syntax Error"):
        plan_of(graph, "{ wards ")


def test_deferred_operations_and_labels_are_planned_as_the_router_plans_them(
    tmp_path: Path,
) -> None:
    graph = assert_composes(
        {
            "wards": WARDS,
            "beds": BEDS.replace(
                "beds: Int", 'name: String @override(from: "wards", label: "moving")'
            ),
        }
    )
    assert plan_of(graph, "{ wards { id ... @defer { name } } }").deferred
    file = tmp_path / "supergraph.graphql"
    file.write_text(graph.supergraph_sdl)
    assert len(plan_of(file, "{ wards { name } }").fetches) == 1
    assert len(plan_of(file, "{ wards { name } }", labels=["moving"]).fetches) == 2
