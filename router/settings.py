"""Frozen settings of the router, read once from a mapping or a TOML file.

Every group is a frozen dataclass whose defaults are safe for production. :func:`read` turns a
mapping into such a class: an unknown key, a wrong type or an impossible value is refused with the
file, the line and what would be right. Contracts (``contract.toml``) are read by the same door.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar

from router.errors import SettingsInvalid
from router.files import read_text

__all__ = [
    "ApqSettings",
    "ClientMatching",
    "CorsSettings",
    "CsrfSettings",
    "ErrorSettings",
    "HeaderSettings",
    "HttpSettings",
    "IdempotencySettings",
    "JwtIssuer",
    "JwtSettings",
    "RateSettings",
    "RequestLimits",
    "Settings",
    "SubgraphSettings",
    "SubscriptionSettings",
    "UploadSettings",
    "load",
    "read",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """What a request may weigh before it is parsed; bytes, levels, operations, entries.

    ``admission``: begin new executions between the answers of those under way, which keeps a busy
    router's memory in the processor's cache. ``share_requests``: identical queries of clients
    that are in flight together, with the same forwarded rights, are executed once.
    """

    body_bytes: int = 1_048_576
    url_bytes: int = 32_768
    json_depth: int = 64
    document_tokens: int = 15_000
    batch_operations: int = 10
    batching: bool = True
    cached_operations: int = 2_000
    admission: bool = True
    share_requests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrfSettings:
    """A browser's simple request is refused unless one of these headers is present."""

    enabled: bool = True
    headers: tuple[str, ...] = (
        "apollo-require-preflight",
        "x-apollo-operation-name",
        "graphql-require-preflight",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsSettings:
    """Origins that browsers may call from; none by default. ``*`` excludes credentials."""

    origins: tuple[str, ...] = ()
    credentials: bool = False
    allow_headers: tuple[str, ...] = (
        "content-type",
        "authorization",
        "apollo-require-preflight",
        "x-apollo-operation-name",
        "apollographql-client-name",
        "apollographql-client-version",
        "graphql-require-preflight",
        "x-graphql-event-stream-token",
        "traceparent",
        "idempotency-key",
        "if-none-match",
        "x-client",
    )
    expose_headers: tuple[str, ...] = (
        "retry-after",
        "deprecation",
        "sunset",
        "etag",
        "idempotency-replayed",
    )
    max_age: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderSettings:
    """The request headers, lower case, that travel on to subgraphs; the allow-list is closed.

    An entry ending in ``*`` is a prefix. Hop-by-hop headers never travel, and no header of a
    subgraph reaches a client: several subgraphs make one answer.
    """

    forward: tuple[str, ...] = ("authorization", "traceparent", "tracestate", "x-request-id")
    from_claims: Mapping[str, str] = field(default_factory=dict)
    """Verified claims of the token that travel on, claim to header: ``{"sub": "x-user"}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSettings:
    """``mask``: clients get a code and an id, the log gets the cause.

    ``extensions`` are the top-level keys of subgraph errors that clients may see;
    ``codes`` of subgraph errors whose message is meant for people and passes (``*``: all).
    """

    mask: bool = False
    message: str = "Unexpected error."
    extensions: tuple[str, ...] = ("code", "service", "serviceName", "coordinate")
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """``statuses``: ``audit`` answers 400 where the draft says 422 and 200 for what it calls 294."""

    path: str = "/graphql"
    statuses: Literal["audit", "draft"] = "audit"
    csrf: CsrfSettings = CsrfSettings()
    cors: CorsSettings = CorsSettings()
    compression: bool = True
    compression_minimum: int = 1_024
    request_timeout: float = 60.0

    def __post_init__(self) -> None:
        """Refuse a path at which nothing can be asked."""
        if not self.path.startswith("/"):
            raise ValueError(f"has the path {self.path!r}; begin it with a slash")


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtIssuer:
    """One issuer of tokens.

    The keys come from ``jwks_url``, from ``jwks_file``, or by discovery below ``issuer``
    (``/.well-known/openid-configuration``). ``algorithms`` is a closed list: the token's own
    header never chooses beyond it. Seconds for ``leeway`` and ``refresh``.
    """

    issuer: str
    audiences: tuple[str, ...] = ()
    jwks_url: str | None = None
    jwks_file: Path | None = None
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA", "Ed25519")
    leeway: int = 30
    refresh: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSettings:
    """Where tokens are found and what their claims are called.

    ``required`` refuses anonymous requests with 401. ``scope_claims`` may hold a list or a
    space-separated string. ``prefix`` stands before the token in the header.
    """

    issuers: tuple[JwtIssuer, ...] = ()
    required: bool = False
    header: str = "authorization"
    prefix: str = "Bearer"
    scope_claims: tuple[str, ...] = ("scope", "scp", "scopes")
    role_claims: tuple[str, ...] = ("roles", "role")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMatching:
    """How a request's client is known, in this order; the first that speaks decides."""

    order: tuple[Literal["path", "header", "claim"], ...] = ("path", "header", "claim")
    header: str = "x-client"
    version_header: str = "x-client-version"
    claim: str = "client"
    default: str | None = None
    """The contract that the plain path serves; None: the whole API schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApqSettings:
    """Automatic persisted queries; ``redis_url`` where several routers share them."""

    enabled: bool = True
    entries: int = 1_000
    document_bytes: int = 65_536
    redis_url: str | None = None
    ttl: int = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencySettings:
    """Stored answers of mutations sent with an ``Idempotency-Key``; seconds and bytes.

    A try holds its key for ``lease`` seconds, which must be more than a request may take.
    ``forward``: subgraphs get a key of their own with each mutation.
    """

    enabled: bool = True
    required_persisted: bool = True
    ttl: int = 86_400
    lease: int = 120
    forward: bool = True
    body_bytes: int = 262_144
    entries: int = 10_000
    redis_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSettings:
    """Bounds of long-lived streams; seconds, messages, operations.

    ``resume``: so long an SSE client may be away and come back with ``Last-Event-ID`` without
    missing an event, among the last ``queue`` ones; 0: events carry no ids. ``redis_url``: routers
    that share it read one upstream together and resume each other's clients.
    """

    enabled: bool = True
    queue: int = 64
    shared: bool = True
    resume: float = 10.0
    init_timeout: float = 10.0
    keep_alive: float = 12.0
    operations_per_socket: int = 100
    message_bytes: int = 262_144
    sockets: int = 20_000
    redis_url: str | None = None
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSettings:
    """GraphQL multipart requests; off by default.

    So many ``memory_bytes`` of a file are held between the client and whoever reads it; files
    that have to be kept lie on disk above that.
    """

    enabled: bool = False
    files: int = 5
    file_bytes: int = 10_485_760
    memory_bytes: int = 262_144
    field_bytes: int = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings:
    """``limit`` in the words of the ``limits`` package: ``100/minute``; None: no limit.

    Counted by user (or address) per client; ``redis_url`` where several routers share counters.
    """

    limit: str | None = None
    redis_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphSettings:
    """How subgraphs are asked; seconds, bytes, connections per subgraph.

    ``deduplicate``: identical queries in flight are sent once. ``encodings`` (gzip, br, zstd) are
    offered to subgraphs; none by default, for within one network they cost more than they save.
    ``subscriptions``: ``auto`` tries the WebSocket first, then SSE and multipart.
    ``trusted`` names subgraphs whose answers keep to their schema: where one needs no reshaping,
    its bytes pass through unread.
    """

    timeout: float = 30.0
    max_bytes: int = 67_108_864
    connections: int = 256
    keep_alive: float = 30.0
    encodings: tuple[str, ...] = ()
    subscriptions: Literal["auto", "websocket", "http"] = "auto"
    event_timeout: float = 0.0
    deduplicate: bool = True
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a router can be told, with its defaults."""

    http: HttpSettings = HttpSettings()
    limits: RequestLimits = RequestLimits()
    headers: HeaderSettings = HeaderSettings()
    errors: ErrorSettings = ErrorSettings()
    jwt: JwtSettings = JwtSettings()
    clients: ClientMatching = ClientMatching()
    apq: ApqSettings = ApqSettings()
    idempotency: IdempotencySettings = IdempotencySettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    uploads: UploadSettings = UploadSettings()
    rate: RateSettings = RateSettings()
    subgraphs: SubgraphSettings = SubgraphSettings()
    introspection: bool = True
    unauthorised: Literal["cut", "refuse"] = "cut"
    private_tag: str = "phi"
    labels: tuple[str, ...] = ()
    """Progressive ``@override`` labels that are on for every request."""
    percent_labels: Mapping[str, float] = field(default_factory=dict)
    """Overrides of ``percent(n)`` labels by name, 0 to 100."""


T = TypeVar("T")


def load(path: Path, into: type[T]) -> T:
    """Read the TOML file ``path`` into the settings class ``into``.

    Raises :class:`~router.errors.SettingsInvalid` naming file, line and mend.
    """
    text = read_text(path, "give the path of a TOML file")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(f"{path}: this is not TOML: {error}.") from error
    return read(values, into, where=str(path), text=text, base=path.parent)


def read(
    values: Mapping[str, Any],
    into: type[T],
    *,
    where: str = "settings",
    text: str = "",
    base: Path | None = None,
) -> T:
    """Turn a mapping into the settings class ``into``; relative paths are taken from ``base``."""
    return typing.cast("T", _Reader(where, text, base).group(values, into, ()))


class _Reader:
    """Reads nested groups and remembers where it is, for the error messages."""

    def __init__(self, where: str, text: str, base: Path | None) -> None:
        self.where = where
        self.lines = text.splitlines()
        self.base = base

    def group(self, values: object, into: type[Any], path: tuple[str, ...]) -> Any:
        if not isinstance(values, Mapping):
            raise self.invalid(path, f"must be a table, not {_kind(values)}")
        hints = typing.get_type_hints(into)
        names = [item.name for item in dataclasses.fields(into)]
        read: dict[str, Any] = {}
        for key, value in values.items():
            name = str(key).replace("-", "_")
            if name not in names:
                near = get_close_matches(name, names, 1)
                mend = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
                raise self.invalid((*path, str(key)), f"is not a setting; {mend}")
            read[name] = self.value(value, hints[name], (*path, str(key)))
        for item in dataclasses.fields(into):
            no_default = (
                item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
            )
            if no_default and item.name not in read:
                raise self.invalid(path, f"lacks {item.name!r}, which has no default")
        try:
            return into(**read)
        except ValueError as error:
            raise self.invalid(path, str(error)) from error

    def value(self, value: object, hint: Any, path: tuple[str, ...]) -> Any:
        origin = typing.get_origin(hint)
        if origin in (types.UnionType, typing.Union):
            return self.union(value, typing.get_args(hint), path)
        if origin is Literal:
            if value not in typing.get_args(hint):
                choices = ", ".join(map(repr, typing.get_args(hint)))
                raise self.invalid(path, f"must be one of {choices}, not {value!r}")
            return value
        if origin is tuple:
            if not isinstance(value, list | tuple):
                raise self.invalid(path, f"must be a list, not {_kind(value)}")
            item = typing.get_args(hint)[0]
            return tuple(self.value(one, item, path) for one in value)
        if origin is not None and issubclass(origin, Mapping):
            if not isinstance(value, Mapping):
                raise self.invalid(path, f"must be a table, not {_kind(value)}")
            inner = typing.get_args(hint)[1]
            return {str(k): self.value(v, inner, (*path, str(k))) for k, v in value.items()}
        if dataclasses.is_dataclass(hint):
            if isinstance(value, typing.cast("type[Any]", hint)):
                return value
            return self.group(value, typing.cast("type[Any]", hint), path)
        return self.scalar(value, hint, path)

    def union(self, value: object, options: tuple[Any, ...], path: tuple[str, ...]) -> Any:
        if value is None and types.NoneType in options:
            return None
        plain = [option for option in options if option is not types.NoneType]
        for option in plain:  # an exact type wins: True is no Path
            if isinstance(option, type) and type(value) is option:
                return self.value(value, option, path)
        return self.value(value, plain[-1], path)

    def scalar(self, value: object, hint: Any, path: tuple[str, ...]) -> Any:
        if hint is Any:
            return value
        if hint is Path and isinstance(value, str | Path):
            found = Path(value).expanduser()
            return self.base / found if self.base and not found.is_absolute() else found
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
            raise self.invalid(path, f"must be {_name(hint)}, not {_kind(value)}")
        if isinstance(value, int | float) and not value >= 0:
            # no setting counts or measures less than nothing
            raise self.invalid(path, f"must be 0 or more, not {value:g}")
        return value

    def invalid(self, path: tuple[str, ...], message: str) -> SettingsInvalid:
        line = self.line_of(path)
        place = f"{self.where}:{line}" if line else self.where
        end = "" if message.endswith("?") else "."
        return SettingsInvalid(f"{place}: {'.'.join(path) or 'the file'} {message}{end}")

    def line_of(self, path: tuple[str, ...]) -> int | None:
        """The first line that sets the last key of ``path``, below its table's header if any."""
        if not path:
            return None
        start = 0
        for table in range(len(path) - 1, 0, -1):
            header = ".".join(path[:table])
            for number, text in enumerate(self.lines):
                if text.strip().strip("[]").replace(" ", "") == header and text.strip()[:1] == "[":
                    start = number
                    break
        for number, text in enumerate(self.lines[start:], start + 1):
            stripped = text.strip()
            if stripped.split("=")[0].strip().strip("\"'") == path[-1]:
                return number
            if stripped.strip("[]").replace(" ", "") == ".".join(path):
                return number
        return None


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return repr(value)


def _name(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return names.get(hint, str(getattr(hint, "__name__", hint)))
