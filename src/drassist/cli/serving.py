"""Settings with the command line over them, and a server that says where it listens."""

from __future__ import annotations

import gc
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console

from drassist.runtime import logs
from drassist.runtime.settings import Settings
from router.errors import RouterError

if TYPE_CHECKING:
    from router.server.http_protocol import Begin

__all__ = ["listen", "loaded", "welcome"]


def loaded(
    path: Path | None, host: str | None, port: int | None, *, issues_tokens: bool = False
) -> Settings:
    """Read the settings; a wrong one ends the command with a sentence about it."""
    try:
        found = Settings.load(path)
    except (FileNotFoundError, tomllib.TOMLDecodeError) as error:
        typer.echo(f"settings: {error}", err=True)
        raise typer.Exit(1) from error
    except ValidationError as error:
        for problem in error.errors():
            place = ".".join(str(each) for each in problem["loc"]) or "the file"
            typer.echo(f"settings: {place}: {problem['msg']}", err=True)
        raise typer.Exit(1) from error
    logs.configure(found.log_level)
    given: dict[str, Any] = {"host": host, "port": port}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return found
    server = found.server.model_copy(update=given)
    update: dict[str, Any] = {"server": server}
    if found.identity.development and issues_tokens:
        # The development issuer lives in the same process, so it moves with the port.
        base = f"http://127.0.0.1:{server.port}{urlsplit(found.identity.issuer).path}"
        update["identity"] = found.identity.model_copy(
            update={"issuer": base, "jwks_url": f"{base}/jwks.json"}
        )
    return found.model_copy(update=update)


def listen(app: Any, host: str, port: int, what: str, *, begin: Begin | None = None) -> None:
    """Serve ``app`` until it is told to stop; says on standard output when it is ready.

    ``begin``: a router's direct way, offered each request before ``app`` is.
    """
    http: Any = "auto"
    if begin is not None:
        # a process without a router does not load one
        from router.server.http_protocol import protocol_for

        http = protocol_for(begin)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=http,
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=1_048_576,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    server = _Announcing(config, what)
    try:
        server.run()
    except RouterError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        sys.exit(0)
    if not server.started:
        raise typer.Exit(1)


class _Announcing(uvicorn.Server):
    """Prints what it serves once the port is open."""

    def __init__(self, config: uvicorn.Config, what: str) -> None:
        super().__init__(config)
        self._what = what

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        # What a start makes is kept: looking for garbage in it meanwhile is a quarter of the start.
        gc.freeze()
        gc.enable()
        if self.started:
            address = f"http://{self.config.host}:{self.config.port}"
            Console().print(self._what.replace("{address}", address), soft_wrap=True)


def welcome(settings: Settings) -> str:
    """What a person wants to know when the system is up."""
    password = settings.identity.development_password.get_secret_value()
    lines = [
        f"[bold]{settings.facility}[/bold] is ready at [bold cyan]{{address}}[/bold cyan]",
        "",
        "  GraphiQL     {address}/",
        "  one graph    {address}/graphql   (each client: {address}/web/graphql, mobile, tablet)",
        "  health       {address}/health/ready",
    ]
    if settings.identity.development:
        lines += [
            f"  sign in as   doctor, nurse, frontdesk, lab, pharmacy or patient; password {password}",
        ]
    lines += ["", "  next         .venv/bin/drassist demo   plays one consultation, end to end"]
    return "\n".join(lines)
