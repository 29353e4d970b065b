"""A request with files, as the GraphQL multipart request specification has it.

``operations`` with null where files stand, ``map`` with their places, then the files. Everything
but the files is small and written ahead, so the length is known before the first byte is sent;
the files are read piece by piece while they are sent.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any, Final

import orjson

from router.execution.client import SubgraphRequest
from router.execution.upload import Upload

__all__ = ["Form"]

_PIECE: Final = 65_536
_TYPE: Final = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;\s*[\w-]+=[\w!#$&^.+-]+)*\Z", re.ASCII
)
_UNSAFE: Final = {ord('"'): "%22", **dict.fromkeys(range(32), "_"), 127: "_"}


class Form:
    """The multipart body of one request; ``pieces`` may be asked for again for another try."""

    def __init__(self, request: SubgraphRequest) -> None:
        self._places: dict[int, tuple[Upload, list[str]]] = {}
        variables = self._taken(request.variables, "variables")
        operations: dict[str, Any] = {"query": request.operation, "variables": variables}
        if request.operation_name is not None:
            operations["operationName"] = request.operation_name
        self._boundary = secrets.token_hex(16)
        found = list(self._places.values())
        places = {str(number): paths for number, (_, paths) in enumerate(found)}
        fields = self._field("operations", operations) + self._field("map", places)
        self._parts: list[tuple[bytes, Upload]] = []
        for number, (upload, _) in enumerate(found):
            self._parts.append((fields + self._head(number, upload), upload))
            fields = b"\r\n"
        self._end = b"%b--%b--\r\n" % (fields, self._boundary.encode())
        sizes = sum(len(head) + upload.size for head, upload in self._parts)
        self.length = sizes + len(self._end)

    @property
    def content_type(self) -> str:
        """The value of ``content-type``."""
        return f"multipart/form-data; boundary={self._boundary}"

    def pieces(self) -> Iterator[bytes]:
        """The body; raises ``ValueError`` where a file was closed or has become shorter."""
        for head, upload in self._parts:
            yield head
            sent = 0
            while sent < upload.size:
                # another request may read the same file: each keeps its own place in it
                upload.file.seek(sent)
                piece = upload.file.read(min(_PIECE, upload.size - sent))
                if not piece:
                    raise ValueError("the file has become shorter")
                sent += len(piece)
                yield piece
        yield self._end

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
