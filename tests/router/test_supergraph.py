"""Reading supergraphs: join 0.1 to 0.5, the views of the subgraphs, the API schema, the errors."""

from __future__ import annotations

import pytest
from graphql import print_schema

from router.errors import SupergraphInvalid
from router.supergraph import SetField, Supergraph, TypeKind

JOIN = """
schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
{ query: Query }

directive @join__field(graph: join__Graph, requires: String, provides: String, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String, contextArguments: [join__ContextArgument!]) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__type(graph: join__Graph!, key: String, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ENUM | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
directive @link(url: String, as: String, for: String, import: [String]) repeatable on SCHEMA

input join__ContextArgument { name: String! type: String! context: String! selection: String! }
enum join__Graph { A @join__graph(name: "a-1", url: "http://a") B @join__graph(name: "b", url: "http://b") }
"""


def words(text: str) -> list[str]:
    return text.split()


def test_a_field_without_a_join_directive_is_in_every_graph_of_its_type() -> None:
    graph = Supergraph.load(
        JOIN
        + """
        type Query @join__type(graph: A) @join__type(graph: B) { both: Int one: Int @join__field(graph: A) }
        """
    )
    assert set(graph.subgraphs) == {"a-1", "b"}
    assert set(graph.subgraphs["a-1"].types["Query"].fields) == {"both", "one"}
    assert set(graph.subgraphs["b"].types["Query"].fields) == {"both"}
    assert graph.subgraphs["b"].url == "http://b"


def test_a_bare_join_field_belongs_to_no_graph() -> None:
    graph = Supergraph.load(
        JOIN
        + """
        type Query @join__type(graph: A) { m: M }
        interface M @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
          id: ID! stars: Int @join__field(graph: B)
        }
        type F implements M @join__implements(graph: A, interface: "M") @join__type(graph: A, key: "id") {
          id: ID! stars: Int @join__field
        }
        """
    )
    a, b = graph.subgraphs.values()
    assert "stars" not in a.types["F"].fields
    assert b.types["M"].is_interface_object
    assert b.types["M"].kind is TypeKind.OBJECT
    assert b.types["M"].possible == ("F",)
    assert a.types["M"].possible == ("F",)


def test_requires_wins_over_external_and_a_used_overridden_field_is_external() -> None:
    graph = Supergraph.load(
        JOIN
        + """
        type Query @join__type(graph: A) { t: T }
        type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
          id: ID!
          x: Int @join__field(graph: A, override: "b") @join__field(graph: B, usedOverridden: true)
          y: Int @join__field(graph: A, requires: "x", external: true)
          z: Int @join__field(graph: A, override: "b", overrideLabel: "l")
                 @join__field(graph: B, overrideLabel: "l", usedOverridden: true)
        }
        """
    )
    a, b = (view.types["T"].fields for view in graph.subgraphs.values())
    assert b["x"].external
    assert not a["y"].external
    assert a["y"].requires == (SetField("x"),)
    assert (a["z"].label, a["z"].label_active) == ("l", True)
    assert (b["z"].label, b["z"].label_active, b["z"].external) == ("l", False, False)
    assert graph.override_labels == {"l"}


def test_the_keys_of_a_type_extension_are_resolvable_fields() -> None:
    graph = Supergraph.load(
        JOIN
        + """
        type Query @join__type(graph: A) { t: T }
        type T @join__type(graph: A, key: "org { id }", extension: true) @join__type(graph: B, key: "org { id }") {
          org: Org @join__field(graph: A, external: true) @join__field(graph: B)
        }
        type Org @join__type(graph: A) @join__type(graph: B) {
          id: ID! @join__field(graph: A, external: true) @join__field(graph: B)
        }
        """
    )
    types = graph.subgraphs["a-1"].types
    assert not types["T"].fields["org"].external
    assert not types["Org"].fields["id"].external


def test_the_type_of_a_field_is_the_one_of_its_graph() -> None:
    graph = Supergraph.load(
        JOIN
        + """
        type Query @join__type(graph: A) @join__type(graph: B) {
          n: [Int] @join__field(graph: A, type: "[Int!]!") @join__field(graph: B)
        }
        """
    )
    a, b = (view.types["Query"].fields["n"].type for view in graph.subgraphs.values())
    assert (a.text, a.lists, a.named) == ("[Int!]!", 1, "Int")
    assert b.text == "[Int]"


