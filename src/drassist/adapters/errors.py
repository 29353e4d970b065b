"""How an adapter says that its peer could not, or would not, do what was asked.

    AdapterError
    ├── PeerUnavailable      nobody answered, or "later": the same call may succeed, so retry it
    ├── PeerRefused          the peer answered no: the same call fails again, so a person must look
    │   ├── PeerNotFound         no such thing there (404, 410)
    │   ├── PeerConflict         the thing changed meanwhile, or already exists (409, 412)
    │   └── PeerForbidden        our credentials or scopes are not enough (401, 403)
    ├── AnswerInvalid        the peer answered something that is not the protocol
    └── InputInvalid         a file or bundle handed to us cannot be used; names the entry

``retryable`` is what an outbox asks; ``code`` is what a screen shows. Messages name resource
types, ids of our own orders, status codes and issue codes, and never a patient's data: the
free text of a peer's error may quote the resource that it refused, so it is not carried along.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AdapterError",
    "AnswerInvalid",
    "InputInvalid",
    "PeerConflict",
    "PeerForbidden",
    "PeerNotFound",
    "PeerRefused",
    "PeerUnavailable",
]


class AdapterError(Exception):
    """The root of the tree; ``code`` is stable, the message may change."""

    code: ClassVar[str] = "ADAPTER_FAILED"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PeerUnavailable(AdapterError):
    """No answer within the deadline, or one that means "later" (429, 5xx, circuit open).

    The outcome of a write is then unknown: repeat it only with the same business identifier.
    """

    code = "PEER_UNAVAILABLE"
    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PeerRefused(AdapterError):
    """The peer answered no; ``status`` is HTTP's, ``issues`` the coded reasons it gave."""

    code = "PEER_REFUSED"

    def __init__(
        self, message: str, *, status: int | None = None, issues: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.issues = issues


class PeerNotFound(PeerRefused):
    """The peer has no such resource, or has it no longer."""

    code = "PEER_NOT_FOUND"


class PeerConflict(PeerRefused):
    """A condition of the write did not hold: another version, or more than one match."""

    code = "PEER_CONFLICT"


class PeerForbidden(PeerRefused):
    """The peer does not let these credentials do this."""

    code = "PEER_FORBIDDEN"


class AnswerInvalid(AdapterError):
    """The peer's answer is not what its protocol allows; ask its operator."""

    code = "PEER_ANSWER_INVALID"


class InputInvalid(AdapterError):
    """Something handed to us is broken; the message names the file, the entry and the fault."""

    code = "INPUT_INVALID"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.error_code = code or self.code
