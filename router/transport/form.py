"""A request with files, as the GraphQL multipart request specification has it.

``operations`` with null where files stand, ``map`` with their places, then the files, read piece
by piece while they are sent: files that are complete with a length, those that are still arriving
in chunks.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson

from router.execution.client import SubgraphRequest
from router.execution.upload import Upload

__all__ = ["Form"]

_TYPE: Final = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;\s*[\w-]+=[\w!#$&^.+-]+)*\Z", re.ASCII
)
_UNSAFE: Final = {ord('"'): "%22", **dict.fromkeys(range(32), "_"), 127: "_"}


class Form:
    """The multipart body of one request; ``length`` is None while a file is still arriving."""

    def __init__(self, request: SubgraphRequest) -> None:
        self._places: dict[int, tuple[Upload, list[str]]] = {}
        variables = self._taken(request.variables, "variables")
        operations: dict[str, Any] = {"query": request.operation, "variables": variables}
        if request.operation_name is not None:
            operations["operationName"] = request.operation_name
        self._boundary = secrets.token_hex(16)
        found = sorted(self._places.values(), key=lambda each: each[0].order)
        places = {str(number): paths for number, (_, paths) in enumerate(found)}
        self._fields = self._field("operations", operations) + self._field("map", places)
        self._uploads = [upload for upload, _ in found]
        self._end = f"--{self._boundary}--\r\n".encode()
        self.length = self._length()

    @property
    def content_type(self) -> str:
        """The value of ``content-type``."""
        return f"multipart/form-data; boundary={self._boundary}"

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body; raises :class:`~router.execution.upload.UploadBroken`."""
        yield self._fields
        for number, upload in enumerate(self._uploads):
            yield self._head(number, await upload.begun())
            async for piece in upload:
                yield piece
            yield b"\r\n"
        yield self._end

    def _length(self) -> int | None:
        length = len(self._fields) + len(self._end)
        for number, upload in enumerate(self._uploads):
            if upload.size is None:
                return None
            length += len(self._head(number, upload)) + upload.size + len(b"\r\n")
        return length

    def _taken(self, value: Any, path: str) -> Any:
        """A copy with null in the places of files, which are noted."""
        match value:
            case Upload():
                self._places.setdefault(id(value), (value, []))[1].append(path)
                return None
            case dict():
                return {key: self._taken(item, f"{path}.{key}") for key, item in value.items()}
            case list() | tuple():
                return [self._taken(item, f"{path}.{index}") for index, item in enumerate(value)]
            case _:
                return value

    def _field(self, name: str, value: Any) -> bytes:
        head = f'--{self._boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n'
        return head.encode() + orjson.dumps(value) + b"\r\n"

    def _head(self, number: int, upload: Upload) -> bytes:
        kind = upload.content_type if _TYPE.match(upload.content_type) else _ANY
        name = upload.filename.translate(_UNSAFE)  # a name must not end its header
        return (
            f"--{self._boundary}\r\n"
            f'content-disposition: form-data; name="{number}"; filename="{name}"\r\n'
            f"content-type: {kind}\r\n\r\n"
        ).encode("utf-8", "replace")


_ANY: Final = "application/octet-stream"
