"""A random world, small enough to read when it fails."""

from __future__ import annotations

from random import Random

from .world import SCALARS, Arg, Entity, Field, Ref, UnionType, Value, World

__all__ = ["random_world"]

ARGS = (
    Arg("x", "Int", None),
    Arg("x", "Int", "3"),
    Arg("shade", "Shade", "RED"),
    Arg("text", "String", None),
)


def random_world(rng: Random, *, mutations: bool = True) -> World:
    """Return a world of two to five subgraphs; composition has the last word on it."""
    subgraphs = [f"s{number}" for number in range(rng.randint(2, 5))]
    entities = {f"E{n}": _entity(rng, f"E{n}", subgraphs) for n in range(rng.randint(1, 4))}
    world = World(
        seed=rng.randrange(1000),
        subgraphs=subgraphs,
        entities=entities,
        values={},
        abstracts={},
        query=Entity("Query", ids=["query"]),
        mutation=None,
    )
    _values(rng, world)
    for entity in entities.values():
        _plain_fields(rng, world, entity)
    _abstracts(rng, world)
    for entity in entities.values():
        _links(rng, world, entity, rng.randint(0, 3))
    for entity in entities.values():
        _requires(rng, entity)
        _override(rng, entity)
    _links(rng, world, world.query, rng.randint(1, 4), root=True)
    if not world.query.fields:
        home = next(iter(entities["E0"].keys))
        world.query.fields["first"] = Field("first", Ref("E0"), [home])
    _provides(rng, world)
    if mutations and rng.random() < 0.3:
        world.mutation = Entity("Mutation", ids=["mutation"])
        _links(rng, world, world.mutation, rng.randint(1, 3), root=True)
        if not world.mutation.fields:
            world.mutation = None
    return world


def _entity(rng: Random, name: str, subgraphs: list[str]) -> Entity:
    homes = rng.sample(subgraphs, rng.randint(1, len(subgraphs)))
    entity = Entity(name, ids=[f"{name}-{n}" for n in range(rng.randint(1, 4))])
    for home in sorted(homes):
        keys: list[tuple[tuple[str, ...], bool]] = [(("id",), True)]
        match rng.randrange(8):
            case 0:
                keys = [(("id",), True), (("code",), True)]
            case 1:
                keys = [(("code",), True)]
            case 2:
                keys = [(("code", "region"), True)]
            case 3:
                keys = [(("id",), True), (("code", "region"), True)]
            case 4:
                keys = [(("id",), False)]
        entity.keys[home] = keys
    for key, kind in (("id", "ID"), ("code", "String"), ("region", "String")):
        having = [
            home for home, keys in entity.keys.items() if any(key in fields for fields, _ in keys)
        ]
        if having:
            entity.fields[key] = Field(key, Ref(kind, 0, (True,)), having)
    return entity


def _values(rng: Random, world: World) -> None:
    for number in range(rng.randint(0, 2)):
        value = Value(f"V{number}")
        for index in range(rng.randint(1, 3)):
            homes = _some(rng, world.subgraphs, everywhere=0.7)
            name = f"v{index}"
            value.fields[name] = Field(name, _scalar(rng), homes)
        world.values[value.name] = value


def _plain_fields(rng: Random, world: World, entity: Entity) -> None:
    for index in range(rng.randint(1, 5)):
        name = f"{entity.name.lower()}f{index}"
        homes = _some(rng, list(entity.keys), everywhere=0.1)
        if rng.random() > 0.3:
            homes = homes[:1]
        args = [rng.choice(ARGS)] if rng.random() < 0.25 else []
        entity.fields[name] = Field(name, _scalar(rng), homes, args)


def _abstracts(rng: Random, world: World) -> None:
    names = list(world.entities)
    for number in range(rng.randint(0, 2)):
        members = sorted(rng.sample(names, rng.randint(1, len(names))))
        shared = [s for s in world.subgraphs if all(s in world.entities[m].keys for m in members)]
        if not shared:
            continue
        homes = shared[: rng.randint(1, len(shared))]
        name = f"A{number}"
        if rng.random() < 0.4:
            world.abstracts[name] = UnionType(name, members, homes)
        else:
            _interface(rng, world, name, members, homes)


