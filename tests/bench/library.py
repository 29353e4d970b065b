"""The benchmark's graph: a library in four subgraphs, made of seeded data.

The idea is that of the field's public federation benchmark (users, products, stock and reviews
that refer to each other several levels deep): one query, six subgraph requests, an answer of
some ten kilobytes in which few entities stand in many places. Names and data are our own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from graphql import GraphQLObjectType, GraphQLSchema, GraphQLUnionType, build_schema

__all__ = ["QUERY", "SDL", "SMALL_QUERY", "WIDE_QUERY", "executable"]

_LINK: Final = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", '
    'import: ["@key", "@external", "@requires", "@provides", "@shareable"])\n'
)

SDL: Final[Mapping[str, str]] = {
    "people": _LINK
    + """
    type Query { readers: [Reader] }
    type Reader @key(fields: "id") { id: ID! name: String handle: String @shareable }
    """,
    "catalogue": _LINK
    + """
    type Query { shelf(first: Int = 6): [Book] }
    type Book @key(fields: "isbn") { isbn: String! title: String price: Int pages: Int }
    """,
    "stock": _LINK
    + """
    type Book @key(fields: "isbn") {
      isbn: String! price: Int @external pages: Int @external
      lendable: Boolean postage: Int @requires(fields: "price pages")
    }
    """,
    "opinions": _LINK
    + """
    type Opinion @key(fields: "id") {
      id: ID! text: String book: Book writer: Reader @provides(fields: "handle")
    }
    type Reader @key(fields: "id") { id: ID! handle: String @external opinions: [Opinion] }
    type Book @key(fields: "isbn") { isbn: String! opinions: [Opinion] }
    """,
}

QUERY: Final = """
fragment R on Reader { id handle name }
fragment O on Opinion { id text }
fragment B on Book { lendable title price postage isbn pages }
query Library {
  readers { ...R opinions { ...O book { ...B opinions { ...O writer { ...R opinions { ...O book {
    ...B } } } } } } }
  shelf { ...B opinions { ...O writer { ...R opinions { ...O book { ...B } } } } }
}
"""
SMALL_QUERY: Final = "{ shelf { title } }"
WIDE_QUERY: Final = (
    "{" + "".join(f" s{n}: shelf {{ isbn title price pages }}" for n in range(40)) + " }"
)
"""One fetch whose answer is the response as it comes."""

_random = random.Random(7)
READERS: Final = {
    str(n): {"id": str(n), "name": f"Reader {n}", "handle": f"reader{n}"} for n in range(1, 8)
}
BOOKS: Final = {
    f"978-{n}": {
        "isbn": f"978-{n}",
        "title": f"Book number {n}",
        "price": _random.randint(100, 2000),
        "pages": _random.randint(40, 900),
        "lendable": n % 3 != 0,
    }
    for n in range(1, 10)
}
OPINIONS: Final = {
    str(n): {
        "id": str(n),
        "text": f"Opinion {n}: " + " ".join(_random.choices(["dull", "bright", "long"], k=4)),
        "book": f"978-{_random.randint(1, 6)}",
        "writer": str(_random.randint(1, 3)),
    }
    for n in range(1, 15)
}


def executable(name: str) -> GraphQLSchema:
    """Return a subgraph as a schema that graphql-core can execute."""
    text = SDL[name].replace(_LINK, "")
    for directive in ("@shareable", "@external"):
        text = text.replace(directive, "")
    entity = " | ".join(
        each for each in ("Reader", "Book", "Opinion") if f"type {each} @key" in text
    )
    if "type Query" not in text:
        text += "type Query"
    head = """
    scalar _Any
    scalar FieldSet
    directive @key(fields: FieldSet!) repeatable on OBJECT
    directive @requires(fields: FieldSet!) on FIELD_DEFINITION
    directive @provides(fields: FieldSet!) on FIELD_DEFINITION
    """
    tail = f"""
    union _Entity = {entity}
    extend type Query {{ _entities(representations: [_Any!]!): [_Entity]! }}
    """
    schema = build_schema(head + text + tail, assume_valid_sdl=True)
    for kind, fields in _RESOLVERS.items():
        found = schema.type_map.get(kind)
        if isinstance(found, GraphQLObjectType):
            for field, resolve in fields.items():
                if field in found.fields:
                    found.fields[field].resolve = resolve
    union = schema.type_map["_Entity"]
    assert isinstance(union, GraphQLUnionType)
    union.resolve_type = lambda value, *_: value["__typename"]
    return schema


def _entities(_: Any, __: Any, representations: list[dict[str, Any]]) -> list[Any]:
    found = []
    for each in representations:
        known: Mapping[str, Any] = {
            "Reader": lambda r: READERS[r["id"]],
            "Book": lambda r: BOOKS[r["isbn"]],
            "Opinion": lambda r: OPINIONS[r["id"]],
        }[each["__typename"]](each)
        found.append({**known, **each})
    return found


def _opinions_of(field: str) -> Callable[..., list[Any]]:
    key = "isbn" if field == "book" else "id"

    def resolve(source: Mapping[str, Any], _: Any) -> list[Any]:
        return [each for each in OPINIONS.values() if each[field] == source[key]][:3]

    return resolve


_RESOLVERS: Final[Mapping[str, Mapping[str, Callable[..., Any]]]] = {
    "Query": {
        "readers": lambda *_: list(READERS.values()),
        "shelf": lambda _, __, first: list(BOOKS.values())[:first],
        "_entities": _entities,
    },
    "Opinion": {
        "book": lambda source, _: BOOKS[source["book"]],
        "writer": lambda source, _: READERS[source["writer"]],
    },
    "Reader": {"opinions": _opinions_of("writer")},
    "Book": {
        "opinions": _opinions_of("book"),
        "postage": lambda source, _: source["price"] // 100 + source["pages"] // 50,
    },
}
