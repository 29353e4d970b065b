"""npm's ``oidc-provider`` in a process of its own: an identity provider that nobody here wrote."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import pytest

from tests.patience import PATIENCE

__all__ = ["GRAPH", "REDIRECT", "Issuer", "foreign_packages", "running_issuer"]

GRAPH = "https://graph.example"
"""The audience of its access tokens."""
REDIRECT = "http://127.0.0.1:7/"
"""Where the public client ``graphiql`` comes back to; nobody listens there."""
PACKAGE = Path(__file__).parents[1] / "clients-js"


def foreign_packages() -> Path:
    """The folder with the npm packages installed; skips loudly without Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
            pytest.fail("Node and npm are required")
        pytest.skip("no Node here")
    installed = PACKAGE / "node_modules" / ".installed"
    wanted = (PACKAGE / "package.json").read_text()
    with (PACKAGE / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # the other process of the tests needs them too
        if not installed.exists() or installed.read_text() != wanted:
            command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(command, cwd=PACKAGE, check=True, timeout=3 * PATIENCE)
            installed.write_text(wanted)
    return PACKAGE


class Issuer:
    """The provider's process, its tokens and its keys."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = ""

    async def said(self) -> Any:
        """The next thing that it says."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.process.stdout.readline())

    async def keys(self, change: str) -> str:
        """``rotate`` withdraws the old key, ``keep`` adds one (and signs with it, ES256)."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{change}\n".encode())
        return str((await self.said())["kid"])

    async def token(self, scope: str = "stock:read", audience: str = GRAPH) -> str:
        """A JWT access token by the client credentials grant."""
        form = {"grant_type": "client_credentials", "scope": scope, "resource": audience}
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            answer = await http.post(f"{self.url}/token", data=form, auth=("ward", "not-a-secret"))
        return str(answer.raise_for_status().json()["access_token"])

    async def sign_in(self, who: str, scope: str = "openid stock:read") -> tuple[str, str]:
        """Sign in as a browser does, through its own pages: the code and its PKCE verifier."""
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": "graphiql",
            "redirect_uri": REDIRECT,
            "scope": scope,
            "state": "s",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            page = await http.get(f"{self.url}/auth", params=asked)
            while True:
                if page.is_redirect:
                    url = urljoin(str(page.url), page.headers["location"])
                    if url.startswith(REDIRECT):
                        return parse_qs(urlsplit(url).query)["code"][0], verifier
                    page = await http.get(url)
                    continue
                page.raise_for_status()
                [action] = re.findall(r'<form[^>]* action="([^"]+)"', page.text)
                fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
                if 'name="login"' in page.text:
                    fields |= {"login": who, "password": "any will do"}
                page = await http.post(urljoin(str(page.url), unescape(action)), data=fields)

    async def redeem(self, code: str, verifier: str) -> httpx2.Response:
        """Exchange a code for tokens, as the public client ``graphiql``."""
        form = {
            "grant_type": "authorization_code",
            "client_id": "graphiql",
            "redirect_uri": REDIRECT,
            "code": code,
            "code_verifier": verifier,
        }
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            return await http.post(f"{self.url}/token", data=form)


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """The provider, ended afterwards."""
    pipe = asyncio.subprocess.PIPE
    folder = await asyncio.to_thread(foreign_packages)
    process = await asyncio.create_subprocess_exec(
        "node",
        "oidc.mjs",
        cwd=folder,
        stdin=pipe,
        stdout=pipe,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        issuer = Issuer(process)
        issuer.url = (await issuer.said())["issuer"]
        yield issuer
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
