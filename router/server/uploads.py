"""File uploads: the GraphQL multipart request, streamed to disk while it arrives.

The operation and the map come first, as clients send them; each file then goes to a temporary
file that stays in memory while it is small. A file stands in the variables as an
:class:`~router.execution.upload.Upload`: in-process subgraphs receive it as it is, others get a
multipart request of their own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Any, Final

from router.execution.upload import Upload
from router.server.asgi import ClientGone, Receive
from router.server.messages import parse_json
from router.server.refusals import Refused
from router.settings import RequestLimits, UploadSettings

__all__ = ["Upload", "read_upload"]

_FIELDS: Final = ("operations", "map")


@dataclass(slots=True)
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    size: int = 0
    text: bytearray = field(default_factory=bytearray)
    file: IO[bytes] | None = None


async def read_upload(
    receive: Receive,
    headers: Mapping[str, str],
    settings: UploadSettings,
    limits: RequestLimits,
    files: ExitStack,
) -> Any:
    """Read a multipart request; returns the JSON of ``operations`` with the files in place.

    The files are open until ``files`` closes them, which is the caller's to do.
    Raises :class:`Refused`: 415 when uploads are off, 413 above a limit, 400 for a broken body.
    """
    if not settings.enabled:
        raise Refused("File uploads are off.", 415, "UNSUPPORTED_CONTENT_TYPE")
    from python_multipart.multipart import MultipartParser, parse_options_header  # rarely needed

    _, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise Refused("The multipart body lacks a boundary.", 400, "BAD_REQUEST")
    reader = _Reader(settings, files)
    parser = MultipartParser(boundary, reader.callbacks())
    largest = settings.files * settings.file_bytes + 2 * settings.field_bytes
    size = 0
    try:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body: bytes = message.get("body", b"")
            size += len(body)
            if size > largest:
                raise Refused("The upload is too large.", 413, "REQUEST_TOO_LARGE")
            parser.write(body)
            more = message.get("more_body", False)
        parser.finalize()
    except (Refused, ClientGone):
        raise
    except Exception as error:
        raise Refused("The multipart body is broken.", 400, "BAD_REQUEST") from error
    return reader.placed(limits.json_depth)


class _Reader:
    """Collects the parts; the parser calls it back for each piece."""

    def __init__(self, settings: UploadSettings, files: ExitStack) -> None:
        self.settings = settings
        self.files = files
        self.texts: dict[str, bytes] = {}
        self.uploads: dict[str, Upload] = {}
        self.part = _Part()
        self.header = (bytearray(), bytearray())
        self.complete = False

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self.begin,
            "on_header_field": lambda data, a, b: self.header[0].extend(data[a:b]),
            "on_header_value": lambda data, a, b: self.header[1].extend(data[a:b]),
            "on_header_end": self.header_done,
            "on_headers_finished": self.headers_done,
            "on_part_data": self.data,
            "on_part_end": self.end,
            "on_end": self.finish,
        }

    def begin(self) -> None:
        self.part = _Part()

    def header_done(self) -> None:
        name, value = self.header
        self.part.headers[name.decode("latin-1").lower()] = bytes(value)
        self.header = (bytearray(), bytearray())

    def headers_done(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self.part.headers.get("content-disposition", b""))
        self.part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self.part.filename = options[b"filename"].decode("utf-8", "replace")
        if self.part.name in _FIELDS:
            return
        if "operations" not in self.texts or "map" not in self.texts:
            raise Refused("Send 'operations' and 'map' before the files.", 400, "BAD_REQUEST")
        if len(self.uploads) >= self.settings.files:
            raise Refused(f"At most {self.settings.files} files.", 413, "REQUEST_TOO_LARGE")
        self.part.file = self.files.enter_context(
            tempfile.SpooledTemporaryFile(  # noqa: SIM115  # the stack is its context manager
                max_size=self.settings.memory_bytes
            )
        )

    def data(self, data: bytes, start: int, end: int) -> None:
        self.part.size += end - start
        if self.part.file is None:
            if self.part.size > self.settings.field_bytes:
                raise Refused(f"{self.part.name!r} is too large.", 413, "REQUEST_TOO_LARGE")
            self.part.text.extend(data[start:end])
            return
        if self.part.size > self.settings.file_bytes:
            raise Refused(
                f"A file is larger than {self.settings.file_bytes} bytes.", 413, "REQUEST_TOO_LARGE"
            )
        self.part.file.write(data[start:end])

    def end(self) -> None:
        part = self.part
        if part.file is None:
            self.texts[part.name] = bytes(part.text)
            return
        part.file.seek(0)
        kind = part.headers.get("content-type", b"application/octet-stream").decode("latin-1")
        self.uploads[part.name] = Upload(part.filename or part.name, kind, part.size, part.file)

    def finish(self) -> None:
        self.complete = True

    def placed(self, depth: int) -> Any:
        """The operations with every mapped file at its places."""
        if not self.complete or any(name not in self.texts for name in _FIELDS):
            raise Refused("The multipart body is incomplete.", 400, "BAD_REQUEST")
        operations = parse_json(self.texts["operations"], depth)
        places = parse_json(self.texts["map"], depth)
        if not isinstance(places, dict):
            raise Refused("'map' must be an object.", 400, "BAD_REQUEST")
        for name, paths in places.items():
            upload = self.uploads.get(name)
            if upload is None:
                raise Refused(f"The file {name!r} is missing.", 400, "BAD_REQUEST")
            if not isinstance(paths, list) or len(paths) > self.settings.files:
                raise Refused("'map' must hold short lists of paths.", 400, "BAD_REQUEST")
            for path in paths:
                _place(operations, path, upload)
        return operations


def _place(operations: Any, path: object, upload: Upload) -> None:
    """Put the file where the path leads: below ``variables``, and only where null stands."""
    steps = path.split(".") if isinstance(path, str) else []
    if isinstance(operations, list) and steps and steps[0].isdigit():
        index = int(steps.pop(0))
        operations = operations[index] if index < len(operations) else None
    if len(steps) < 2 or len(steps) > 16 or steps[0] != "variables":
        raise Refused("'map' may point at variables alone.", 400, "BAD_REQUEST")
    parent: Any = operations
    for step in steps[:-1]:
        parent = _child(parent, step)
    if _child(parent, steps[-1]) is not None:
        raise Refused("'map' points at a value that is not null.", 400, "BAD_REQUEST")
    if isinstance(parent, list):
        parent[int(steps[-1])] = upload
    else:
        parent[steps[-1]] = upload


def _child(parent: Any, step: str) -> Any:
    if isinstance(parent, dict) and step in parent:
        return parent[step]
    if isinstance(parent, list) and step.isdigit() and int(step) < len(parent):
        return parent[int(step)]
    raise Refused("'map' points where nothing is.", 400, "BAD_REQUEST")
