"""``router serve`` as a process: ready, reloading, draining, and clear about bad input."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from router.cli import main
from router.cli.serve import _watch
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.router.foreign_issuer import foreign_packages

SDL = "type Query { hello: String }"


class Process:
    """A router process and its address."""

    def __init__(self, *arguments: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "router", "serve", *arguments, "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def ask(self, query: str) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())

    def line(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def wait_until_ready(self) -> None:
        assert self.line().startswith("The router listens on")
        health = f"http://127.0.0.1:{self.port}/health"
        with urllib.request.urlopen(health, timeout=PATIENCE):
            pass  # it listens already: whoever comes early waits

    def wait_until_refused(self) -> None:
        until = time.monotonic() + PATIENCE
        with suppress(ConnectionRefusedError):
            while time.monotonic() < until:
                socket.create_connection(("127.0.0.1", self.port)).close()
                time.sleep(0.01)
            raise AssertionError("it listens still")


@pytest.fixture
def subgraphs(tmp_path: Path) -> Path:
    (tmp_path / "a.graphql").write_text(SDL)
    path = tmp_path / "subgraphs.json"
    path.write_text(json.dumps([{"name": "a", "url": "http://127.0.0.1:1/", "sdl": "a.graphql"}]))
    return path


class Answering(BaseHTTPRequestHandler):
    """A subgraph whose every answer is ``answer()``."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> bytes:
        raise NotImplementedError

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = self.answer()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(subgraph: type[Answering]) -> Iterator[str]:
    """The URL at which a subgraph answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), subgraph)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def replace(path: Path, text: str) -> None:
    """Change a file in one step, so that nobody reads half of it."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text)
    beside.rename(path)


@contextmanager
def running(*arguments: str) -> Iterator[Process]:
    process = Process(*arguments)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.process.pid, signal.SIGKILL)  # and its workers
        process.process.wait()
        assert process.process.stderr is not None
        process.process.stderr.close()


@pytest.fixture
def process(subgraphs: Path, tmp_path: Path) -> Iterator[Process]:
    settings = tmp_path / "router.toml"
    settings.write_text("introspection = true")
    with running("--subgraphs", str(subgraphs), "--settings", str(settings), "--no-watch") as it:
        yield it


def test_the_graphql_http_audit_passes_whole(process: Process) -> None:
    process.wait_until_ready()
    command = ["node", "audit.mjs", f"http://127.0.0.1:{process.port}/graphql"]
    output = subprocess.run(command, cwd=foreign_packages(), check=True, capture_output=True)
    results = json.loads(output.stdout)
    assert len(results) > 50
    assert [result for result in results if result["status"] != "ok"] == []


def test_it_serves_reloads_refuses_and_drains(process: Process, subgraphs: Path) -> None:
    process.wait_until_ready()
    assert process.ask("{ __typename }") == {"data": {"__typename": "Query"}}
    answer = process.ask("{ hello }")  # its only subgraph is dead: still GraphQL
    assert answer["data"] == {"hello": None}
    assert answer["errors"][0]["extensions"]["code"] == "SUBREQUEST_HTTP_ERROR"
    assert "errors" in process.ask("{ more }")

    (subgraphs.parent / "a.graphql").write_text("type Query { hello: String more: Int }")
    process.process.send_signal(signal.SIGHUP)
    assert process.line() == "The router serves generation 2.\n"
    assert process.ask("{ more }")["data"] == {"more": None}

    settings = subgraphs.parent / "router.toml"
    settings.write_text("introspection = false")
    process.process.send_signal(signal.SIGHUP)
    assert process.line() == "The router serves generation 3.\n"
    assert "errors" in process.ask("{ __schema { queryType { name } } }")

    (subgraphs.parent / "a.graphql").write_text("type Query { hello: Missing }")
    process.process.send_signal(signal.SIGHUP)
    lines = [process.line()]
    while lines[-1] != "The router keeps the schema it has.\n":
        lines.append(process.line())
    assert "Missing" in "".join(lines)
    assert process.ask("{ more }")["data"] == {"more": None}

    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(PATIENCE) == 0


