"""The command line, one module a command; each has ``main(argv) -> exit status``.

A command module is imported only when its command is called, so that ``serve`` does not pay for
the composer and ``compose`` does not pay for the server.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from router.errors import RouterError

__all__ = ["COMMANDS", "main"]

COMMANDS: Final[Mapping[str, str]] = {
    "compose": "subgraph SDLs into one supergraph, or every error at once",
    "plan": "show how an operation would be fetched",
    "serve": "run a federation router over HTTP",
    "contracts": "check and export the schema of each client",
}
"""Name and purpose of each command; ``router.cli.<name>`` holds it."""

_USAGE = "usage: python -m router COMMAND [...]"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` names and return its exit status.

    A :class:`~router.errors.RouterError` is an answer to the person who typed the command: one
    sentence on stderr and status 1. Anything else is a fault of ours and keeps its traceback.
    """
    name, *rest = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in {"-h", "--help", "help"}:
        sys.stdout.write(_help())
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"There is no command {name!r}.\n\n{_help()}")
        return 2
    command = cast(
        "Callable[[Sequence[str]], int]", importlib.import_module(f"router.cli.{name}").main
    )
    try:
        return command(rest)
    except RouterError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _help() -> str:
    lines = [f"  {name:<10} {purpose}" for name, purpose in COMMANDS.items()]
    return "\n".join([_USAGE, "", *lines, "", "Each command explains itself with --help.", ""])
