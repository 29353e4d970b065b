"""Subgraphs with mistakes and oddities, by seed: a known case or random ones, changed at random.

Random subgraphs show what composes; these show what a composer makes of anything else. One to
four changes are made to the syntax tree of some subgraph: something is left out, copied from
another subgraph, given another type, another directive, another default, put into an extension,
linked at another version or under another name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any, Final

from graphql import GraphQLError, Node, parse, parse_const_value, parse_type, print_ast
from graphql.language import ast

from router.composition.sources import SubgraphSource
from tests.router.composition.random_subgraphs import random_subgraphs

__all__ = ["mutated_subgraphs"]

CASES: Final = Path(__file__).parent / "cases"
DIRECTIVES: Final = (
    "authenticated",
    'cacheTag(format: "x")',
    'composeDirective(name: "@custom")',
    'context(name: "c")',
    "cost(weight: 3)",
    "cost(weight: 5)",
    "deprecated",
    'deprecated(reason: "old")',
    "extends",
    "external",
    'fromContext(field: "$c { id }")',
    "inaccessible",
    "interfaceObject",
    'key(fields: "id")',
    'key(fields: "id", resolvable: false)',
    'key(fields: "id x")',
    "listSize(assumedSize: 3)",
    'listSize(slicingArguments: ["a"], sizedFields: ["x"])',
    'override(from: "a")',
    'override(from: "b")',
    'override(from: "a", label: "percent(5)")',
    'policy(policies: [["p"], ["q"]])',
    'policy(policies: [["p"]])',
    'provides(fields: "x")',
    'requires(fields: "x")',
    'requiresScopes(scopes: [["s"]])',
    'requiresScopes(scopes: [["s", "t"]])',
    "shareable",
    'specifiedBy(url: "https://example.org")',
    'tag(name: "a")',
    'tag(name: "b")',
)
SPECS: Final = (
    "authenticated/v0.1",
    "context/v0.1",
    "cost/v0.1",
    "federation/v1.0",
    "federation/v2.15",
    "inaccessible/v0.2",
    "link/v1.0",
    "policy/v0.1",
    "requiresScopes/v0.1",
    "tag/v0.3",
)
VERSIONS: Final = tuple(f"v2.{minor}" for minor in range(15))
DEFAULTS: Final = ("1", "2", '"x"', "null", "true", "[1]", "{a: 1}", "X")
NAMES: Final = ("id", "x", "a", "extra")

Change = Callable[["_Mutation"], bool]


def mutated_subgraphs(seed: int) -> list[SubgraphSource]:
    """Return the subgraphs of some case with one to four changes."""
    return _Mutation(Random(seed)).sources()


class _Mutation:
    """Changes to the documents of one case."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.documents: dict[str, ast.DocumentNode] = {}
        self.kept: dict[str, str] = {}
        for name, text in _base(random).items():
            try:
                self.documents[name] = parse(text, no_location=True)
            except GraphQLError:
                self.kept[name] = text
        self.changes: tuple[Change, ...] = (
            *(_apply_directive,) * 4,
            *(_change_type,) * 2,
            *(_leave_out,) * 3,
            *(_copy,) * 3,
            _add_argument,
            _add_field,
            _change_default,
            _change_field_set,
            _change_import,
            _change_version,
            _describe,
            _extend,
            _implement,
            _link,
            _swap,
        )

    def sources(self) -> list[SubgraphSource]:
        """Return the subgraphs, changed."""
        wanted = self.random.choice((1, 1, 1, 2, 2, 3, 4))
        for _ in range(wanted * 4 if self.documents else 0):
            if self.random.choice(self.changes)(self):
                wanted -= 1
            if not wanted:
                break
        texts = {name: print_ast(document) for name, document in self.documents.items()}
        return [
            SubgraphSource(name, f"http://{name}", text)
            for name, text in sorted({**texts, **self.kept}.items())
        ]

    # what there is to change --------------------------------------------------------------

    def document(self) -> ast.DocumentNode:
        """Return the document of some subgraph."""
        return self.documents[self.random.choice(sorted(self.documents))]

    def pick(self, *kinds: type[Node], within: Node | None = None) -> Any | None:
        """Return some node of one of the kinds, or None."""
        root = within if within is not None else self.document()
        found = [node for node in _nodes(root) if isinstance(node, kinds)]
        return self.random.choice(found) if found else None


