"""A Node script as a filter: one JSON request a line in, one JSON answer a line out.

The scripts that run foreign composers, planners and gateways beside ours ask them so. A foreign one may
die of a request: it is started again with the next.
"""

from __future__ import annotations

import json
import select
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["NodeFilter", "Silent", "missing"]


class Silent(Exception):
    """There is no answer; says why."""


class NodeFilter:
    """``script`` (beside this file) with its arguments, running from the first request on.

    Without ``patience``, in seconds, an answer may take as long as it will.
    """

    def __init__(self, script: str, *arguments: str | Path, patience: float | None = None) -> None:
        self._command = ["node", str(Path(__file__).parent / script), *map(str, arguments)]
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def runs(self) -> bool:
        """Whether the process is there, with all that it was told."""
        return self._process is not None and self._process.poll() is None

    def ask(self, **request: object) -> dict[str, Any]:
        """Return the answer, or raise Silent."""
        if not self.runs:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], self._patience)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self.stop()
            raise Silent("It died." if ready else "It did not answer in time.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None


def missing(folder: Path, *packages: str) -> str | None:
    """Say what there is to install before these packages can be run; None: nothing."""
    if shutil.which("node") is None:
        return "Node is not installed."
    absent = [each for each in packages if not (folder / "node_modules" / each).is_dir()]
    if not absent:
        return None
    return f"{folder} has no {', '.join(absent)}: cd {folder} && npm install {' '.join(absent)}"
