"""A draft's tree -> the text of a subgraph operation, with the aliases it needs inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct, field

from router.planning.folding import fold
from router.planning.overlap import disjoint, same_shape, shape
from router.planning.plan import OnTypes, Path, Rename, VariableUse, When
from router.planning.tree import On, SelectedField, Tree
from router.supergraph import SubgraphView

__all__ = ["Printed", "operation_text", "print_selection"]


MIN_SHARED: Final = 40
"""Characters from which on a selection that is printed for several types becomes a fragment."""


class Printed(Struct):
    """A selection without its outer braces, what must be renamed in its answer, and more."""

    text: str
    renames: tuple[Rename, ...]
    variables: frozenset[str]


def print_selection(
    tree: Tree,
    subgraph: SubgraphView,
    handled: frozenset[When],
    sent: Iterable[str] = (),
    fragments: dict[str, str] | None = None,
) -> Printed:
    """Print a tree; ``handled`` conditions are the fetch's own and not repeated inside.

    ``sent``: the types of the objects sent, for the tree of an entity fetch. Named fragments are
    added to ``fragments`` (definition by text), which the fetch's other selections may share.
    """
    settled = _settled(tree, handled)
    aliases = _Aliases(subgraph)
    if _may_overlap(settled):
        settled, aliases = _folded(settled, subgraph, frozenset(sent))
    printer = _Printer(aliases.by_field, {} if fragments is None else fragments)
    return Printed(
        printer.body(settled, handled), tuple(aliases.renames), frozenset(printer.variables)
    )


def _folded(tree: Tree, subgraph: SubgraphView, sent: frozenset[str]) -> tuple[Tree, _Aliases]:
    """The tree with as few fragments as can be, unless that takes names which types alone do not."""
    found: list[tuple[Tree, _Aliases]] = []
    for share in (True, False):
        folded, aliases = fold(tree, subgraph, sent, share=share), _Aliases(subgraph)
        if _may_overlap(folded):
            aliases.resolve([(folded, ())], ())
        if not aliases.renames:
            return folded, aliases
        found.append((folded, aliases))
    return min(found, key=lambda item: len(item[1].renames))


def operation_text(
    kind: str,
    name: str | None,
    variables: Sequence[VariableUse],
    extra: Sequence[tuple[str, str]],
    body: str,
    fragments: Iterable[str] = (),
    directives: str = "",
) -> str:
    """A whole operation; ``extra`` are (name, type) of variables the router fills itself."""
    declared = [f"${variable}:{type_}" for variable, type_ in extra]
    for use in variables:
        default = f"={use.default}" if use.default is not None else ""
        declared.append(f"${use.name}:{use.type}{default}")
    head = f"({','.join(declared)})" if declared else ""
    tail = "".join(f" {fragment}" for fragment in fragments)
    if kind == "query" and not head and name is None and not directives:
        return f"{{{body}}}{tail}"
    marks = f" {directives}" if directives else ""
    return f"{kind}{' ' + name if name else ''}{head}{marks}{{{body}}}{tail}"


def _settled(tree: Tree, handled: frozenset[When]) -> Tree:
    """The tree without fragments that carry only conditions that hold anyway."""
    kept = Tree(tree.type_name, variables=tree.variables)
    _settle_into(kept, tree, handled)
    return kept


def _settle_into(kept: Tree, tree: Tree, handled: frozenset[When]) -> None:
    for (key, name, arguments, directives, when), picked in tree.fields.items():
        left = tuple(w for w in when if w not in handled)
        child = _settled(picked.child, handled | set(when)) if picked.child is not None else None
        place = (key, name, arguments, directives, left)
        known = kept.fields.get(place)
        if known is None:
            kept.fields[place] = SelectedField(
                key, name, arguments, directives, left, picked.variables, child
            )
        elif known.child is not None and child is not None:
            known.child.merge(child)
    for (on, when, directives), inner in tree.fragments.items():
        left = tuple(w for w in when if w not in handled)
        if not on and not left and not directives:
            _settle_into(kept, inner, handled)
            continue
        settled = _settled(inner, handled | set(when))
        # An empty fragment of an entity still says which type answers; others say nothing.
        if tree.type_name != "_Entity" and _says_nothing(settled, kept):
            continue
        known_inner = kept.fragments.get((on, left, directives))
        if known_inner is None:
            kept.fragments[on, left, directives] = settled
        else:
            known_inner.merge(settled)


def _says_nothing(inner: Tree, around: Tree) -> bool:
    """Whether a fragment selects nothing, or only the ``__typename`` selected around it."""
    if inner.fragments or not inner.fields:
        return inner.is_empty
    typename = ("__typename", "__typename", "", "", ())
    return inner.fields.keys() == {typename} and typename in around.fields


def _may_overlap(tree: Tree) -> bool:
    """Whether a key may stand for two fields, on several types or beside and inside a fragment.

    Below two objects of one key too, which only their conditions tell apart.
    """
    objects = [picked.key for picked in tree.fields.values() if picked.child is not None]
    if len(set(objects)) < len(objects) or len(tree.fragments) > 1:
        return True
    if any(len(on) > 1 for on, _, _ in tree.fragments):
        return True
    for inner in tree.fragments.values():
        around = {picked.key for picked in tree.fields.values()}
        if any(picked.key in around for _, picked in inner.by_key((inner.type_name,))):
            return True
        if _may_overlap(inner):
            return True
    return any(
        picked.child is not None and _may_overlap(picked.child) for picked in tree.fields.values()
    )


_Lineage = tuple[On, ...]
"""The types that the fields above were selected on, outermost first."""


class _Aliases(Struct):
    """New response keys where a key would stand for fields of different shapes."""

    subgraph: SubgraphView
    by_field: dict[int, str] = field(default_factory=dict)
    renames: list[Rename] = field(default_factory=list)

    def resolve(self, trees: Sequence[tuple[Tree, _Lineage]], path: Path) -> None:
        """Compare all fields at one place of the answer, then the places below."""
        groups: dict[str, list[tuple[_Lineage, SelectedField]]] = {}
        for tree, lineage in trees:
            for types, picked in tree.by_key():
                groups.setdefault(picked.key, []).append(((*lineage, types), picked))
        for key, selected in list(groups.items()):
            kept: list[tuple[_Lineage, SelectedField]] = []
            aliased: dict[tuple[On, str, str], list[tuple[_Lineage, SelectedField]]] = {}
            if len({self._signature(item) for item in selected}) == 1:
                self._below(selected, (*path, key))
                continue
            for item in selected:
                if all(self._fits(known, item) for known in kept):
                    kept.append(item)
                else:
                    lineage, picked = item
                    aliased.setdefault((lineage[-1], picked.name, picked.arguments), []).append(
                        item
                    )
            self._below(kept, (*path, key))
            for (types, *_), items in aliased.items():
                alias = _unused(key, groups)
                groups[alias] = []
                for _, picked in items:
                    self.by_field[id(picked)] = alias
                self._below(items, (*path, alias))
                self.renames.append(Rename((*path, OnTypes(tuple(sorted(types)))), alias, key))

    def _below(self, selected: Sequence[tuple[_Lineage, SelectedField]], path: Path) -> None:
        trees = [(e.child, lineage) for lineage, e in selected if e.child is not None]
        if trees:
            self.resolve(trees, path)

    def _signature(self, item: tuple[_Lineage, SelectedField]) -> tuple[object, ...]:
        lineage, picked = item
        return picked.name, picked.arguments, shape(self.subgraph, (lineage[-1][0], picked))

    def _fits(
        self, known: tuple[_Lineage, SelectedField], item: tuple[_Lineage, SelectedField]
    ) -> bool:
        (above, one), (lineage, other) = known, item
        exclusive = any(
            all(disjoint(self.subgraph, one, two) for one in first for two in second)
            for first, second in zip(above, lineage, strict=True)
        )
        if not exclusive and (one.name, one.arguments) != (other.name, other.arguments):
            return False
        return same_shape(self.subgraph, (above[-1][0], one), (lineage[-1][0], other))


def _unused(key: str, groups: Iterable[str]) -> str:
    taken = set(groups)
    number = 1
    while f"{key}__{number}" in taken:
        number += 1
    return f"{key}__{number}"


class _Printer:
    def __init__(self, aliases: dict[int, str], fragments: dict[str, str]) -> None:
        self.aliases = aliases
        self.fragments = fragments
        self.variables: set[str] = set()
        self._repeated = False

    def body(self, tree: Tree, handled: frozenset[When]) -> str:
        """What stands between the braces."""
        self.variables.update(tree.variables)
        always = {place[:4] for place in tree.fields if not place[4]}
        parts: list[str] = []
        for place, picked in tree.fields.items():
            if picked.child is None and picked.when and place[:4] in always:
                continue  # selected unconditionally as well
            text = self._field(picked, handled)
            if picked.name == "__typename":
                parts.insert(0, text)
            else:
                parts.append(text)
        for (on, when, directives), inner in tree.fragments.items():
            repeated, self._repeated = self._repeated, self._repeated or len(on) > 1
            inside = self.body(inner, handled | set(when))
            self._repeated = repeated
            for head in [f"...on {name}" for name in on] or ["..."]:
                parts.append(self._conditional(head, directives, when, f"{{{inside}}}"))
        return " ".join(parts) if parts else "__typename"

    def _field(self, picked: SelectedField, handled: frozenset[When]) -> str:
        self.variables.update(picked.variables)
        key = self.aliases.get(id(picked), picked.key)
        head = picked.name if key == picked.name else f"{key}:{picked.name}"
        if picked.arguments:
            head += f"({picked.arguments})"
        tail = ""
        if picked.child is not None:
            tail = f"{{{self._selection(picked.child, handled | set(picked.when))}}}"
        return self._conditional(head, picked.directives, picked.when, tail)

    def _selection(self, tree: Tree, handled: frozenset[When]) -> str:
        """What stands below a field; a named fragment where it would stand there many times."""
        text = self.body(tree, handled)
        if not self._repeated or len(text) < MIN_SHARED:
            return text
        definition = f"on {tree.type_name}{{{text}}}"
        name = self.fragments.setdefault(definition, f"f{len(self.fragments)}")
        return f"...{name}"

    def _conditional(self, head: str, directives: str, when: Iterable[When], tail: str) -> str:
        """``@skip`` and ``@include`` fit once on an element; more go around it."""
        own: dict[bool, When] = {}
        around: list[When] = []
        for condition in when:
            self.variables.add(condition.variable)
            if own.setdefault(condition.value, condition) is not condition:
                around.append(condition)
        marks = [directives, *map(_directive, own.values())]
        marked = [head, *filter(None, marks)]
        text = " ".join(marked) + tail
        for condition in around:
            text = f"...{_directive(condition)}{{{text}}}"
        return text


def _directive(condition: When) -> str:
    name = "include" if condition.value else "skip"
    return f"@{name}(if:${condition.variable})"
