"""``python -m router``: compose, plan, serve, contracts."""

from __future__ import annotations

import sys

from router.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
