"""What of an error reaches the client: a code and an id, while the log gets the cause.

An error of the request itself (its document, its rights, its limits) is the client's own and is
shown whole. Messages of subgraphs are replaced, with masking on, unless their code is on the list
of codes meant for people. Private values are cut out of every message, shown or logged.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from router.execution import Answer
from router.settings import ErrorSettings

if TYPE_CHECKING:
    from router.server.private import PrivateValues

__all__ = ["Masking"]

_LOG: Final = logging.getLogger("router.errors")

_OWN_CODES: Final = frozenset(
    {
        "UNAUTHORIZED_FIELD_OR_TYPE",
        "GRAPHQL_VALIDATION_FAILED",
        "GRAPHQL_PARSE_FAILED",
        "BAD_USER_INPUT",
    }
)


class Masking:
    """Applies :class:`~router.settings.ErrorSettings` to answers."""

    def __init__(self, settings: ErrorSettings) -> None:
        self.settings = settings

    def answer(self, answer: Answer, private: PrivateValues | None, *, mask: bool) -> Answer:
        """The answer with every entry of ``errors`` as the client may see it."""
        errors = tuple(self.error(error, private, mask=mask) for error in answer.errors)
        response = orjson.loads(answer.body)
        return Answer(orjson.dumps({**response, "errors": errors}), errors)

    def payload(
        self, payload: dict[str, Any], private: PrivateValues | None, *, mask: bool
    ) -> dict[str, Any]:
        """An incremental payload with the errors of every part masked."""
        masked = dict(payload)
        if "errors" in payload:
            masked["errors"] = [
                self.error(error, private, mask=mask) for error in payload["errors"]
            ]
        for member in ("incremental", "completed"):
            if member in payload:
                masked[member] = [
                    {
                        **entry,
                        "errors": [
                            self.error(error, private, mask=mask) for error in entry["errors"]
                        ],
                    }
                    if entry.get("errors")
                    else entry
                    for entry in payload[member]
                ]
        return masked

    def error(
        self, error: Mapping[str, Any], private: PrivateValues | None, *, mask: bool
    ) -> dict[str, Any]:
        """One error as the client may see it; a masked one is logged under the id it carries."""
        extensions: Mapping[str, Any] = error.get("extensions") or {}
        message = str(error.get("message", self.settings.message))
        if private is not None:
            message = private.text(message, error.get("path"))
        if not mask:
            return {**error, "message": message}
        code = str(extensions.get("code", "INTERNAL_SERVER_ERROR"))
        shown: dict[str, Any] = {
            key: extensions[key] for key in self.settings.extensions if key in extensions
        }
        shown["code"] = code
        if not (code in _OWN_CODES or code in self.settings.codes or "*" in self.settings.codes):
            shown["id"] = secrets.token_hex(8)
            _LOG.warning(
                "masked error id=%s code=%s service=%s path=%s: %s",
                shown["id"],
                code,
                extensions.get("service") or extensions.get("serviceName"),
                ".".join(map(str, error.get("path") or ())),
                message,
            )
            message = self.settings.message
        entry: dict[str, Any] = {"message": message}
        if "path" in error:
            entry["path"] = error["path"]
        entry["extensions"] = shown
        return entry
