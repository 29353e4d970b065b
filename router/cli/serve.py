"""``python -m router serve``: a federation router over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from router.cli.workers import listen, run_workers
from router.errors import RouterError, SettingsInvalid
from router.files import naming

if TYPE_CHECKING:
    import socket

    import uvicorn

    from router.app import Load, Router
    from router.settings import Settings, SubgraphSettings

__all__ = ["main"]

_GARBAGE: Final = (50_000, 20, 100)
"""Answers are trees without cycles, freed without the collector; looking at them in vain at every
700th object costs a busy router a tenth of its time."""

_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the watched files."""

_TICK: Final = 10_000_000
"""Nanoseconds by which the time of a file's change may lag behind the clock: a tick of the kernel."""


def main(argv: Sequence[str]) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status."""
    options = _parser().parse_args(argv)
    if options.workers < 1:
        raise SettingsInvalid(
            f"--workers {options.workers}: give the number of processes, 1 or more."
        )
    gc.disable()  # nothing is garbage while modules and schema are loaded; see _serve
    if options.workers > 1:
        # fail here, once, rather than in every worker; and choose a free port (0) once for all
        with listen(options.host, options.port, shared=True) as probe:
            options.port = probe.getsockname()[1]
        return run_workers(options.workers, lambda serves: _work(options, serves))
    return _work(options)


def _work(options: argparse.Namespace, serves: Callable[[], object] = lambda: None) -> int:
    """Serve in this process; ``serves`` is called before that is said."""
    with _hangups_held():
        router, watched = _router(options)
        with _runner() as runner:
            return runner.run(_serve(router, watched, options, serves))


@contextlib.contextmanager
def _hangups_held() -> Iterator[None]:
    """A SIGHUP waits until :func:`_serve` hears it: what it asks for may have been read already."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    # what is ignored would not wait everywhere
    handler = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nobody hears what waits now
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGHUP, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m router serve",
        description="Run a federation router over HTTP. Files that change are read anew; what is wrong "
        "with them is said on stderr, and the router keeps the schema it has.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    files: dict[str, Any] = {"type": Path, "metavar": "FILE"}
    source.add_argument("--supergraph", **files, help="a composed supergraph SDL")
    source.add_argument("--subgraphs", **files, help="SUBGRAPHS.json, as 'compose' takes it")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=4000, help="default: 4000; 0: any free one")
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes behind the address, default: 1",
    )
    parser.add_argument(
        "--contracts",
        type=Path,
        metavar="FOLDER",
        help="holds a <client>/contract.toml for each client",
    )
    parser.add_argument("--plans", **files, help="what 'python -m router plan --manifest' wrote")
    parser.add_argument("--settings", **files, help="settings in TOML")
    parser.add_argument("--graphiql", action="store_true", help="serve GraphiQL at /")
    parser.add_argument("--no-watch", action="store_true", help="reload on SIGHUP alone")
    return parser


def _router(options: argparse.Namespace) -> tuple[Router, list[Path]]:
    """The router, and the files to watch; loading may add some."""
    from router.app import Router, RouterOptions

    settings = _settings(options.settings)
    settings()  # a broken file is said before anything starts
    source: Path = options.supergraph or options.subgraphs
    named = (options.settings, options.contracts, options.plans, source)
    watched: list[Path] = [path for path in named if path]
    given = RouterOptions(
        settings=settings,
        contracts_dir=options.contracts,
        plans=options.plans,
        graphiql=options.graphiql,
    )
    if options.supergraph is not None:
        return Router.from_supergraph(source, **given), watched
    return Router(_loading(source, watched), **given), watched


def _loading(path: Path, watched: list[Path]) -> Load:
    """Composes what a list of subgraphs names; the files of their schemas are watched from then on."""
    from router.cli.subgraph_list import read_subgraph_list, texts_of
    from router.composition.errors import CompositionFailed
    from router.loading import LoadedGraph, Subgraph, load_subgraphs

    async def load(asked: SubgraphSettings) -> LoadedGraph:
        entries = await asyncio.to_thread(read_subgraph_list, path)
        watched.extend(entry.file for entry in entries if entry.file and entry.file not in watched)
        given = {entry.name: Subgraph(url=entry.url or None, sdl=entry.sdl) for entry in entries}
        try:
            with naming(path):
                return await load_subgraphs(given, asked)
        except CompositionFailed as failure:
            from router.composition.report import report

            raise SettingsInvalid(report(failure, texts_of(entries))) from failure

    return load


def _settings(path: Path | None) -> Callable[[], Settings]:
    from router.settings import Settings, load

    return lambda: load(path, Settings) if path is not None else Settings()


