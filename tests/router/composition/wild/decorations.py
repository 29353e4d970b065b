"""What the themes of a draw add to the types of a wild subgraph, in the order of the draw."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Final

from tests.router.composition.wild.model import Argument, Field, Type
from tests.router.composition.wild.part import Part
from tests.router.composition.wild.world import VALUES

__all__ = ["DECORATIONS", "disturb"]

TEXTS: Final = (
    '"one"',
    '"two"',
    '""',
    '"""\nin two\n  lines\n"""',
    '"with \\"quotes\\" and \\\\ and \\u00e9 and \\n"',
    '"""with ""quotes"" and \\ and \\""" inside"""',
    '"""ends in "quotes" """',
    '"ünïcödé \U0001f600"',
    f'"{"long " * 20}"',
    '"""\n    indented\n\n  more\n"""',
)
TAGS: Final = tuple(f'tag(name: "{name}")' for name in ("a", "b", "c:d"))
ACCESS: Final = (
    "authenticated",
    'requiresScopes(scopes: [["a"], ["b"]])',
    'requiresScopes(scopes: [["a", "b"]])',
    'requiresScopes(scopes: [["c", "a"], ["b"], ["a"]])',
    "requiresScopes(scopes: [[]])",
    "requiresScopes(scopes: [])",
    'policy(policies: [["p"], ["q", "r"]])',
    'policy(policies: [["r", "q"]])',
    "policy(policies: [])",
)
COSTS: Final = tuple(f"cost(weight: {weight})" for weight in (1, 3, 5))
SIZES: Final = (
    "listSize(assumedSize: 3)",
    "listSize(assumedSize: 10, requireOneSlicingArgument: false)",
    'listSize(slicingArguments: ["first"])',
    'listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: false)',
    'listSize(slicingArguments: ["last"], requireOneSlicingArgument: true)',
)
DEPRECATIONS: Final = ("deprecated", 'deprecated(reason: "old")', 'deprecated(reason: "older")')
CUSTOM: Final = ("custom", "custom(a: 2)", 'custom(b: ["x"])', "custom(e: B)", "custom(i: {a: 1})")
CACHE: Final = ('cacheTag(format: "x")', 'cacheTag(format: "y-{$key.id}")')


def _requires(part: Part) -> None:
    for found in part.objects():
        whole = part.world.types.get(found.name)
        if whole is None or not any(mark.startswith("key") for mark in found.marks):
            continue
        missing = [
            key
            for key, each in whole.fields.items()
            if key not in found.fields and each.base in ("Int", "String", "V", "Boolean")
        ]
        if not missing or not part.world.chance(0.6):
            continue
        wanted = part.random.choice(missing)
        external = deepcopy(whole.fields[wanted])
        external.marks = ["external"]
        selection = wanted
        if external.base == "V":
            selection = f"{wanted} {{ v0 }}"
            part.add("V")
        found.fields[wanted] = external
        part.close(found)
        found.fields[f"r{part.index}"] = Field("Int", marks=[f'requires(fields: "{selection}")'])


def _provides(part: Part) -> None:
    for found in part.objects():
        for each in list(found.fields.values()):
            target = part.types.get(each.base)
            whole = part.world.types.get(each.base)
            if target is None or whole is None or target.keyword != "type" or target is found:
                continue
            missing = [
                key
                for key, other in whole.fields.items()
                if (key not in target.fields or "external" in target.fields[key].marks)
                and not other.arguments
                and other.base in ("Int", "String", "Boolean")
            ]
            if missing and "shareable" not in target.marks and part.world.chance(0.4):
                wanted = part.random.choice(missing)
                target.fields[wanted] = deepcopy(whole.fields[wanted])
                target.fields[wanted].marks = ["external"]
                each.marks.append(f'provides(fields: "{wanted}")')


def _overrides(part: Part) -> None:
    world = part.world
    for found in part.objects():
        for key, each in found.fields.items():
            owners = world.owners.get((found.name, key), [])
            others = [index for index in owners if index != part.index]
            if others and part.index == min(owners) and world.chance(0.6):
                source = world.names[others[0]] if not world.chance(0.05) else "nobody"
                label = part.random.choice(("", "", ', label: "percent(5)"', ', label: "l"'))
                each.marks = [mark for mark in each.marks if mark != "shareable"]
                each.marks.append(f'override(from: "{source}"{label})')


def _hidden(part: Part) -> None:
    places = [each.marks for each in part.fields()]
    places += [each.marks for each in part.inputs()]
    places += [each.marks for each in part.types.values() if each.name != "Query"]
    places += [marks for each in part.types.values() for marks in each.values.values()]
    part.sprinkle(("inaccessible",), places, 0.3)


def _tags(part: Part) -> None:
    places = [each.marks for each in part.fields()]
    places += [each.marks for each in part.inputs()]
    places += [each.marks for each in part.types.values()]
    places += [marks for each in part.types.values() for marks in each.values.values()]
    part.sprinkle(TAGS, places)


def _access(part: Part) -> None:
    places = [each.marks for each in part.fields()]
    places += [each.marks for each in part.objects() if "interfaceObject" not in each.marks]
    places += [each.marks for each in part.types.values() if each.keyword in ("enum", "scalar")]
    part.sprinkle(ACCESS, places, 0.7)


def _cost(part: Part) -> None:
    places = [each.marks for each in (*part.fields(), *part.inputs(), *part.objects())]
    part.sprinkle(COSTS, places)
    lists = [each for each in part.fields() if each.type.startswith("[")]
    plain = [each.marks for each in lists if "first" not in each.arguments]
    part.sprinkle(SIZES[:2], plain, 2)
    part.sprinkle(SIZES, [each.marks for each in lists if "first" in each.arguments], 2)


