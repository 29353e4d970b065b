"""Persisted operations planned ahead, and the command that does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import parse

from router.cli import main
from router.errors import SettingsInvalid
from router.planning.artifact import compile_manifest, load_artifact
from router.planning.planner import Planner
from tests.router.planning.kit import supergraph

BOOKS = {
    "cat": """
        type Query { books: [Book] }
        type Book @key(fields: "isbn") { isbn: ID! title: String }
    """,
    "lend": """
        type Book @key(fields: "isbn") { isbn: ID! copies: Int }
    """,
}

OPERATIONS = [
    {"id": "1", "name": "Titles", "type": "query", "body": "query Titles { books { title } }"},
    {"id": "2", "name": "Copies", "type": "query", "body": "query Copies { books { copies } }"},
]


def manifest(operations: list[dict[str, Any]]) -> str:
    return json.dumps(
        {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    )


def artifact(operations: str) -> str:
    return f'{{"format": "router-planned-operations", "version": 1, "operations": {operations}}}'


@pytest.fixture
def planner() -> Planner:
    return Planner(supergraph(**BOOKS))


def test_an_artifact_holds_the_plan_of_every_operation(planner: Planner) -> None:
    artifact = load_artifact(compile_manifest(manifest(OPERATIONS), planner))
    artifact.check(planner.supergraph)
    assert list(artifact.operations) == ["1", "2"]
    copies = artifact.operations["2"]
    assert copies.plan == planner.plan(parse(copies.body), "Copies")


def test_an_artifact_keeps_the_conditions_of_its_fetches(planner: Planner) -> None:
    body = (
        "query Some($on: Boolean!, $off: Boolean!) { books { title ... @include(if: $on) "
        "{ copies } lent: copies @skip(if: $off) } }"
    )
    one = {"id": "1", "name": "Some", "type": "query", "body": body}
    artifact = load_artifact(compile_manifest(manifest([one]), planner))
    plan = planner.plan(parse(body), "Some")
    assert artifact.operations["1"].plan == plan
    alternatives = [tuple((w.variable, w.value) for w in each) for each in plan.fetches[1].any_of]
    assert alternatives == [(("off", False),), (("on", True),)]


def test_an_artifact_is_the_same_each_time_and_a_line_a_field(planner: Planner) -> None:
    first = compile_manifest(manifest(OPERATIONS), planner)
    assert compile_manifest(manifest(OPERATIONS), Planner(supergraph(**BOOKS))) == first
    assert len(first.splitlines()) > 40


def test_an_artifact_of_another_supergraph_is_refused(planner: Planner) -> None:
    artifact = load_artifact(compile_manifest(manifest(OPERATIONS), planner))
    with pytest.raises(SettingsInvalid, match="another supergraph"):
        artifact.check(supergraph(cat=BOOKS["cat"]))


def test_every_operation_that_fails_is_named(planner: Planner) -> None:
    broken = [
        {"id": "3", "name": "Bad", "type": "query", "body": "query Bad { nope }"},
        {"id": "4", "name": "Worse", "type": "query", "body": "query Worse {"},
    ]
    with pytest.raises(SettingsInvalid) as caught:
        compile_manifest(manifest([*OPERATIONS, *broken]), planner, source="m.json")
    assert caught.value.message.startswith("m.json: operation 'Bad' (line 1 of its text)")
    assert "operation '4' (line 1 of its text): Syntax Error" in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", r"artifact:1:2: this is not JSON"),
        ("{}", "no artifact"),
        (manifest([]), "no artifact"),
        (artifact("5"), "its operations are no list"),
        (artifact("[5]"), r"operations\[0\] lacks an id, a name, a body or a plan"),
        (
            artifact(
                '[{"id": "1", "name": "A", "body": "{", '
                '"plan": {"format": 1, "kind": "query", "fetches": []}}]'
            ),
            r"operations\[0\] lacks an id, a name, a body or a plan",
        ),
        (
            artifact('[{"id": "1", "name": "A", "body": "{a}", "plan": 5}]'),
            "artifact: This plan has format None",
        ),
        (
            artifact('[{"id": "1", "name": "A", "body": "{a}", "plan": {}}]'),
            "artifact: This plan has format None",
        ),
    ],
)
def test_what_is_no_artifact_says_why(text: str, says: str) -> None:
    with pytest.raises(SettingsInvalid, match=says):
        load_artifact(text)


@pytest.fixture
def schema(tmp_path: Path) -> str:
    file = tmp_path / "supergraph.graphql"
    file.write_text(supergraph(**BOOKS).sdl, encoding="utf-8")
    return str(file)


def test_the_command_prints_the_plan_with_its_figures(
    schema: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", schema, "-e", "{books{copies}}"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("QueryPlan {")
    assert out.endswith("fetches: 2\ndepth: 2\n")


def test_the_command_prints_json_and_single_stages(
    schema: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", schema, "-e", "{books{copies}}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fetchCount"] == 2
    assert main(["plan", schema, "-e", "{books{copies}}", "--stage", "paths"]) == 0
    assert "cat .books -> lend .copies" in capsys.readouterr().out


def test_the_command_compiles_a_manifest(schema: str, tmp_path: Path) -> None:
    source, target = tmp_path / "manifest.json", tmp_path / "artifact.json"
    source.write_text(manifest(OPERATIONS), encoding="utf-8")
    assert main(["plan", schema, "--manifest", str(source), "-o", str(target)]) == 0
    assert len(load_artifact(target.read_text(encoding="utf-8")).operations) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-e", "{nope}"], "Cannot query field 'nope'"),
        (["-e", "{books"], "line 1"),
        (["-f", "missing.graphql"], "missing.graphql: cannot be read"),
        (["-e", "{books{title}}", "--label", "nope"], "by the label 'nope'; there is none"),
        (["--manifest", "missing.json"], "missing.json: cannot be read"),
    ],
)
def test_the_command_says_what_is_wrong(
    schema: str, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["plan", schema, *arguments]) == 1
    assert says in capsys.readouterr().err


def test_the_command_names_the_file_of_a_broken_supergraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.graphql"
    file.write_text("type Query {", encoding="utf-8")
    assert main(["plan", str(file), "-e", "{x}"]) == 1
    err = capsys.readouterr().err
    assert "broken.graphql" in err
    assert "line 1" in err