def _interface(rng: Random, world: World, name: str, members: list[str], homes: list[str]) -> None:
    entities = [world.entities[member] for member in members]
    common = f"{name.lower()}c"
    kind = _scalar(rng)
    for entity in entities:
        at = _some(rng, list(entity.keys), everywhere=0.3)
        entity.fields[common] = Field(common, kind, at)
        entity.interfaces.append(name)
    has_id = all((("id",), True) in e.keys[home] for e in entities for home in homes)
    fields = ["id", common] if has_id else [common]
    abstract = UnionType(name, members, homes, fields, keyed=has_id and rng.random() < 0.6)
    # Without a field in common somewhere the interface would be empty there.
    if not has_id:
        for entity in entities:
            entity.fields[common].homes = sorted({*entity.fields[common].homes, *homes})
    world.abstracts[name] = abstract
    free = [s for s in world.subgraphs if not any(s in entity.keys for entity in entities)]
    if abstract.keyed and free and rng.random() < 0.7:
        abstract.object_in = free[0]
        for index in range(rng.randint(1, 2)):
            extra = f"{name.lower()}x{index}"
            abstract.extra[extra] = Field(extra, _scalar(rng), [free[0]])


def _links(rng: Random, world: World, owner: Entity, count: int, *, root: bool = False) -> None:
    """Fields that return objects."""
    for index in range(count):
        target = rng.choice([*world.entities, *world.values, *world.abstracts])
        homes = _knowing(world, target)
        if not root:
            homes = [home for home in homes if home in owner.keys]
        if not homes:
            continue
        rng.shuffle(homes)
        shared = rng.random() < 0.25 and target not in world.abstracts
        if owner.name == "Mutation":
            shared = False
        lists = rng.choice([0, 0, 0, 1, 1, 2])
        name = f"{owner.name.lower()}{'r' if root else 'l'}{index}"
        required = tuple(rng.random() < 0.2 for _ in range(lists + 1))
        args = [rng.choice(ARGS)] if rng.random() < 0.2 else []
        owner.fields[name] = Field(
            name, Ref(target, lists, required), sorted(homes if shared else homes[:1]), args
        )


def _knowing(world: World, target: str) -> list[str]:
    if target in world.entities:
        return list(world.entities[target].keys)
    if target in world.values:
        return sorted({s for field in world.values[target].fields.values() for s in field.homes})
    return list(world.abstracts[target].homes)


def _requires(rng: Random, entity: Entity) -> None:
    for index in range(rng.choice([0, 0, 1, 1, 2])):
        # Coming back with what was required takes a resolvable key, whatever composition accepts.
        able = [home for home, keys in entity.keys.items() if any(ok for _, ok in keys)]
        if not able:
            continue
        home = rng.choice(able)
        elsewhere = [
            field.name
            for field in entity.fields.values()
            if home not in field.homes
            and not field.args
            and field.type.named in SCALARS
            and field.name not in {"id", "code", "region"}
        ]
        if not elsewhere:
            continue
        name = f"{entity.name.lower()}q{index}"
        inputs = sorted(rng.sample(elsewhere, min(len(elsewhere), rng.randint(1, 2))))
        entity.fields[name] = Field(name, Ref("String"), [home], requires={home: inputs})


def _override(rng: Random, entity: Entity) -> None:
    if rng.random() > 0.25:
        return
    moved = [
        field
        for field in entity.fields.values()
        if len(field.homes) == 1
        and not field.requires
        and field.type.named in SCALARS
        and field.name not in {"id", "code", "region"}
        and not any(
            field.name in other.requires.get(s, ())
            for other in entity.fields.values()
            for s in entity.keys
        )
    ]
    others = list(entity.keys)
    if moved and len(others) > 1:
        field = rng.choice(moved)
        field.overridden = rng.choice([home for home in others if home not in field.homes])


def _provides(rng: Random, world: World) -> None:
    for owner in (world.query, *world.entities.values()):
        for field in owner.fields.values():
            target = world.entities.get(field.type.named)
            if target is None or len(field.homes) != 1 or rng.random() > 0.3:
                continue
            home = field.homes[0]
            names = [
                other.name
                for other in target.fields.values()
                if home not in other.homes
                and other.overridden is None
                and not other.requires
                and not other.args
                and other.type.named in SCALARS
                and other.name not in {"id", "code", "region"}
            ]
            if names:
                field.provides[home] = [rng.choice(names)]


def _scalar(rng: Random) -> Ref:
    lists = rng.choice([0, 0, 0, 0, 1])
    return Ref(rng.choice(SCALARS), lists, tuple(rng.random() < 0.2 for _ in range(lists + 1)))


def _some(rng: Random, among: list[str], *, everywhere: float) -> list[str]:
    if rng.random() < everywhere:
        return sorted(among)
    return sorted(rng.sample(among, rng.randint(1, len(among))))