def _deprecated(part: Part) -> None:
    places = [each.marks for each in part.fields()]
    places += [
        each.marks
        for each in part.inputs()
        if not each.type.endswith("!") or each.default is not None
    ]
    places += [marks for each in part.types.values() for marks in each.values.values()]
    part.sprinkle(DEPRECATIONS, places)


def _custom(part: Part) -> None:
    places = [each.marks for each in (*part.fields(), *part.inputs(), *part.objects())]
    places += [marks for each in part.types.values() for marks in each.values.values()]
    part.sprinkle(CUSTOM, places)


def _caching(part: Part) -> None:
    query = part.types["Query"]
    part.sprinkle(CACHE[:1], [each.marks for each in query.fields.values()])
    keyed = [each for each in part.objects() if 'key(fields: "id")' in each.marks]
    part.sprinkle(CACHE, [each.marks for each in keyed])


def _described(part: Part) -> None:
    for each in (*part.fields(), *part.inputs(), *part.types.values()):
        if part.world.chance(part.world.density):
            each.description = part.random.choice(TEXTS)


def _contexts(part: Part) -> None:
    world = part.world
    setters = [each for each in part.objects() if each.name in ("T", "U", "V")]
    takers = [each for each in part.objects() if each.name in ("T", "U")]
    if not setters or not takers or not world.chance(0.7):
        return
    setter, taker = part.random.choice(setters), part.random.choice(takers)
    readable = [
        (key, each.base)
        for key, each in setter.fields.items()
        if each.type in ("Int", "String", "Boolean", "E") and not each.arguments
        if "external" not in each.marks
    ]
    if readable:
        key, kind = part.random.choice(readable)
        setter.marks.append('context(name: "ctx")')
        selection = part.random.choice((f"$ctx {{ {key} }}", f" $ctx{{ {key} }} "))
        marks = [f'fromContext(field: "{selection}")']
        taker.fields[f"c{part.index}"] = Field("Int", {"from": Argument(kind, marks=marks)})


def _mutation(part: Part) -> None:
    targets = [each.name for each in part.objects() if each.name != "Query"]
    if targets and part.world.chance(0.7):
        fields = {f"m{part.index}": Field(part.random.choice(targets), part.world.arguments())}
        if part.world.chance(0.3):
            fields["m"] = Field("Int", marks=["shareable"])
        part.types["Mutation"] = Type("type", "Mutation", fields=fields)
        part.close(part.types["Mutation"])


def _subscription(part: Part) -> None:
    targets = [each.name for each in part.objects() if each.name not in ("Query", "Mutation")]
    if targets and part.world.chance(0.7):
        fields = {f"s{part.index}": Field(part.random.choice(targets))}
        if part.world.chance(0.1):
            fields["s"] = Field("Int", marks=["shareable"])
        if part.world.chance(0.1):
            fields["sameName"] = Field("Int")
        part.types["Subscription"] = Type("type", "Subscription", fields=fields)


def _stubs(part: Part) -> None:
    """Let some entities be named only, not resolved, here."""
    for found in part.objects():
        whole = part.world.types.get(found.name)
        if whole is None or found.name not in ("T", "U") or not part.world.chance(0.5):
            continue
        keys = [mark for mark in found.marks if mark.startswith("key")]
        key = part.random.choice(keys)
        resolvable = part.random.choice((", resolvable: false", ", resolvable: false", ""))
        found.marks = [f"{key[:-1]}{resolvable})"]
        named = set(re.findall(r"\w+", key.partition('"')[2].partition('"')[0])) | {"i0"}
        found.fields = {name: each for name, each in found.fields.items() if name in named}


def _extending(part: Part) -> None:
    """Extend entities as federation 1 does: keys are external there."""
    for found in part.objects():
        keyed = any(mark.startswith("key") for mark in found.marks)
        if not keyed or "interfaceObject" in found.marks or not part.world.chance(0.5):
            continue
        found.marks.append("extends")
        for name in ("id", "code"):
            if name in found.fields and part.world.chance(0.8):
                found.fields[name].marks.append("external")


DECORATIONS: Final[dict[str, Callable[[Part], None]]] = {
    "stubs": _stubs,
    "extending": _extending,
    "mutation": _mutation,
    "subscription": _subscription,
    "requires": _requires,
    "provides": _provides,
    "overrides": _overrides,
    "contexts": _contexts,
    "hidden": _hidden,
    "tags": _tags,
    "access": _access,
    "cost": _cost,
    "deprecated": _deprecated,
    "custom": _custom,
    "caching": _caching,
    "described": _described,
}


def disturb(part: Part) -> None:
    """Let some types, defaults, members differ from the world's."""
    noise = part.world.noise
    for each in part.fields():
        if part.world.chance(noise):
            each.type = each.type.removesuffix("!") if each.type[-1] == "!" else each.type + "!"
        if part.world.chance(noise) and each.type not in ("ID!", "String!"):
            each.arguments |= part.world.arguments()
    for entry in part.inputs():
        if part.world.chance(noise):
            kind = entry.type.removesuffix("!")
            entry.default = part.random.choice(VALUES.get(kind, ("null",)))
        if part.world.chance(noise) and entry.default != "null":
            entry.type = entry.type.removesuffix("!") + part.random.choice(("", "!"))
    for found in part.types.values():
        for parts in (found.values, found.entries):
            if len(parts) > 1 and part.world.chance(noise * 2):
                parts.pop(part.random.choice(sorted(parts)))