def test_files_that_a_contract_names_are_watched_wherever_they_lie(
    subgraphs: Path, tmp_path: Path
) -> None:
    contract = tmp_path / "clients" / "web" / "contract.toml"
    contract.parent.mkdir(parents=True)
    contract.write_text(
        'persisted = {manifests = ["../../persisted.json"], folder = "../../saved"}'
    )
    saved = tmp_path / "saved"
    saved.mkdir()
    manifest = tmp_path / "persisted.json"
    manifest.write_text('{"1": "{ hello }"}')
    folder = str(contract.parents[1])
    with running("--subgraphs", str(subgraphs), "--contracts", folder) as process:
        process.wait_until_ready()
        replace(manifest, "{")
        assert "persisted.json:1:2: this is not JSON" in process.line()
        assert process.line() == "The router keeps the schema it has.\n"
        replace(manifest, '{"2": "{ hello }"}')
        assert process.line().startswith("The router serves generation")
        replace(saved / "Hello.graphql", "query Hello { hello }")
        assert process.line().startswith("The router serves generation")


def test_a_file_that_changes_while_the_graph_is_loaded_is_read_again(
    subgraphs: Path, tmp_path: Path
) -> None:
    class Describing(Answering):
        """Tells its schema, and meanwhile what is read already changes on the disk."""

        def answer(self) -> bytes:
            replace(tmp_path / "a.graphql", "type Query { hello: String more: Int }")
            return b'{"data":{"_service":{"sdl":"type Query { slow: Int }"}}}'

    with serving(Describing) as url:
        listed = [*json.loads(subgraphs.read_text()), {"name": "b", "url": url}]
        subgraphs.write_text(json.dumps(listed))
        with running("--subgraphs", str(subgraphs)) as process:
            process.wait_until_ready()
            assert process.line() == "The router serves generation 2.\n"
            assert process.ask("{ more }")["data"] == {"more": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file"),
        ("{ nope", ":1:3: this is not JSON"),
        ("{}", "holds no subgraphs"),
        ('[{"url": "http://x"}]', "subgraph 1 has no name"),
        ('[{"name": "a", "url": "http://x", "sdl": "gone.graphql"}]', "gone.graphql"),
        (
            '[{"name": "a", "url": "http://x", "sdl": "type Query {a:Int}"},'
            ' {"name": "a", "url": "http://x", "sdl": "type Query {a:Int}"}]',
            'two subgraphs are named "a"',
        ),
    ],
)
def test_a_broken_list_is_one_sentence_and_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    path = tmp_path / "subgraphs.json"
    if text is not None:
        path.write_text(text)
    assert main(["serve", "--subgraphs", str(path)]) == 1
    error = capsys.readouterr().err
    assert str(path) in error
    assert re.search(message, error)


