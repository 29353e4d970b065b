"""The operation that cannot be answered, as a client would write it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from router.composition.merged import EnumType, Field, InputType, MergedSchema, base_name, item_type

__all__ = ["Step", "Trail", "print_operation"]

_VALUES: Final = {
    "Int": "0",
    "Float": "3.14",
    "Boolean": "true",
    "String": '"A string value"',
    "ID": '"<any id>"',
}


class Step(Struct, frozen=True, eq=False):
    """A field taken, or an object type known (then ``field`` is None)."""

    type: str
    field: Field | None


class Trail(Struct, frozen=True, eq=False):
    """The steps from a root to here, the last one first."""

    kind: str
    step: Step | None = None
    before: Trail | None = None
    depth: int = 0

    def then(self, step: Step) -> Trail:
        """Return the trail one step longer."""
        return Trail(self.kind, step, self, self.depth + 1)

    def steps(self) -> list[Step]:
        """Return the steps in the order taken."""
        steps: list[Step] = []
        trail: Trail | None = self
        while trail is not None and trail.step is not None:
            steps.append(trail.step)
            trail = trail.before
        return steps[::-1]


def print_operation(trail: Trail, merged: MergedSchema) -> str:
    """Return the operation along a trail; what would go on ends in ``...``."""
    steps = trail.steps()
    head = "" if trail.kind == "query" else f"{trail.kind} "
    lines = [f"{head}{{"]
    for depth, step in enumerate(steps, start=1):
        indent = "  " * depth
        last = depth == len(steps)
        if step.field is None:
            text, is_leaf = f"... on {step.type}", False
        else:
            text = step.field.name + _arguments(step.field, merged)
            target = merged.types.get(base_name(step.field.type))
            is_leaf = target is None or (
                not hasattr(target, "fields") and not hasattr(target, "members")
            )
        lines.append(f"{indent}{text}" if is_leaf else f"{indent}{text} {{")
        if last:
            if not is_leaf:
                lines.append(f"{indent}  ...")
            closing = depth if not is_leaf else depth - 1
            lines += ["  " * level + "}" for level in range(closing, -1, -1)]
    return "\n".join(lines)


def _arguments(field: Field, merged: MergedSchema) -> str:
    if not field.arguments:
        return ""
    values = (
        f"{name}: {_value(argument.type, merged)}" for name, argument in field.arguments.items()
    )
    return f"({', '.join(values)})"


def _value(type_text: str, merged: MergedSchema) -> str:
    if item_type(type_text) is not None:
        return "[]"
    name = base_name(type_text)
    if name in _VALUES:
        return _VALUES[name]
    found = merged.types.get(name)
    if isinstance(found, EnumType):
        return next(iter(found.values), "null")
    if isinstance(found, InputType):
        fields = (
            f"{entry.name}: {_value(entry.type, merged)}"
            for entry in found.fields.values()
            if entry.is_required
        )
        return f"{{{', '.join(fields)}}}"
    return '"<some value>"'
