"""Identities from tokens, with a real issuer on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from router import Router, Subgraph
from router.errors import SettingsInvalid
from router.server import jwt as router_jwt
from router.server.identity import ANONYMOUS
from router.server.jwt import JwtAuthenticator
from router.server.refusals import Refused
from router.settings import JwtIssuer, JwtSettings, Settings


class Issuer:
    """An OpenID provider's two documents, and what was asked of it."""

    def __init__(self) -> None:
        self.keys: list[Any] = [ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})]
        self.asked: list[str] = []
        self.away = False
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                if owner.away:
                    self.send_error(503)
                    return
                body = json.dumps(owner.document(self.path)).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def document(self, path: str) -> Any:
        if path.endswith("openid-configuration"):
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return KeySet(self.keys).as_dict(private=False)

    def token(self, key: Any = None, alg: str = "ES256", **claims: Any) -> str:
        key = key or self.keys[0]
        whole = {
            "iss": self.url,
            "sub": "dr-rao",
            "exp": int(time.time()) + 600,
            "scope": "read write",
            "roles": ["doctor"],
            **claims,
        }
        whole = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": key.kid}, whole, key, algorithms=[alg])


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()


def authenticator(issuer: Issuer, **settings: Any) -> JwtAuthenticator:
    return JwtAuthenticator(JwtSettings(issuers=(JwtIssuer(issuer=issuer.url, **settings),)))


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_token_names_its_bearer(issuer: Issuer) -> None:
    identity = await authenticator(issuer)(bearer(issuer.token()))
    assert identity.subject == "dr-rao"
    assert identity.scopes == {"read", "write"}
    assert identity.roles == {"doctor"}
    assert identity.authenticated


async def test_no_token_is_anonymous_unless_one_is_required(issuer: Issuer) -> None:
    assert await authenticator(issuer)({}) is ANONYMOUS
    strict = JwtAuthenticator(JwtSettings(issuers=(JwtIssuer(issuer=issuer.url),), required=True))
    with pytest.raises(Refused) as refusal:
        await strict({})
    assert refusal.value.http_status == 401
    assert "WWW-Authenticate" in refusal.value.headers


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_000_000_000},  # 2001
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": 4_000_000_000},  # 2096; not "in ten minutes", which long test runs outlast
        {"iss": "https://elsewhere.example"},
        {"sub": None},
        {"aud": "another"},
    ],
)
async def test_a_token_with_wrong_claims_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refusal:
        await authenticator(issuer, audiences=("router",))(
            bearer(issuer.token(**{"aud": "router", **claims}))
        )
    assert refusal.value.http_status == 401


async def test_leeway_forgives_a_slow_clock(issuer: Issuer) -> None:
    token = issuer.token(exp=int(time.time()) - 5)
    assert (await authenticator(issuer, leeway=30)(bearer(token))).subject == "dr-rao"


async def test_a_foreign_signature_is_refused(issuer: Issuer) -> None:
    forged = issuer.token(ECKey.generate_key("P-256", {"kid": "one"}))
    with pytest.raises(Refused):
        await authenticator(issuer)(bearer(forged))


async def test_the_token_does_not_choose_the_algorithm(issuer: Issuer) -> None:
    # the classic confusion: the public key as an HMAC secret
    secret = OctKey.import_key(
        json.dumps(issuer.keys[0].as_dict(private=False)).encode(), {"kid": "one"}
    )
    with pytest.raises(Refused, match="algorithm"):
        await authenticator(issuer)(bearer(issuer.token(secret, alg="HS256")))
    none = "eyJhbGciOiJub25lIn0." + issuer.token().split(".")[1] + "."
    with pytest.raises(Refused, match="algorithm"):
        await authenticator(issuer)(bearer(none))


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "..", "a" * 20_000])
async def test_a_malformed_token_is_refused(issuer: Issuer, token: str) -> None:
    with pytest.raises(Refused):
        await authenticator(issuer)(bearer(token))