@pytest.mark.parametrize(
    ("sdl", "message"),
    [
        ("type Query {", "Syntax Error"),
        ("type Query { a: Int }", "supergraph"),
    ],
)
def test_a_broken_supergraph_is_refused_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sdl: str, message: str
) -> None:
    path = tmp_path / "supergraph.graphql"
    path.write_text(sdl)
    assert main(["serve", "--supergraph", str(path)]) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_setting_names_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], subgraphs: Path
) -> None:
    settings = tmp_path / "router.toml"
    settings.write_text("introspection = true\n\n[http]\npth = '/x'\n")
    assert main(["serve", "--subgraphs", str(subgraphs), "--settings", str(settings)]) == 1
    assert (
        f"{settings}:4: http.pth is not a setting; did you mean 'path'?" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[subgraphs]\ntimeout = -1", ":2: subgraphs.timeout must be 0 or more, not -1"),
        ("[subgraphs]\ntimeout = nan", ":2: subgraphs.timeout must be 0 or more, not nan"),
        ("[limits]\nbody_bytes = -5", ":2: limits.body_bytes must be 0 or more, not -5"),
        ("[http]\npath = 5", ":2: http.path must be a text, not 5"),
        ("[http]\npath = 'graphql'", ":1: http has the path 'graphql'; begin it with a slash"),
        ("x =", "is not TOML"),
        ("# \udce9", "it is not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_broken_settings_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    settings = tmp_path / "router.toml"
    if text is not None:
        settings.write_bytes(text.encode(errors="surrogateescape"))
    assert main(["serve", "--supergraph", "-", "--settings", str(settings)]) == 1
    error = capsys.readouterr().err
    assert str(settings) in error
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "url", ["localhost:4000", "http://h:99999/", "http://h:no/", "http://[::1"]
)
def test_a_broken_url_names_its_list_and_subgraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    path = tmp_path / "subgraphs.json"
    path.write_text(json.dumps([{"name": "ward", "url": url, "sdl": "type Query { a: Int }"}]))
    assert main(["serve", "--subgraphs", str(path)]) == 1
    error = capsys.readouterr().err
    assert str(path) in error
    assert f"'ward': '{url}' is no URL" in error


def test_subgraphs_that_do_not_compose_are_told_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "subgraphs.json"
    (tmp_path / "a.graphql").write_text("type Query {\n  a Int\n}")
    path.write_text(json.dumps([{"name": "a", "url": "http://a", "sdl": "a.graphql"}]))
    assert main(["serve", "--subgraphs", str(path)]) == 1
    assert f"INVALID_GRAPHQL in {tmp_path}/a.graphql:2:5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--workers", "0"], "--workers 0"), (["--host", " "], "--host is empty")],
)
def test_options_that_mean_nothing_or_too_much_are_refused(
    capsys: pytest.CaptureFixture[str], subgraphs: Path, options: list[str], message: str
) -> None:
    assert main(["serve", "--subgraphs", str(subgraphs), *options]) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_command_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["srve"]) == 2
    assert "serve" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "compose" in capsys.readouterr().out


def test_workers_share_an_address_and_end_together(subgraphs: Path) -> None:
    with running("--subgraphs", str(subgraphs), "--workers", "2") as process:
        process.wait_until_ready()
        assert process.line().startswith("The router listens on")  # the second one
        for _ in range(6):
            assert process.ask("{ __typename }") == {"data": {"__typename": "Query"}}
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(PATIENCE) == 0