def test_the_api_schema_hides_machinery_and_what_is_inaccessible() -> None:
    graph = Supergraph.load(
        JOIN
        + """
        type Query @join__type(graph: A) {
          shown(arg: Int, hidden: Int @inaccessible): Shade @deprecated(reason: "old")
          secret: Secret
          gone: Int @inaccessible
          pick(in: In): U
        }
        "A colour"
        enum Shade @join__type(graph: A) { LIGHT @join__enumValue(graph: A) DARK @inaccessible @join__enumValue(graph: A) }
        type Secret @join__type(graph: A) @inaccessible { x: Int }
        type Open @join__type(graph: A) { x: Int secret: Secret }
        union U @join__type(graph: A) @join__unionMember(graph: A, member: "Open") @join__unionMember(graph: A, member: "Secret") = Open | Secret
        input In @join__type(graph: A) { a: Int b: Int @inaccessible }
        """
    )
    assert words(print_schema(graph.api_schema)) == words(
        """
        type Query { shown(arg: Int): Shade @deprecated(reason: "old") pick(in: In): U }
        \"\"\"A colour\"\"\" enum Shade { LIGHT }
        type Open { x: Int }
        union U = Open
        input In { a: Int }
        """
    )
    assert "gone" in graph.schema.query_type.fields  # type: ignore[union-attr]


def test_renamed_specifications_are_followed() -> None:
    sdl = (
        JOIN.replace("join__", "j__")
        .replace('join/v0.5", for', 'join/v0.5", as: "j", for')
        .replace('inaccessible/v0.2", for', 'inaccessible/v0.2", as: "hide", for')
        .replace("directive @inaccessible", "directive @hide")
    )
    graph = Supergraph.load(sdl + "type Query @j__type(graph: A) { x: Int y: Int @hide }")
    assert words(print_schema(graph.api_schema)) == words("type Query { x: Int }")


def test_a_federation_1_supergraph_is_read() -> None:
    graph = Supergraph.load(
        """
        schema @core(feature: "https://specs.apollo.dev/core/v0.1")
          @core(feature: "https://specs.apollo.dev/join/v0.1") { query: Query }
        directive @core(feature: String!) repeatable on SCHEMA
        directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet) on FIELD_DEFINITION
        directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE
        directive @join__owner(graph: join__Graph!) on OBJECT | INTERFACE
        directive @join__graph(name: String!, url: String!) on ENUM_VALUE
        scalar join__FieldSet
        enum join__Graph { CAT @join__graph(name: "cat" url: "http://cat") LEND @join__graph(name: "lend" url: "http://lend") }
        type Query { books: [Book] @join__field(graph: CAT) slip: Slip @join__field(graph: LEND) }
        type Book @join__owner(graph: CAT) @join__type(graph: CAT, key: "isbn") @join__type(graph: LEND, key: "isbn") {
          isbn: ID! @join__field(graph: CAT)
          weight: Int @join__field(graph: CAT)
          title: String
          fee: Int @join__field(graph: LEND, requires: "weight")
        }
        type Slip { no: Int book: Book }
        """
    )
    cat, lend = graph.subgraphs.values()
    assert set(cat.types["Book"].fields) == {"isbn", "weight", "title"}
    assert lend.types["Book"].fields["weight"].external
    assert not lend.types["Book"].fields["isbn"].external
    assert "Slip" in lend.types
    assert "Slip" not in cat.types
    assert set(graph.api_schema.type_map) >= {"Book", "Slip"}
    assert "join__Graph" not in graph.api_schema.type_map


@pytest.mark.parametrize(
    ("sdl", "says"),
    [
        ("type Query {", "line 1"),
        ("type Query { x: Int }", "no supergraph"),
        (JOIN.replace("join/v0.5", "join/v0.9"), "version 0.9"),
        (
            JOIN.replace("{ query: Query }", '@link(url: "https://x.dev/y/v1.0", for: SECURITY) { query: Query }'),
            "https://x.dev/y/v1.0",
        ),
        (JOIN, "Unknown type: 'Query'"),
        (JOIN + "type Query @join__type(graph: NOPE) { x: Int }", "unknown subgraph NOPE"),
        (JOIN + 'type Query @join__type(graph: A, key: "{") { x: Int }', "field set '{'"),
        (JOIN + "type Query @join__type(graph: A) { x: Missing }", "Unknown type"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_says_why(sdl: str, says: str) -> None:
    with pytest.raises(SupergraphInvalid, match=says.replace("{", r"\{")):
        Supergraph.load(sdl)
