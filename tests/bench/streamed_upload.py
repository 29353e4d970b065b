"""What a large file costs the router on its way to a subgraph: memory, and time beside a copy.

    .venv/bin/python tests/bench/streamed_upload.py [MEBIBYTES]

Router and subgraph run in processes of their own. Prints the growth of the router's peak memory,
and its CPU time in terms of that of a process that only moves the same bytes from one socket to
another in pieces of 64 kB.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

SDL: Final = "scalar Upload type Query { a: Int } type Mutation { file(scan: Upload!): Int }"
OPERATIONS: Final = {"query": "mutation ($f: Upload!) { file(scan: $f) }", "variables": {"f": None}}
PIECE: Final = bytes(65_536)
TICKS: Final = os.sysconf("SC_CLK_TCK")


def sink(port: int) -> None:
    """A subgraph that counts."""
    import uvicorn

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        size, more = 0, scope["type"] == "http"
        while more:
            message = await receive()  # type: ignore[operator]
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-type", b"application/json")]})  # type: ignore[operator]
        body = json.dumps({"data": {"file": size % 2**31}}).encode()
        await send({"type": "http.response.body", "body": body})  # type: ignore[operator]

    uvicorn.run(app, port=port, log_level="error", lifespan="off")  # type: ignore[arg-type]


def copy(port: int, target: int) -> None:
    """Move the bytes of one connection to another, and back what comes back."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.accept()[0].close()  # somebody asked whether we are there
        source, _ = listener.accept()
        with source, socket.create_connection(("127.0.0.1", target)) as sent:
            while data := source.recv(65_536):
                sent.sendall(data)
                if data.endswith(b"--x--\r\n"):
                    break
            source.sendall(sent.recv(65_536))
        time.sleep(60)  # to be asked for the time that it took


def post(port: int, size: int) -> float:
    """Send a file of so many bytes; returns the seconds that it took."""
    parts = (("operations", OPERATIONS), ("map", {"0": ["variables.f"]}))
    head = b"".join(
        f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{json.dumps(value)}\r\n'.encode()
        for name, value in parts
    )
    head += b'--x\r\ncontent-disposition: form-data; name="0"; filename="a"\r\n\r\n'
    tail = b"\r\n--x--\r\n"
    lines = (
        "POST /graphql HTTP/1.1\r\nhost: x\r\napollo-require-preflight: 1\r\n"
        "content-type: multipart/form-data; boundary=x\r\n"
        f"content-length: {len(head) + size + len(tail)}\r\n\r\n"
    )
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(lines.encode() + head)
        for _ in range(size // len(PIECE)):
            connection.sendall(PIECE)
        connection.sendall(tail)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert b"errors" not in answer, answer
    return time.perf_counter() - began


def peak(pid: int) -> int:
    """The largest resident size so far, in kilobytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def cpu(pid: int) -> float:
    """Seconds of CPU time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nobody listens on {port}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main(mebibytes: int) -> None:
    size = mebibytes * 1024 * 1024
    folder = Path(tempfile.mkdtemp())
    down, door, plain = free_port(), free_port(), free_port()
    listed = [{"name": "files", "url": f"http://127.0.0.1:{down}/", "sdl": SDL}]
    (folder / "list.json").write_text(json.dumps(listed))
    (folder / "router.toml").write_text(f"[uploads]\nenabled = true\nfile_bytes = {size}\n")
    command = [sys.executable, "-m", "router", "serve", "--subgraphs", str(folder / "list.json")]
    command += ["--settings", str(folder / "router.toml"), "--port", str(door), "--no-watch"]
    own = [sys.executable, __file__]
    with (
        subprocess.Popen([*own, "sink", str(down)]) as subgraph,
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as router,
        subprocess.Popen([*own, "copy", str(plain), str(down)]) as copier,
    ):
        try:
            for port in (down, door, plain):
                wait_for(port)
            urllib.request.urlopen(f"http://127.0.0.1:{door}/health").close()
            post(door, 1024 * 1024)  # what is imported and compiled once
            before, spent = peak(router.pid), cpu(router.pid)
            seconds = post(door, size)
            grown, spent = peak(router.pid) - before, cpu(router.pid) - spent
            copied = cpu(copier.pid)
            post(plain, size)
            copied = cpu(copier.pid) - copied
        finally:
            for process in (subgraph, router, copier):
                process.kill()
    print(f"{mebibytes} MiB in {seconds:.1f} s; the router's peak memory grew by {grown} kB")
    print(f"CPU of the router: {spent:.2f} s, {spent / max(copied, 1 / TICKS):.1f} plain copies")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sink", port]:
            sink(int(port))
        case ["copy", port, target]:
            copy(int(port), int(target))
        case rest:
            main(int(rest[0]) if rest else 512)