async def test_a_folder_that_goes_while_it_is_walked_does_not_end_the_watching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, rglob = [True], Path.rglob

    def walk(path: Path, pattern: str) -> Any:
        if gone:
            gone.clear()
            raise FileNotFoundError
        return rglob(path, pattern)

    monkeypatch.setattr(Path, "rglob", walk)
    reloads = asyncio.Event()
    watching = asyncio.create_task(_watch(lambda: [tmp_path], reloads, time.time_ns()))
    (tmp_path / "contract.toml").touch()
    asked = asyncio.create_task(reloads.wait())
    await asyncio.wait({watching, asked}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    assert reloads.is_set()
    watching.cancel()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_that_is_asked_for_while_the_router_starts_is_made(
    tmp_path: Path, workers: int
) -> None:
    class Starting(Answering):
        def answer(self) -> bytes:
            asked.release()
            answered.wait(PATIENCE)
            return json.dumps({"data": {"_service": {"sdl": SDL}}}).encode()

    asked, answered = threading.Semaphore(0), threading.Event()
    listed = tmp_path / "subgraphs.json"
    options = ("--no-watch", "--workers", str(workers))
    with serving(Starting) as url:
        listed.write_text(json.dumps([{"name": "a", "url": url}]))
        with running("--subgraphs", str(listed), *options) as process:
            for _ in range(workers):
                assert asked.acquire(timeout=PATIENCE)
            process.process.send_signal(signal.SIGHUP)
            answered.set()
            said = [process.line() for _ in range(2 * workers)]
            assert said.count("The router serves generation 2.\n") == workers


def test_a_worker_that_dies_is_replaced_and_one_that_cannot_start_ends_all(
    subgraphs: Path,
) -> None:
    with running("--subgraphs", str(subgraphs), "--workers", "2") as process:
        for _ in range(2):
            assert process.line().startswith("The router listens on")
        children = Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children")
        workers = children.read_text().split()
        os.kill(int(workers[0]), signal.SIGKILL)
        assert process.line().startswith("A worker ended with status -9")
        assert process.line().startswith("The router listens on")
        subgraphs.unlink()
        os.kill(int(workers[1]), signal.SIGKILL)
        assert process.line().startswith("A worker ended with status -9")
        assert str(subgraphs) in process.line()
        assert process.process.wait(PATIENCE) == 1


def test_workers_end_when_their_parent_is_killed(subgraphs: Path) -> None:
    with running("--subgraphs", str(subgraphs), "--workers", "2") as process:
        for _ in range(2):
            assert process.line().startswith("The router listens on")
        process.process.kill()
        process.wait_until_refused()


ENDED = """
import os, signal, sys
from router.cli.workers import run_workers

fork = os.fork

def forked():
    pid = fork()
    if pid:
        os.kill(os.getpid(), signal.SIGTERM)
    return pid

def work(serves):
    serves()
    while True:
        signal.pause()

os.fork = forked
sys.exit(run_workers(2, work))
"""


def test_workers_that_are_ended_while_they_are_started_end() -> None:
    done = subprocess.run([sys.executable, "-c", ENDED], timeout=PATIENCE, check=False)
    assert done.returncode == signal.SIGTERM  # what its one worker died of


@pytest.mark.parametrize("workers", ["1", "2"])
def test_port_0_is_a_free_one_and_is_said(subgraphs: Path, workers: str) -> None:
    command = [sys.executable, "-m", "router", "serve", "--subgraphs", str(subgraphs)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--workers", workers], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        said = {process.stderr.readline() for _ in range(int(workers))}
        (url,) = (line.split()[-1] for line in said)  # every worker says the same
        request = urllib.request.Request(
            url, b'{"query": "{ __typename }"}', {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert json.loads(answer.read()) == {"data": {"__typename": "Query"}}
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_an_impossible_port_is_said(subgraphs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--subgraphs", str(subgraphs), "--port", "65536"]) == 1
    assert "a port is a number from 0 to 65535" in capsys.readouterr().err


def test_a_port_in_use_is_said(subgraphs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for workers in ("1", "2"):
            arguments = ["--subgraphs", str(subgraphs), "--port", str(port), "--workers", workers]
            assert main(["serve", *arguments]) == 1
            assert f"127.0.0.1:{port} cannot be listened at" in capsys.readouterr().err


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    class Slow(Answering):
        def answer(self) -> bytes:
            asked.set()
            answered.wait(PATIENCE)
            return b'{"data":{"hello":"late"}}'

    asked, answered = threading.Event(), threading.Event()
    listed = tmp_path / "subgraphs.json"
    with serving(Slow) as url:
        listed.write_text(json.dumps([{"name": "a", "url": url, "sdl": SDL}]))
        with running("--subgraphs", str(listed)) as process:
            process.wait_until_ready()
            answers: list[Any] = []
            asking = threading.Thread(target=lambda: answers.append(process.ask("{ hello }")))
            asking.start()
            assert asked.wait(PATIENCE)
            process.process.send_signal(signal.SIGTERM)
            process.wait_until_refused()  # it is at its end, and has a request under way
            answered.set()
            asking.join(PATIENCE)
            assert answers == [{"data": {"hello": "late"}}]
            assert process.process.wait(PATIENCE) == 0
