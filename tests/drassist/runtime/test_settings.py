from __future__ import annotations

from pathlib import Path

import pydantic
import pytest

from drassist.runtime.settings import Settings


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRASSIST_SETTINGS", raising=False)


def test_without_any_setting_the_embedded_system_is_meant() -> None:
    settings = Settings.load()
    assert settings.bus.url == "memory://"
    assert settings.database_url("patients") == "sqlite+aiosqlite:///var/patients.db"


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drassist.toml").write_text('[server]\nport = 5000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("DRASSIST_SERVER__PORT", "6000")
    settings = Settings.load()
    assert (settings.server.host, settings.server.port) == ("0.0.0.0", 6000)


@pytest.mark.parametrize(
    "text", ["[server]\nprt = 1\n", "colour = 1\n", "[bus]\nurl = 'ftp://x'\n"]
)
def test_a_key_or_value_that_is_unknown_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "drassist.toml").write_text(text)
    with pytest.raises(pydantic.ValidationError):
        Settings.load()


def test_a_misspelt_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRASSIST_SERVER__PRT", "6000")
    with pytest.raises(pydantic.ValidationError):
        Settings.load()


def test_a_file_that_was_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRASSIST_SETTINGS", "nowhere.toml")
    with pytest.raises(FileNotFoundError):
        Settings.load()


def test_settings_do_not_change_and_hide_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRASSIST_ADAPTERS__LAB__TOKEN", "hush")
    settings = Settings.load()
    assert "hush" not in repr(settings)
    with pytest.raises(pydantic.ValidationError):
        settings.facility = "other"


def test_tables_and_lists_come_from_the_environment_as_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRASSIST_GATEWAY__SUBGRAPHS", '{"notes": "http://notes/graphql"}')
    monkeypatch.setenv("DRASSIST_SERVER__ALLOWED_ORIGINS", '["https://a.example"]')
    monkeypatch.setenv("DRASSIST_IDENTITY__DEVELOPMENT_PASSWORD", "{curly")
    settings = Settings.load()
    assert settings.gateway.subgraphs == {"notes": "http://notes/graphql"}
    assert settings.server.allowed_origins == ("https://a.example",)
    assert settings.identity.development_password.get_secret_value() == "{curly"


def test_the_development_provider_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRASSIST_ENVIRONMENT", "production")
    monkeypatch.setenv("DRASSIST_IDENTITY__DEVELOPMENT_PASSWORD", "not to be told")
    with pytest.raises(pydantic.ValidationError, match=r"identity\.development") as refused:
        Settings.load()
    assert "not to be told" not in str(refused.value)
    monkeypatch.setenv("DRASSIST_IDENTITY__DEVELOPMENT", "false")
    assert Settings.load().environment == "production"