def _base(random: Random) -> dict[str, str]:
    """Return the schemas of some case, or of random subgraphs."""
    if random.random() < 0.3:
        return {source.name: source.sdl for source in random_subgraphs(random.randrange(10**6))}
    folder = random.choice(sorted(path for path in CASES.iterdir() if path.is_dir()))
    files = sorted(folder.glob("*.graphql"))
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for key in node.keys:
        value = getattr(node, key, None)
        for child in value if isinstance(value, tuple | list) else (value,):
            if isinstance(child, Node):
                yield from _nodes(child)


def _lists(node: Node) -> dict[str, tuple[Node, ...]]:
    """Return the lists of parts that a node has, by attribute."""
    return {
        key: tuple(getattr(node, key) or ())
        for key in ("definitions", "fields", "arguments", "values", "types", "interfaces")
        if key in node.keys and not isinstance(node, ast.DirectiveNode)
    }


def _set(node: Node, attribute: str, value: object) -> None:
    """Change a node, which is frozen but ours alone."""
    object.__setattr__(node, attribute, value)


def _directives(node: Node) -> tuple[ast.DirectiveNode, ...]:
    return tuple(getattr(node, "directives", ()) or ())


# -- changes: each tells whether it did anything ------------------------------------------------


def _apply_directive(mutation: _Mutation) -> bool:
    target = mutation.pick(
        ast.FieldDefinitionNode,
        ast.InputValueDefinitionNode,
        ast.EnumValueDefinitionNode,
        ast.TypeDefinitionNode,
        ast.TypeExtensionNode,
    )
    if target is None:
        return False
    text = mutation.random.choice(DIRECTIVES)
    if mutation.random.random() < 0.1:
        text = f"federation__{text}"
    parsed = parse(f"type T @{text} {{ a: Int }}", no_location=True).definitions[0]
    _set(target, "directives", (*_directives(target), *_directives(parsed)))
    return True


def _change_type(mutation: _Mutation) -> bool:
    target = mutation.pick(ast.FieldDefinitionNode, ast.InputValueDefinitionNode)
    if target is None:
        return False
    text = print_ast(target.type)
    names = [
        node.name.value
        for document in mutation.documents.values()
        for node in document.definitions
        if isinstance(node, ast.TypeDefinitionNode)
    ]
    changed = mutation.random.choice(
        (
            text.removesuffix("!") if text.endswith("!") else f"{text}!",
            f"[{text}]",
            text.strip("[]!"),
            *names[:3],
            mutation.random.choice(("Int", "String", "ID", "Boolean", "Float", "Missing")),
        )
    )
    _set(target, "type", parse_type(changed, no_location=True))
    return changed != text


def _leave_out(mutation: _Mutation) -> bool:
    """Take away a part of something, or a directive from it."""
    node = mutation.pick(Node)
    if node is None:
        return False
    if _directives(node) and mutation.random.random() < 0.5:
        gone = mutation.random.choice(_directives(node))
        _set(node, "directives", tuple(each for each in _directives(node) if each is not gone))
        return True
    lists = {key: parts for key, parts in _lists(node).items() if parts}
    if not lists:
        return False
    key = mutation.random.choice(sorted(lists))
    gone = mutation.random.choice(lists[key])
    _set(node, key, tuple(each for each in lists[key] if each is not gone))
    return True


def _copy(mutation: _Mutation) -> bool:
    """Copy a type, or a field of a type that both have, from one subgraph to another."""
    if len(mutation.documents) < 2:
        return False
    source, target = mutation.random.sample(sorted(mutation.documents), 2)
    copied = mutation.pick(ast.TypeDefinitionNode, within=mutation.documents[source])
    if copied is None:
        return False
    document = mutation.documents[target]
    same = [
        node
        for node in document.definitions
        if type(node) is type(copied) and node.name.value == copied.name.value  # type: ignore[attr-defined]
    ]
    if not same:
        _set(document, "definitions", (*document.definitions, deepcopy(copied)))
        return True
    key = "values" if isinstance(copied, ast.EnumTypeDefinitionNode) else "fields"
    parts = [
        part
        for part in getattr(copied, key, ())
        if part.name.value not in {each.name.value for each in getattr(same[0], key, ())}
    ]
    if not parts:
        return False
    part = deepcopy(mutation.random.choice(parts))
    _set(same[0], key, (*getattr(same[0], key), part))
    return True