async def test_a_new_key_is_found_without_a_restart(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_jwt, "_PAUSE", 0.0)
    check = authenticator(issuer)
    await check(bearer(issuer.token()))
    issuer.keys = [RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})]
    identity = await check(bearer(issuer.token(alg="RS256")))
    assert identity.subject == "dr-rao"


async def test_unknown_keys_do_not_cause_traffic(issuer: Issuer) -> None:
    check = authenticator(issuer)
    await check(bearer(issuer.token()))
    for number in range(5):
        key = ECKey.generate_key("P-256", {"kid": f"forged-{number}"})
        with pytest.raises(Refused):
            await check(bearer(issuer.token(key)))
    assert issuer.asked.count("/keys") == 1


async def test_an_absent_issuer_keeps_its_cached_keys(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_jwt, "_PAUSE", 0.0)
    check = authenticator(issuer, refresh=0)
    await check(bearer(issuer.token()))
    issuer.away = True
    assert (await check(bearer(issuer.token(jti="2")))).subject == "dr-rao"


async def test_an_issuer_never_reached_is_503(issuer: Issuer) -> None:
    issuer.away = True
    with pytest.raises(Refused) as refusal:
        await authenticator(issuer)(bearer(issuer.token()))
    assert refusal.value.http_status == 503


@pytest.mark.parametrize("document", [[], {}, {"keys": 5}, {"keys": [{"kty": "RSA"}]}, "keys"])
@pytest.mark.parametrize("page", ["openid-configuration", "keys"])
async def test_an_issuer_that_answers_nonsense_is_503(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, page: str, document: object
) -> None:
    right = issuer.document
    monkeypatch.setattr(
        issuer, "document", lambda path: document if path.endswith(page) else right(path)
    )
    with pytest.raises(Refused) as refusal:
        await authenticator(issuer)(bearer(issuer.token()))
    assert refusal.value.http_status == 503


async def test_keys_of_a_file_are_read_before_the_first_token(
    issuer: Issuer, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(issuer.document("/keys")))
    identity = await authenticator(issuer, jwks_file=file)(bearer(issuer.token()))
    assert identity.subject == "dr-rao"
    assert issuer.asked == []
    file.write_text('{"keys": [{"kty": "RSA"}]}')
    with pytest.raises(SettingsInvalid, match=r"keys\.json: this is no set of keys; give the"):
        authenticator(issuer, jwks_file=file)
    with pytest.raises(SettingsInvalid, match=r"gone\.json: cannot be read"):
        authenticator(issuer, jwks_file=tmp_path / "gone.json")


async def test_a_reload_takes_keys_out_of_a_file_and_leaves_those_that_were_fetched(
    issuer: Issuer, tmp_path: Path
) -> None:
    file, other = tmp_path / "keys.json", Issuer()
    file.write_text(json.dumps(issuer.document("/keys")))
    named = (JwtIssuer(issuer=issuer.url, jwks_file=file), JwtIssuer(issuer=other.url))
    settings = [Settings(jwt=JwtSettings(issuers=named))]
    graph = {"a": Subgraph(url="http://127.0.0.1:1/", sdl="type Query { a: Int }")}
    async with Router.from_subgraphs(graph, settings=lambda: settings[-1]) as router:
        of_file, fetched = issuer.token(), other.token()
        for token in (of_file, fetched):
            assert (await router.server.pipeline.authenticate(bearer(token))).authenticated
        other.away = True
        file.write_text(json.dumps(other.document("/keys")))
        for introspection in (True, False):
            settings.append(msgspec.structs.replace(settings[-1], introspection=introspection))
            await router.reload()
            assert (await router.server.pipeline.authenticate(bearer(fetched))).authenticated
            with pytest.raises(Refused):
                await router.server.pipeline.authenticate(bearer(of_file))
    other.server.shutdown()
    other.server.server_close()


async def test_a_verified_token_is_not_verified_again(issuer: Issuer) -> None:
    check = authenticator(issuer)
    token = issuer.token()
    first = await check(bearer(token))
    assert await check(bearer(token)) is first
