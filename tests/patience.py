"""How long tests wait for what must happen: one figure, generous enough for a busy machine.

A wait that is over early costs nothing, so only a test that fails anyway ever waits so long.
"""

from __future__ import annotations

from typing import Final

__all__ = ["PATIENCE"]

PATIENCE: Final = 90.0
"""Seconds."""
