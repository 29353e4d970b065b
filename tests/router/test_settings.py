"""What settings cannot be is refused when they are made, from code and from files alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.contracts.contract import Contract, ContractLimits
from router.errors import SettingsInvalid
from router.settings import (
    ApqSettings,
    CorsSettings,
    HttpSettings,
    IdempotencySettings,
    JwtIssuer,
    RateSettings,
    Settings,
    SubgraphSettings,
    SubscriptionSettings,
    load,
    read,
)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: HttpSettings(path="graphql"), "begin it with a slash"),
        (lambda: Contract(path="tablet"), "begin it with a slash"),
        (lambda: Contract(path="/tablet?x=1"), r"ends before \? and #"),
        (lambda: CorsSettings(origins=("*",), credentials=True), "name those that may send them"),
        (lambda: Settings(percent_labels={"new": 101}), "gives 'new' 101 percent; write 0 to 100"),
        (lambda: HttpSettings(request_timeout=0), "must allow requests some time"),
        (lambda: SubgraphSettings(connections=0), "must allow some time and a connection"),
        (lambda: SubgraphSettings(timeout=0), "must allow some time and a connection"),
        (lambda: RateSettings(limit="often"), "has the rate 'often'; write for example"),
        (lambda: ContractLimits(rate="5/fortnight"), "has the rate '5/fortnight'"),
        (lambda: ContractLimits(operation_rates={"Ward": "many"}), "has the rate 'many'"),
        (lambda: RateSettings(redis_url="host:6379"), "redis_url that is none"),
        (lambda: ApqSettings(redis_url="http://host"), "redis_url that is none"),
        (lambda: IdempotencySettings(redis_url=""), "redis_url that is none"),
        (lambda: SubscriptionSettings(redis_url="x"), "write redis://host:port/database"),
        (lambda: JwtIssuer(issuer=""), "empty issuer"),
        (lambda: JwtIssuer(issuer="https://id", algorithms=("none",)), "algorithms that sign"),
        (lambda: JwtIssuer(issuer="https://id", algorithms=()), "algorithms that sign"),
        (lambda: JwtIssuer(issuer="id"), "cannot ask 'id' for keys; add an http jwks_url"),
        (lambda: JwtIssuer(issuer="id", jwks_url="ftp://id"), "cannot ask 'ftp://id' for keys"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(make: object, says: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("path", "served"), [("/", "/"), ("/graphql/", "/graphql"), ("/v1/query", "/v1/query")]
)
def test_a_path_is_the_same_with_a_slash_at_its_end(path: str, served: str) -> None:
    assert HttpSettings(path=path).path == served
    assert Contract(name="tablet", path=path).url_path == served


def test_headers_are_named_in_any_case() -> None:
    given = {
        "http": {"csrf": {"headers": ["X-Mine"]}},
        "headers": {"forward": ["X-Ward", "X-Trace-*"], "from_claims": {"sub": "X-User"}},
        "jwt": {"header": "X-Token"},
        "clients": {"header": "X-App", "version_header": "X-App-Version"},
    }
    settings = read(given, Settings)
    assert settings.http.csrf.headers == ("x-mine",)
    assert settings.headers.forward == ("x-ward", "x-trace-*")
    assert settings.headers.from_claims == {"sub": "x-user"}
    assert settings.jwt.header == "x-token"
    assert (settings.clients.header, settings.clients.version_header) == ("x-app", "x-app-version")


def test_what_a_file_says_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text('[http]\npath = "/x"\n\n[rate]\nlimit = "often"\n')
    with pytest.raises(SettingsInvalid) as caught:
        load(file, Settings)
    assert caught.value.message == (
        f"{file}:4: rate has the rate 'often'; write for example '100/minute' or '10 per second'."
    )


@pytest.mark.parametrize(
    ("contract", "says"),
    [
        ({"limits": {"depth": -1}}, "limits.depth must be 0 or more, not -1."),
        ({"limits": {"depth": True}}, "limits.depth must be a whole number, not True."),
        ({"limits": {"rate": 5}}, "limits.rate must be a text, not 5."),
        ({"limit": {}}, "limit is not a setting; did you mean 'limits'?"),
    ],
)
def test_a_value_that_may_be_missing_is_checked_where_it_is_there(
    contract: dict[str, object], says: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read(contract, Contract, where="c.toml")
    assert caught.value.message == f"c.toml: {says}"
