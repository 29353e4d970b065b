"""Input objects that can never be given, since they need themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

__all__ = ["input_cycles"]


def input_cycles(needed: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong for each cycle, with the type at which it closes.

    ``needed``: of each input object the fields that are never null and whose types are input
    objects, with these. Types can be chained longer than Python's stack is deep.
    """
    seen: set[str] = set()
    for start in needed:
        if start in seen:
            continue
        seen.add(start)
        trail: list[str] = []
        depth = {start: 0}
        pending = [(start, iter(needed[start]))]
        while pending:
            owner, rest = pending[-1]
            step = next(rest, None)
            if step is None:
                pending.pop()
                del depth[owner], trail[-1:]
                continue
            field, target = step
            if target in depth:
                fields = ".".join([*trail[depth[target] :], field])
                yield (
                    f'Cannot reference Input Object "{target}" within itself through a series of '
                    f'non-null fields: "{fields}".',
                    target,
                )
            elif target not in seen:
                seen.add(target)
                trail.append(field)
                depth[target] = len(trail)
                pending.append((target, iter(needed[target])))
