"""``drassist import``: records in, with progress, and a report of what stayed unmapped."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from drassist.adapters.errors import AdapterError
from drassist.adapters.fhir import ImportReport, Progress
from drassist.app.imports import import_records, load_samples, sinks_of
from drassist.app.subgraphs import create_subgraph, peers_of
from drassist.runtime.settings import Settings

__all__ = ["run_import"]


async def run_import(settings: Settings, folder: Path | None, *, samples: bool = False) -> int:
    """Import from a folder, a FHIR server, or made-up patients; returns the exit status."""
    console = Console()
    async with AsyncExitStack() as stack:
        subgraphs: dict[str, Any] = {}
        for name in ("patients", "encounters", "orders"):
            # its relay may deliver an order that waits, so it must know for whom
            peers = peers_of(name, subgraphs, settings)
            subgraphs[name] = create_subgraph(name, settings, **peers)
        for subgraph in subgraphs.values():
            await stack.enter_async_context(subgraph.lifespan())
        with Bar(console=console) as bar:
            task = bar.add_task("connecting", total=None)

            def told(progress: Progress) -> None:
                bar.update(
                    task,
                    description=progress.doing,
                    completed=progress.done,
                    total=progress.total,
                )

            try:
                if samples:
                    report = await load_samples(subgraphs, progress=told)
                else:
                    report = await import_records(
                        settings.adapters.fhir, sinks_of(subgraphs), folder=folder, progress=told
                    )
            except AdapterError as error:
                code = getattr(error, "error_code", error.code)
                console.print(f"[red]{code}: {error}", soft_wrap=True)
                return 1
            except (ValueError, OSError) as error:
                console.print(f"[red]INPUT_INVALID: {error}", soft_wrap=True)
                return 1
    _show(console, report)
    return 0


def _show(console: Console, report: ImportReport) -> None:
    table = Table("kind", "taken", "kept unmapped", "why")
    for kind, count in sorted(report.taken.items()):
        table.add_row(kind, str(count), "", "")
    for (kind, reason), count in sorted(report.kept.items()):
        table.add_row(kind, "", str(count), reason)
    console.print(table)
