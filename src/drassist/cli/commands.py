"""The commands, each a few lines: modules are imported when a command needs them."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Dr. Assistant: a clinical graph and the federation router that serves it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="A TOML file of settings.", dir_okay=False)
]


@app.command()
def serve(host: Host = None, port: Port = None, settings: SettingsFile = None) -> None:
    """Serve the whole system in one process."""
    gc.disable()  # see listen()
    from drassist.app.application import create_application
    from drassist.cli.serving import listen, loaded, welcome

    found = loaded(settings, host, port, issues_tokens=True)
    app = create_application(found)
    server = found.server
    listen(app, server.host, server.port, welcome(found), begin=app.state.router.begin)


@app.command()
def subgraph(
    name: Annotated[str, typer.Argument(help="patients, encounters, notes, orders, consents, bff")],
    host: Host = None,
    port: Port = None,
    settings: SettingsFile = None,
) -> None:
    """Serve one subgraph as a process of its own."""
    gc.disable()  # see listen()
    from drassist.app.subgraphs import create_subgraph
    from drassist.cli.serving import listen, loaded

    found = loaded(settings, host, None)
    try:
        made = create_subgraph(name, found)
    except ValueError as error:
        _fail(str(error))
    listen(made.app, found.server.host, 4101 if port is None else port, f"subgraph {name}")


@app.command()
def gateway(host: Host = None, port: Port = None, settings: SettingsFile = None) -> None:
    """Serve the router alone, for subgraphs that run elsewhere (gateway.subgraphs)."""
    gc.disable()  # see listen()
    from drassist.app.gateway import create_gateway
    from drassist.cli.serving import listen, loaded

    found = loaded(settings, host, port)
    if not found.gateway.subgraphs:
        _fail("no subgraphs: set gateway.subgraphs (name = URL) or DRASSIST_GATEWAY__SUBGRAPHS")
    router = create_gateway(found)
    listen(router, found.server.host, found.server.port, "gateway", begin=router.begin)


@app.command()
def identity(host: Host = None, port: Port = None, settings: SettingsFile = None) -> None:
    """Serve the development identity provider alone."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from drassist.app.identity import create_provider, issuer_path
    from drassist.cli.serving import listen, loaded

    found = loaded(settings, host, port)
    mounted = Starlette(routes=[Mount(issuer_path(found), create_provider(found))])
    listen(mounted, found.server.host, found.server.port, "identity provider")


@app.command()
def ready(
    port: Annotated[int, typer.Argument(help="Where the process listens on this machine.")],
    path: Annotated[str, typer.Argument(help="What to ask for.")] = "/health/ready",
) -> None:
    """Ask a process of this machine whether it is ready; for health checks of containers."""
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
            return
    except (URLError, OSError) as error:
        _fail(f"not ready: {getattr(error, 'reason', error)}")


@app.command("import")
def import_(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of FHIR R4 bundles; else the FHIR server.")
    ] = None,
    samples: Annotated[bool, typer.Option("--samples", help="Made-up patients instead.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Import patients and their history from FHIR; says what could not be mapped."""
    from drassist.cli.importing import run_import
    from drassist.cli.serving import loaded

    sys.exit(asyncio.run(run_import(loaded(settings, None, None), folder, samples=samples)))


@app.command()
def demo(
    url: Annotated[str, typer.Option(help="Where the system is.")] = "http://127.0.0.1:4000",
    audio: Annotated[
        Path | None, typer.Option(help="A recording to use instead (WAV, FLAC, Opus, MP3).")
    ] = None,
    password: Annotated[str, typer.Option(help="The development password.")] = "drassist",  # noqa: S107 - development only
    fast: Annotated[bool, typer.Option(help="Send audio faster than it was spoken.")] = False,
) -> None:
    """Play one consultation, end to end, against a running system."""
    from drassist.demo import play

    sys.exit(asyncio.run(play(url, audio=audio, password=password, fast=fast)))


@app.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when stale.")] = False,
) -> None:
    """Write ``schema/``: subgraphs, supergraph and one schema per client."""
    from drassist.app import schemas
    from drassist.runtime.settings import Settings

    if not check:
        for path in schemas.write(Settings()):
            typer.echo(f"wrote {path}")
        return
    found = schemas.stale(Settings())
    for path in found:
        typer.echo(f"{path} is stale: run `drassist schema` and review the difference", err=True)
    sys.exit(1 if found else 0)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def router(context: typer.Context) -> None:
    """The federation router's own commands: compose, plan, serve, contracts."""
    from router.__main__ import main as router_main

    sys.exit(router_main(context.args))


def _fail(message: str) -> Any:
    typer.echo(message, err=True)
    raise typer.Exit(1)
