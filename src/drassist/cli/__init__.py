"""``drassist``: run the system, or a part of it; import records; play the demonstration."""

from drassist.cli.main import main

__all__ = ["main"]
