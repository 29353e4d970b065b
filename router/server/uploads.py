"""File uploads: the GraphQL multipart request, executed while its files arrive.

The operation and the map come first, as clients send them; then execution begins. Each file stands
in the variables as an :class:`~router.execution.upload.Upload`, which transports and resolvers
read while the client sends, no faster than they do and no more than a window ahead.

A file is kept in a temporary file where that cannot be: it is needed more than once, or others are
needed before it, or the whole request must be known first (``@defer``, subscriptions, batches,
``Idempotency-Key``).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Mapping
from typing import Any, Final

from msgspec import Struct, field

from router.execution import Answer
from router.execution.upload import Upload, UploadBroken
from router.planning.plan import Plan
from router.server.asgi import ClientGone, Receive
from router.server.messages import parse_json
from router.server.refusals import Refused, too_late
from router.settings import RequestLimits, UploadSettings

__all__ = ["IncomingFiles", "read_upload"]

_FIELDS: Final = ("operations", "map")


class _Part(Struct):
    headers: dict[str, bytes] = field(default_factory=dict)
    name: str = ""
    size: int = 0
    text: bytearray | None = None
    upload: Upload | None = None


async def read_upload(
    receive: Receive,
    headers: Mapping[str, str],
    settings: UploadSettings,
    limits: RequestLimits,
) -> tuple[Any, IncomingFiles]:
    """Read the beginning of a multipart request: the JSON of ``operations`` with files in place.

    The files arrive while the operation runs; :meth:`IncomingFiles.aclose` is the caller's to call.
    Raises :class:`Refused`: 415 when uploads are off, 413 above a limit, 400 for a broken body.
    """
    if not settings.enabled:
        raise Refused("File uploads are off.", 415, "UNSUPPORTED_CONTENT_TYPE")
    from python_multipart.multipart import parse_options_header  # rarely needed

    _, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise Refused("The multipart body lacks a boundary.", 400, "BAD_REQUEST")
    files = IncomingFiles(receive, settings, limits.json_depth, boundary)
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > files.largest:
        raise _too_large("The upload is too large.")
    return await files.operations(), files


class IncomingFiles:
    """The files of one request while they arrive.

    ``failure`` is what was wrong with them; readers hear of it as :class:`UploadBroken`.
    """

    def __init__(
        self, receive: Receive, settings: UploadSettings, json_depth: int, boundary: bytes
    ) -> None:
        from python_multipart.multipart import MultipartParser

        self.settings = settings
        self.largest = settings.files * settings.file_bytes + 2 * settings.field_bytes
        self.failure: Refused | ClientGone | None = None
        self._receive = receive
        self._json_depth = json_depth
        self._parser = MultipartParser(boundary, self._callbacks())
        self._texts: dict[str, bytes] = {}
        self._uploads: dict[str, Upload] = {}
        self._variables: dict[str, list[str]] = {}
        self._placed: Any = None
        self._part = _Part()
        self._header = (bytearray(), bytearray())
        self._parts = self._size = 0
        self._ended = self._complete = False
        self._news = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._timer: asyncio.Timeout | None = None
        self._seconds = 0.0

    async def operations(self) -> Any:
        """The JSON of ``operations`` with the files in place; the rest is read from now on."""
        while self._placed is None and not self._ended:
            await self._read_some()
        if self._placed is None:
            raise Refused("The multipart body is incomplete.", 400, "BAD_REQUEST")
        if not self._ended:
            self._pump = asyncio.get_running_loop().create_task(self._read_on())
        return self._placed

    def arrange(self, plan: Plan) -> None:
        """Keep the files that the plan needs more than once."""
        for name, upload in self._uploads.items():
            variables = self._variables[name]
            if len(variables) != 1 or not _read_once(plan, variables[0]):
                upload.keep()

    async def whole(self) -> None:
        """Wait until everything is there; raises what is wrong with it."""
        for upload in self._uploads.values():
            upload.keep()
        if self._pump is not None:
            await asyncio.wait({self._pump})
        if self.failure is not None:
            raise self.failure

    async def run(self, work: Awaitable[Answer], seconds: float) -> Answer:
        """Execute while the files arrive; it is late when neither goes on for ``seconds``.

        What is wrong with the files is raised where nothing came of the operation; an answer that
        has data is given with the errors that it has.
        """
        self._seconds = seconds
        try:
            async with asyncio.timeout(seconds) as self._timer:
                answer = await work
        except TimeoutError:
            if self._timer is not None and self._timer.expired():
                raise too_late() from None
            raise
        finally:
            self._timer = None
        nothing = not any(value is not None for value in (answer.data or {}).values())
        if self.failure is not None and nothing:
            raise self.failure
        return answer

    async def aclose(self) -> None:
        """Read no further and forget the files."""
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        for upload in self._uploads.values():
            upload.close()

    async def _read_on(self) -> None:
        try:
            while not self._ended:
                await self._room()
                await self._read_some()
                if self._timer is not None and not self._timer.expired():
                    self._timer.reschedule(asyncio.get_running_loop().time() + self._seconds)
        except Refused as error:
            self._fail(error, UploadBroken(error.message, error.error_code))
        except ClientGone as error:
            self._fail(error, UploadBroken("The client went away."))

    async def _room(self) -> None:
        """Wait until the file that arrives is read, unless somebody waits for another one."""
        arriving = self._part.upload
        while arriving is not None and arriving.full:
            if any(each.waiting for each in self._uploads.values() if each is not arriving):
                arriving.keep()
                return
            self._news.clear()
            await self._news.wait()

    async def _read_some(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message.get("body", b"")
        self._size += len(body)
        if self._size > self.largest:
            raise _too_large("The upload is too large.")
        self._ended = not message.get("more_body", False)
        try:
            self._parser.write(body)
            if self._ended:
                self._parser.finalize()
        except Refused:
            raise
        except Exception as error:
            raise Refused("The multipart body is broken.", 400, "BAD_REQUEST") from error
        if self._ended:
            self._check_complete()

    def _check_complete(self) -> None:
        if not self._complete:
            raise Refused("The multipart body is incomplete.", 400, "BAD_REQUEST")
        for name, upload in self._uploads.items():
            if upload.size is None:
                raise Refused(f"The file {name[:64]!r} is missing.", 400, "BAD_REQUEST")

    def _fail(self, error: Refused | ClientGone, broken: UploadBroken) -> None:
        self.failure = error
        for upload in self._uploads.values():
            upload.fail(broken)

    # the parser calls back for each piece of the body

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, a, b: self._header[0].extend(data[a:b]),
            "on_header_value": lambda data, a, b: self._header[1].extend(data[a:b]),
            "on_header_end": self._header_done,
            "on_headers_finished": self._headers_done,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._part = _Part()

    def _header_done(self) -> None:
        name, value = self._header
        self._part.headers[name.decode("latin-1").lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _headers_done(self) -> None:
        from python_multipart.multipart import parse_options_header

        part = self._part
        _, options = parse_options_header(part.headers.get("content-disposition", b""))
        part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if part.name in _FIELDS:
            if part.name in self._texts:
                raise Refused(f"{part.name!r} comes twice.", 400, "BAD_REQUEST")
            part.text = bytearray()
            return
        if self._placed is None:
            raise Refused("Send 'operations' and 'map' before the files.", 400, "BAD_REQUEST")
        self._parts += 1
        if self._parts > self.settings.files:
            raise _too_large(f"At most {self.settings.files} files.")
        part.upload = self._uploads.get(part.name)
        if part.upload is not None:
            if part.upload.size is not None:
                raise Refused(f"The file {part.name[:64]!r} comes twice.", 400, "BAD_REQUEST")
            name = options.get(b"filename", part.name.encode()).decode("utf-8", "replace")
            kind = part.headers.get("content-type", b"application/octet-stream")
            part.upload.begin(name, kind.decode("latin-1"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if part.text is not None:
            if part.size > self.settings.field_bytes:
                raise _too_large(f"{part.name!r} is too large.")
            part.text.extend(data[start:end])
            return
        if part.size > self.settings.file_bytes:
            raise _too_large(f"A file is larger than {self.settings.file_bytes} bytes.")
        if part.upload is not None:
            part.upload.write(data[start:end])

    def _end(self) -> None:
        part = self._part
        if part.upload is not None:
            part.upload.complete()
        elif part.text is not None:
            self._texts[part.name] = bytes(part.text)
            if all(name in self._texts for name in _FIELDS):
                self._place()

    def _finish(self) -> None:
        self._complete = True

    def _place(self) -> None:
        """Put every mapped file at its places in the operations."""
        operations = parse_json(self._texts["operations"], self._json_depth)
        places = parse_json(self._texts["map"], self._json_depth)
        if not isinstance(places, dict):
            raise Refused("'map' must be an object.", 400, "BAD_REQUEST")
        if len(places) > self.settings.files:
            raise _too_large(f"At most {self.settings.files} files.")
        for name, paths in places.items():
            if not isinstance(paths, list) or len(paths) > self.settings.files:
                raise Refused("'map' must hold short lists of paths.", 400, "BAD_REQUEST")
            upload = Upload(
                self.settings.memory_bytes, order=len(self._uploads), news=self._news.set
            )
            self._uploads[name] = upload
            self._variables[name] = [_placed(operations, path, upload) for path in paths]
        self._placed = operations


def _too_large(message: str) -> Refused:
    return Refused(message, 413, "REQUEST_TOO_LARGE")


def _read_once(plan: Plan, variable: str) -> bool:
    """Whether one field of one request at the root is all that needs the variable."""
    fetches = [f for f in plan.fetches if any(use.name == variable for use in f.variables)]
    if len(fetches) != 1 or fetches[0].entities:
        return False
    text = fetches[0].operation
    uses = len(re.findall(rf"\${re.escape(variable)}\b", text)) - 1  # one declares it
    return uses == 1 and "..." not in text


def _placed(operations: Any, path: object, upload: Upload) -> str:
    """Put the file where the path leads, below ``variables`` and where null stands; its variable."""
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
    return steps[1]


def _child(parent: Any, step: str) -> Any:
    if isinstance(parent, dict) and step in parent:
        return parent[step]
    if isinstance(parent, list) and step.isdigit() and int(step) < len(parent):
        return parent[int(step)]
    raise Refused("'map' points where nothing is.", 400, "BAD_REQUEST")
