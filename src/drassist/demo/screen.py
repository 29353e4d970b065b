"""The demonstration on a terminal: a line for each step, live words, a progress bar, links."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from drassist.demo.consultation import Consultation, Failed
from drassist.demo.device import GraphQLFailed
from drassist.demo.links import links
from drassist.demo.people import SignInFailed
from drassist.speech.client import AudioRefused
from drassist.testing.consultation import AUDIO

__all__ = ["play"]


async def play(url: str, *, audio: Path | None, password: str, fast: bool) -> int:
    """Play the consultation; returns the exit status."""
    console = Console()
    if audio is not None and not await asyncio.to_thread(audio.is_file):
        console.print(f"[red]There is no recording at {audio}.")
        return 1
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Consultation", total=None)

        def heard(segment: dict[str, Any]) -> None:
            if segment["final"]:
                if segment["text"]:
                    bar.console.print(f"  [green]{segment['start']:5.1f}s[/] {segment['text']}")
                bar.update(task, description="Listening")
            else:
                bar.update(task, description=f"[dim]… {segment['text'][-60:]}")

        consultation = Consultation(
            url,
            password=password,
            say=lambda line: bar.console.print(line, highlight=False),
            heard=heard,
            sent=lambda seconds, total: bar.update(task, completed=seconds, total=total),
        )
        try:
            async with consultation:
                await consultation.arrive()
                await consultation.talk(audio or AUDIO, speed=4.0 if fast else 1.0)
                await consultation.write()
                await consultation.order()
                await consultation.receive()
                await consultation.ask_consent()
                await consultation.look_back()
        except aiohttp.ClientConnectionError:
            console.print(f"[red]Nothing answers at {url}: start it with `make serve`.")
            return 1
        except (Failed, GraphQLFailed, SignInFailed, AudioRefused, OSError) as error:
            console.print(f"[red]{error}")
            return 1
    _links(console, url, consultation)
    return 0


def _links(console: Console, url: str, consultation: Consultation) -> None:
    console.print()
    console.print("[bold]Made[/bold] (sign in as doctor, on the phone as patient):")
    for link in links(consultation.made):
        console.print(f"  {link.what:13}{link.url(url)}", highlight=False, soft_wrap=True)