def _add_argument(mutation: _Mutation) -> bool:
    target = mutation.pick(ast.FieldDefinitionNode, ast.DirectiveDefinitionNode)
    if target is None:
        return False
    text = mutation.random.choice(
        ("a: Int", "a: Int!", "a: Int = 1", "x: [String!]", "id: ID! = 7")
    )
    holder: Any = parse(f"type T {{ f({text}): Int }}", no_location=True).definitions[0]
    _set(target, "arguments", (*(target.arguments or ()), *holder.fields[0].arguments))
    return True


def _add_field(mutation: _Mutation) -> bool:
    target = mutation.pick(
        ast.ObjectTypeDefinitionNode,
        ast.InterfaceTypeDefinitionNode,
        ast.InputObjectTypeDefinitionNode,
        ast.EnumTypeDefinitionNode,
    )
    if target is None:
        return False
    name = mutation.random.choice(NAMES)
    if isinstance(target, ast.EnumTypeDefinitionNode):
        enum: Any = parse(f"enum E {{ {name} }}", no_location=True).definitions[0]
        _set(target, "values", (*(target.values or ()), *enum.values))
        return True
    kind = "input" if isinstance(target, ast.InputObjectTypeDefinitionNode) else "type"
    type_text = mutation.random.choice(("Int", "ID!", "String", "[Int]"))
    holder: Any = parse(f"{kind} T {{ {name}: {type_text} }}", no_location=True).definitions[0]
    _set(target, "fields", (*(target.fields or ()), *holder.fields))
    return True


def _change_default(mutation: _Mutation) -> bool:
    target = mutation.pick(ast.InputValueDefinitionNode)
    if target is None:
        return False
    if target.default_value is not None and mutation.random.random() < 0.4:
        _set(target, "default_value", None)
    else:
        text = mutation.random.choice(DEFAULTS)
        _set(target, "default_value", parse_const_value(text, no_location=True))
    return True


def _change_field_set(mutation: _Mutation) -> bool:
    """Change the text that some directive is given."""
    directive = mutation.pick(ast.DirectiveNode)
    if directive is None:
        return False
    texts = [node for node in _nodes(directive) if isinstance(node, ast.StringValueNode)]
    if not texts or directive.name.value == "link":
        return False
    text = mutation.random.choice(texts)
    word = mutation.random.choice(NAMES)
    _set(
        text,
        "value",
        mutation.random.choice(
            (
                f"{text.value} {word}",
                word,
                "",
                f"{word} {{ id }}",
                f"{{ {text.value} }}",
                "a: b",
                "...on T { x }",
            )
        ),
    )
    return True


def _link_of(mutation: _Mutation, feature: str) -> ast.DirectiveNode | None:
    document = mutation.document()
    for node in document.definitions:
        for directive in _directives(node):
            if directive.name.value == "link" and f"/{feature}/" in print_ast(directive):
                return directive
    return None


def _change_import(mutation: _Mutation) -> bool:
    """Take an import out, or give it another name."""
    link = _link_of(mutation, "federation")
    if link is None:
        return False
    for argument in link.arguments:
        if argument.name.value == "import" and isinstance(argument.value, ast.ListValueNode):
            values = list(argument.value.values)
            if not values:
                return False
            index = mutation.random.randrange(len(values))
            value = values.pop(index)
            if isinstance(value, ast.StringValueNode) and mutation.random.random() < 0.5:
                name = value.value.lstrip("@")
                renamed = f'{{name: "@{name}", as: "@my{name}"}}'
                values.insert(index, parse_const_value(renamed, no_location=True))
            _set(argument.value, "values", tuple(values))
            return True
    return False


