"""What a name that means nothing was probably meant to be.

The guesses are graphql-core's; its sentence about them quotes names otherwise than ours do.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphql.pyutils import suggestion_list

__all__ = ["did_you_mean"]

_MOST = 5


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean "a" or "b"?`` with the likeliest of known names, or nothing."""
    guesses = [f'"{guess}"' for guess in suggestion_list(name, list(known))[:_MOST]]
    if not guesses:
        return ""
    *first, last = guesses
    return f" Did you mean {', '.join(first)} or {last}?" if first else f" Did you mean {last}?"
