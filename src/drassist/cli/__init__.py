"""``drassist``: run the system, or a part of it; import records; play the demonstration."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """The console script."""
    try:
        from drassist.cli.commands import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("drassist"):
            raise
        sys.exit(
            f"drassist needs {error.name}, which the router alone does not: install the clinic too, "
            "pip install '.[clinic]' in the repository."
        )
    app()
