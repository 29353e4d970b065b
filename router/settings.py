"""Frozen settings of the router, read once from a mapping or a TOML file.

Every group is a frozen Struct whose defaults are safe for production; what it cannot be is
refused when it is made. :func:`read` makes one of a mapping, :func:`load` of a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import force_setattr

from router.tables import load, read

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
    "check_rate",
    "load",
    "read",
    "served_path",
]


def served_path(path: str) -> str:
    """Return the path without the slash at its end, which requests may have or not.

    Raises ValueError for a path at which nothing can be asked.
    """
    if not path.startswith("/"):
        raise ValueError(f"has the path {path!r}; begin it with a slash")
    if "?" in path or "#" in path:
        raise ValueError(f"has the path {path!r}; a path ends before ? and #")
    return path.rstrip("/") or "/"


def check_rate(rate: str | None) -> None:
    """Raise ValueError for what is no rate in the words of the ``limits`` package."""
    if rate is None:
        return
    from limits import parse

    try:
        parse(rate)
    except ValueError:
        raise ValueError(
            f"has the rate {rate!r}; write for example '100/minute' or '10 per second'"
        ) from None


def check_redis(url: str | None) -> None:
    """Raise ValueError for what is no address of Redis."""
    if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
        # the address is not told: it may hold a password
        raise ValueError("has a redis_url that is none; write redis://host:port/database")


def _lower(group: Struct, *names: str) -> None:
    """Write names of headers as requests have them: they mean the same in any case."""
    for name in names:
        value = getattr(group, name)
        lowered = value.lower() if isinstance(value, str) else tuple(map(str.lower, value))
        force_setattr(group, name, lowered)


class RequestLimits(Struct, frozen=True, kw_only=True):
    """What a request may weigh before it is planned; bytes, levels, operations, entries.

    ``document_comparisons``: pairs of selections that validation compares because they have one
    response name. ``admission``: begin new executions between the answers of those under way, which keeps a busy
    router's memory in the processor's cache. ``share_requests``: identical queries of clients
    that are in flight together, with the same forwarded rights, are executed once.
    """

    body_bytes: int = 1_048_576
    url_bytes: int = 32_768
    json_depth: int = 64
    document_tokens: int = 15_000
    document_comparisons: int = 100_000
    batch_operations: int = 10
    batching: bool = True
    cached_operations: int = 2_000
    admission: bool = True
    share_requests: bool = False


class CsrfSettings(Struct, frozen=True, kw_only=True):
    """A browser's simple request is refused unless one of these headers is present."""

    enabled: bool = True
    headers: tuple[str, ...] = (
        "apollo-require-preflight",
        "x-apollo-operation-name",
        "graphql-require-preflight",
    )

    def __post_init__(self) -> None:
        """Write the headers in lower case."""
        _lower(self, "headers")


class CorsSettings(Struct, frozen=True, kw_only=True):
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

    def __post_init__(self) -> None:
        """Refuse what browsers refuse."""
        if self.credentials and "*" in self.origins:
            raise ValueError("has credentials for all origins; name those that may send them")


class HeaderSettings(Struct, frozen=True, kw_only=True):
    """The request headers that travel on to subgraphs; the allow-list is closed.

    An entry ending in ``*`` is a prefix. Hop-by-hop headers never travel, and no header of a
    subgraph reaches a client: several subgraphs make one answer.
    """

    forward: tuple[str, ...] = ("authorization", "traceparent", "tracestate", "x-request-id")
    from_claims: Mapping[str, str] = field(default_factory=dict)
    """Verified claims of the token that travel on, claim to header: ``{"sub": "x-user"}``."""

    def __post_init__(self) -> None:
        """Write the headers in lower case."""
        _lower(self, "forward")
        lowered = {claim: header.lower() for claim, header in self.from_claims.items()}
        force_setattr(self, "from_claims", lowered)


class ErrorSettings(Struct, frozen=True, kw_only=True):
    """``mask``: clients get a code and an id, the log gets the cause.

    ``extensions`` are the top-level keys of subgraph errors that clients may see;
    ``codes`` of subgraph errors whose message is meant for people and passes (``*``: all).
    """

    mask: bool = False
    message: str = "Unexpected error."
    extensions: tuple[str, ...] = ("code", "service", "serviceName", "coordinate")
    codes: tuple[str, ...] = ()