def _runner() -> asyncio.Runner:
    """The fast event loop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _serve(
    router: Router,
    watched: Sequence[Path],
    options: argparse.Namespace,
    serves: Callable[[], object],
) -> int:
    import uvicorn

    from router.server.http_protocol import protocol_for

    began = time.time_ns()
    await router.start()
    listener = listen(options.host, options.port, shared=options.workers > 1)
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    gc.enable()
    config = uvicorn.Config(
        router,
        log_level="warning",
        access_log=False,
        lifespan="off",
        loop="none",
        http=protocol_for(  # type: ignore[arg-type]  # uvicorn only calls it
            router.begin, router.settings.http.request_timeout
        ),
        server_header=False,
        ws=_websocket_protocol,  # type: ignore[arg-type]  # uvicorn only calls it
        ws_max_size=router.settings.subscriptions.message_bytes,
        timeout_graceful_shutdown=10,
    )
    server = _draining(router, config)
    reloads = asyncio.Event()
    tasks = [asyncio.create_task(_reload_when(router, reloads))]
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloads.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    if not options.no_watch:
        watching = _watch(lambda: {*watched, *_named_by(router)}, reloads, began)
        tasks.append(asyncio.create_task(watching))
    host = f"[{options.host}]" if ":" in options.host else options.host
    port, path = listener.getsockname()[1], router.settings.http.path
    serves()
    sys.stderr.write(f"The router listens on http://{host}:{port}{path}\n")
    try:
        await server.serve([listener])
    finally:
        for task in tasks:
            task.cancel()
        await router.stop()
    return 0 if server.started else 1


def _websocket_protocol(*arguments: Any, **options: Any) -> asyncio.Protocol:
    """uvicorn's WebSocket protocol, imported with the first socket: it takes a tenth of a second."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    return WebSocketsSansIOProtocol(*arguments, **options)


def _draining(router: Router, config: uvicorn.Config) -> uvicorn.Server:
    """A server that ends streams with a code before it waits for connections to finish."""
    import uvicorn

    class Draining(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.handle_exit, number, None)
            yield  # and no second delivery afterwards: a drained router exits with status 0

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await router.end_streams()  # before uvicorn ends sockets with a code of its own
            await asyncio.gather(router.drain(), super().shutdown(sockets))

    return Draining(config)


async def _reload_when(router: Router, reloads: asyncio.Event) -> None:
    """Reload at each signal; what is wrong is said, and the old schema stays."""
    while True:
        await reloads.wait()
        reloads.clear()
        try:
            await router.reload()
        except RouterError as error:
            sys.stderr.write(f"{error.message}\nThe router keeps the schema it has.\n")
        except Exception:  # noqa: BLE001  # a fault of ours must not end reloading
            traceback.print_exc()
            sys.stderr.write("The router keeps the schema it has.\n")
        else:
            sys.stderr.write(f"The router serves generation {router.generation.number}.\n")


def _named_by(router: Router) -> Iterator[Path]:
    """The files and folders that contracts and settings name, wherever they lie."""
    for client in router.generation.clients.values():
        persisted = client.contract.persisted
        yield from persisted.manifests
        if persisted.folder is not None:
            yield persisted.folder
        yield from (each.manifest for each in client.contract.versions if each.manifest)
    yield from (each.jwks_file for each in router.settings.jwt.issuers if each.jwks_file)


async def _watch(paths: Callable[[], Iterable[Path]], reloads: asyncio.Event, began: int) -> None:
    """Ask for a reload when a watched file, or a file below a watched folder, has changed.

    The first reading of the files began at ``began``, in nanoseconds since 1970: what changed since
    then may have been read as it was before.
    """
    stamps = await asyncio.to_thread(_stamps, paths())
    before = {file: stamp for file, stamp in stamps.items() if max(stamp[:2]) < began - _TICK}
    while True:
        now = await asyncio.to_thread(_stamps, paths())
        if now != before:
            before = now
            reloads.set()
        await asyncio.sleep(_LOOK_EVERY)


def _stamps(paths: Iterable[Path]) -> dict[Path, tuple[int, int, int]]:
    """What tells that a file has changed: the time of that, which a copy may set back to the
    original's; where the system knows it, the time when it came here; and its size."""
    files: list[Path] = []
    for path in paths:
        with contextlib.suppress(OSError):  # a folder may go while it is walked
            files.extend(path.rglob("*") if path.is_dir() else [path])
    stamps = {}
    for file in files:
        with contextlib.suppress(OSError):
            stat = file.stat()
            stamps[file] = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)
    return stamps
