"""Several processes behind one address: each listens itself, the kernel spreads connections.

The parent only watches: it passes signals on, starts a worker again that died, and ends when all
have ended. Workers share nothing; what they must share (counters, stored answers) is in Redis.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from types import FrameType
from typing import TypeAlias

from router.errors import RouterError, SettingsInvalid

__all__ = ["Work", "listen", "run_workers"]

Work: TypeAlias = Callable[[Callable[[], object]], int]
"""What a worker does: it calls what it is given once it serves, and returns its exit status."""


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """A listening socket; ``shared``: other processes may listen at the same address.

    Port 0 is any free one: the socket's name says which.
    """
    if not host.strip():  # to the system it means every address: an empty variable shows all
        raise SettingsInvalid("--host is empty; give an address, 0.0.0.0 for every one.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "a port is a number from 0 to 65535"
        raise SettingsInvalid(
            f"{host}:{port} cannot be listened at ({reason}); choose another --port or --host."
        ) from error
    listener.setblocking(False)
    return listener


def run_workers(count: int, work: Work) -> int:
    """Run ``work`` in ``count`` processes until they end; returns the worst exit status.

    One that dies is started again, unless it never served: the others would die the same death.
    When this process is killed they end too: they would go on taking connections at the address.
    """
    workers: dict[int, int] = {}
    """Each one's end of a pipe, in which something is once it serves."""
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    ending = False
    parent, lives = os.pipe()

    def start() -> None:
        with _held(signals):  # one that came between would not reach the new worker
            if ending:
                return
            served, serves = os.pipe()
            pid = os.fork()
            if pid == 0:
                for number in signals:
                    signal.signal(number, signal.SIG_DFL)
                signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it has read nothing yet
                os.close(lives)
                Thread(target=_end_with, args=(parent,), daemon=True).start()  # no signal is its
                signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
                os._exit(_worked(lambda: work(lambda: os.write(serves, b"."))))
            os.close(serves)
            workers[pid] = served

    def pass_on(number: int, _: FrameType | None) -> None:
        nonlocal ending
        ending = ending or number != signal.SIGHUP
        for pid in workers:
            with suppress(ProcessLookupError):  # it died a moment ago
                os.kill(pid, number)

    for number in signals:
        signal.signal(number, pass_on)
    for _ in range(count):
        start()
    worst = 0
    while workers:
        pid, status = os.wait()
        served = workers.pop(pid, None)
        if served is None:
            continue  # no worker of ours
        has_served = bool(os.read(served, 1))
        os.close(served)
        code = os.waitstatus_to_exitcode(status)
        if ending or not has_served:
            worst = max(worst, abs(code))
            if not ending:
                ending = True
                pass_on(signal.SIGTERM, None)
            continue
        sys.stderr.write(f"A worker ended with status {code}; another one is started.\n")
        start()
    return worst


def _end_with(parent: int) -> None:
    """End this process when the other end of a pipe closes."""
    os.read(parent, 1)
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _held(signals: tuple[signal.Signals, ...]) -> Iterator[None]:
    """Signals wait while the block runs; those that came before it have been heard."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _worked(work: Callable[[], int]) -> int:
    """The exit status of a worker, whatever happens in it: it must never return to the caller."""
    try:
        return work()
    except RouterError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    except BaseException:  # noqa: BLE001  # said, and turned into a status
        traceback.print_exc()
        return 70