class HttpSettings(Struct, frozen=True, kw_only=True):
    """``statuses``: ``audit`` answers 400 where the draft says 422 and 200 for what it calls 294.

    ``request_timeout``: seconds for a request's head to come, for its body, and for its answer.
    """

    path: str = "/graphql"
    statuses: Literal["audit", "draft"] = "audit"
    csrf: CsrfSettings = CsrfSettings()
    cors: CorsSettings = CorsSettings()
    compression: bool = True
    compression_minimum: int = 1_024
    request_timeout: float = 60.0

    def __post_init__(self) -> None:
        """Refuse a path or a time in which nothing can be asked."""
        force_setattr(self, "path", served_path(self.path))
        if not self.request_timeout:
            raise ValueError("must allow requests some time; write more than 0")


class JwtIssuer(Struct, frozen=True, kw_only=True):
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

    def __post_init__(self) -> None:
        """Refuse an issuer without a name, and tokens that nobody has signed."""
        if not self.issuer:
            raise ValueError("has an empty issuer; write what its tokens say in 'iss'")
        if not self.algorithms or "none" in self.algorithms:
            raise ValueError("must name algorithms that sign, such as 'RS256'")
        asked = self.jwks_url if self.jwks_url is not None else self.issuer
        if self.jwks_file is None and not asked.startswith(("http://", "https://")):
            raise ValueError(f"cannot ask {asked!r} for keys; add an http jwks_url, or a jwks_file")


class JwtSettings(Struct, frozen=True, kw_only=True):
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

    def __post_init__(self) -> None:
        """Write the header in lower case."""
        _lower(self, "header")


class ClientMatching(Struct, frozen=True, kw_only=True):
    """How a request's client is known, in this order; the first that speaks decides."""

    order: tuple[Literal["path", "header", "claim"], ...] = ("path", "header", "claim")
    header: str = "x-client"
    version_header: str = "x-client-version"
    claim: str = "client"
    default: str | None = None
    """The contract that the plain path serves; None: the whole API schema."""

    def __post_init__(self) -> None:
        """Write the headers in lower case."""
        _lower(self, "header", "version_header")


class ApqSettings(Struct, frozen=True, kw_only=True):
    """Automatic persisted queries; ``redis_url`` where several routers share them."""

    enabled: bool = True
    entries: int = 1_000
    document_bytes: int = 65_536
    redis_url: str | None = None
    ttl: int = 86_400

    def __post_init__(self) -> None:
        """Refuse what is no address of Redis."""
        check_redis(self.redis_url)


class IdempotencySettings(Struct, frozen=True, kw_only=True):
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

    def __post_init__(self) -> None:
        """Refuse what is no address of Redis."""
        check_redis(self.redis_url)


class SubscriptionSettings(Struct, frozen=True, kw_only=True):
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

    def __post_init__(self) -> None:
        """Refuse what is no address of Redis."""
        check_redis(self.redis_url)


class UploadSettings(Struct, frozen=True, kw_only=True):
    """GraphQL multipart requests; off by default.

    So many ``memory_bytes`` of a file are held between the client and whoever reads it; files
    that have to be kept lie on disk above that.
    """

    enabled: bool = False
    files: int = 5
    file_bytes: int = 10_485_760
    memory_bytes: int = 262_144
    field_bytes: int = 1_048_576


class RateSettings(Struct, frozen=True, kw_only=True):
    """``limit`` in the words of the ``limits`` package: ``100/minute``; None: no limit.

    Counted by user (or address) per client; ``redis_url`` where several routers share counters.
    """

    limit: str | None = None
    redis_url: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no rate, or no address of Redis."""
        check_rate(self.limit)
        check_redis(self.redis_url)


class SubgraphSettings(Struct, frozen=True, kw_only=True):
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
    encodings: tuple[Literal["gzip", "br", "zstd"], ...] = ()
    subscriptions: Literal["auto", "websocket", "http"] = "auto"
    event_timeout: float = 0.0
    deduplicate: bool = True
    trusted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what leaves no way to ask a subgraph."""
        if not self.timeout or not self.connections:
            raise ValueError("must allow some time and a connection; write more than 0")


class Settings(Struct, frozen=True, kw_only=True):
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

    def __post_init__(self) -> None:
        """Refuse what is no percentage."""
        for label, percent in self.percent_labels.items():
            if not 0 <= percent <= 100:
                raise ValueError(f"gives {label!r} {percent:g} percent; write 0 to 100")