def _change_version(mutation: _Mutation) -> bool:
    link = _link_of(mutation, "federation")
    if link is None:
        return False
    for argument in link.arguments:
        if argument.name.value == "url" and isinstance(argument.value, ast.StringValueNode):
            head, _, _ = argument.value.value.rpartition("/")
            _set(argument.value, "value", f"{head}/{mutation.random.choice(VERSIONS)}")
            return True
    return False


def _describe(mutation: _Mutation) -> bool:
    target = mutation.pick(
        ast.FieldDefinitionNode,
        ast.InputValueDefinitionNode,
        ast.EnumValueDefinitionNode,
        ast.TypeDefinitionNode,
        ast.DirectiveDefinitionNode,
    )
    if target is None:
        return False
    text = mutation.random.choice(("one", "two", "", "in\ntwo lines", 'with "quotes"'))
    _set(target, "description", ast.StringValueNode(value=text, block="\n" in text))
    return True


def _extend(mutation: _Mutation) -> bool:
    """Put a type, or some of its fields, into an extension."""
    document = mutation.document()
    definition = mutation.pick(
        ast.ObjectTypeDefinitionNode, ast.InterfaceTypeDefinitionNode, within=document
    )
    if definition is None or not (definition.fields or definition.directives):
        return False
    extension: Any = parse(
        f"extend {print_ast(_without_description(definition))}", no_location=True
    ).definitions[0]
    if mutation.random.random() < 0.5:
        _set(
            document,
            "definitions",
            tuple(extension if node is definition else node for node in document.definitions),
        )
        return True
    fields = tuple(definition.fields or ())
    if len(fields) < 2:
        return False
    cut = mutation.random.randrange(1, len(fields))
    _set(definition, "fields", fields[:cut])
    _set(extension, "fields", fields[cut:])
    _set(extension, "interfaces", ())
    if mutation.random.random() < 0.7:
        _set(extension, "directives", ())
    _set(document, "definitions", (*document.definitions, extension))
    return True


def _without_description(node: Any) -> Any:
    copied = deepcopy(node)
    _set(copied, "description", None)
    return copied


def _implement(mutation: _Mutation) -> bool:
    document = mutation.document()
    interface = mutation.pick(ast.InterfaceTypeDefinitionNode, within=document)
    target = mutation.pick(
        ast.ObjectTypeDefinitionNode, ast.InterfaceTypeDefinitionNode, within=document
    )
    if interface is None or target is None:
        return False
    named = ast.NamedTypeNode(name=ast.NameNode(value=interface.name.value))
    _set(target, "interfaces", (*(target.interfaces or ()), named))
    if mutation.random.random() < 0.6:
        have = {field.name.value for field in target.fields or ()}
        more = tuple(deepcopy(f) for f in interface.fields or () if f.name.value not in have)
        _set(target, "fields", (*(target.fields or ()), *more))
    return True


def _link(mutation: _Mutation) -> bool:
    spec = mutation.random.choice(SPECS)
    more = mutation.random.choice(
        ("", ', as: "other"', ", for: SECURITY", f', import: ["@{spec.split("/")[0]}"]')
    )
    text = f'extend schema @link(url: "https://specs.apollo.dev/{spec}"{more})'
    document = mutation.document()
    _set(
        document, "definitions", (*document.definitions, *parse(text, no_location=True).definitions)
    )
    return True


def _swap(mutation: _Mutation) -> bool:
    """Let an object type be an interface, or the other way round."""
    document = mutation.document()
    definition = mutation.pick(
        ast.ObjectTypeDefinitionNode, ast.InterfaceTypeDefinitionNode, within=document
    )
    if definition is None or definition.name.value in ("Query", "Mutation"):
        return False
    other = (
        ast.InterfaceTypeDefinitionNode
        if isinstance(definition, ast.ObjectTypeDefinitionNode)
        else ast.ObjectTypeDefinitionNode
    )
    swapped = other(**{key: getattr(definition, key) for key in definition.keys if key != "loc"})
    _set(
        document,
        "definitions",
        tuple(swapped if node is definition else node for node in document.definitions),
    )
    return True
