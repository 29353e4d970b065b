"""A file among the variables of an operation: the door writes it while transports read it.

An :class:`Upload` holds a window of what arrives: its one reader takes it out, and the door waits
while the window is full. One that is needed more than once, or before its turn, is kept in a
temporary file instead (:meth:`Upload.keep`), and may then be read as often as one likes.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import IO, Any, Final

__all__ = ["Upload", "UploadBroken"]

_PIECE: Final = 65_536


class UploadBroken(Exception):
    """A file that does not come, or no longer: too large, cut off, missing, read before."""

    def __init__(self, message: str, code: str = "UPLOAD_BROKEN") -> None:
        super().__init__(message)
        self.code = code

    @property
    def extensions(self) -> dict[str, Any]:
        """What a GraphQL error that comes of it says beside the message."""
        return {"code": self.code}


class Upload:
    """One uploaded file; ``filename`` and ``content_type`` are what the client claims.

    They are known once :meth:`begun` returns, ``size`` (bytes) once the file is complete. Read it
    with ``async for piece in upload``, which begins while the client still sends, or with
    :meth:`whole`. Both raise :class:`UploadBroken`.
    """

    def __init__(
        self, window: int = 262_144, *, order: int = 0, news: Callable[[], None] | None = None
    ) -> None:
        self.filename = ""
        self.content_type = "application/octet-stream"
        self.size: int | None = None
        self.order = order
        self.waiting = 0
        """Readers that wait for data."""
        self.kept: IO[bytes] | None = None
        self._window = window
        self._pieces: deque[bytes] = deque()
        self._begun = False
        self._start = self._end = 0
        self._streaming = False
        self._broken: UploadBroken | None = None
        self._changed = asyncio.Event()
        self._news = news

    @classmethod
    def of_file(cls, filename: str, content_type: str, size: int, file: IO[bytes]) -> Upload:
        """A file that is there already; closing it is the caller's."""
        upload = cls()
        upload.begin(filename, content_type)
        upload.kept, upload.size, upload._end = file, size, size
        return upload

    # reading

    async def begun(self) -> Upload:
        """Wait until name and type are known."""
        while not self._begun:
            await self._wait()
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The content, piece by piece, from its start."""
        return self._read()

    async def whole(self) -> IO[bytes]:
        """The complete file, positioned at its start; it is closed when the answer is sent."""
        self.keep()
        while self.size is None:
            await self._wait()
        if self.kept is None or self._start:
            raise UploadBroken("The file was read before and is not kept.")
        self.kept.seek(0)
        return self.kept

    async def _read(self) -> AsyncIterator[bytes]:
        if self.kept is None:
            if self._streaming:
                if self._start:
                    raise UploadBroken("The file was read before and is not kept.")
                self.keep()  # a second reader, and nothing has gone yet
            self._streaming = True
        elif self._start:
            raise UploadBroken("The file was read before and is not kept.")
        place = 0
        while True:
            while self._end == place and self.size is None:
                await self._wait()
            if self._broken is not None:
                raise self._broken
            if place == self._end:
                return
            piece = self._taken(place)
            place += len(piece)
            yield piece

    def _taken(self, place: int) -> bytes:
        if self.kept is None:
            piece = self._pieces.popleft()
            self._start += len(piece)
            self._tell()
            return piece
        # several may read the same file: each keeps its own place in it
        self.kept.seek(place - self._start)
        piece = self.kept.read(min(_PIECE, self._end - place))
        if not piece:
            raise UploadBroken("The file has become shorter.")
        return piece

    async def _wait(self) -> None:
        if self._broken is not None:
            raise self._broken
        changed = self._changed
        self.waiting += 1
        if self._news is not None:
            self._news()
        try:
            await changed.wait()
        finally:
            self.waiting -= 1
        if self._broken is not None:
            raise self._broken

    # writing

    @property
    def full(self) -> bool:
        """Whether the reader should read before more is written."""
        return self.kept is None and self._end - self._start >= self._window

    def keep(self) -> None:
        """Keep in a temporary file what arrives from now on, and what has not been read yet."""
        if self.kept is not None:
            return
        self.kept = tempfile.SpooledTemporaryFile(self._window)  # noqa: SIM115  # closed by close
        for piece in self._pieces:
            self.kept.write(piece)
        self._pieces.clear()
        self._tell()

    def begin(self, filename: str, content_type: str) -> None:
        """The file begins to arrive."""
        self.filename, self.content_type, self._begun = filename, content_type, True
        self._tell()

    def write(self, data: bytes) -> None:
        """More of the file has arrived."""
        if self.kept is None:
            self._pieces.append(data)
        else:
            self.kept.seek(0, 2)
            self.kept.write(data)
        self._end += len(data)
        self._tell()

    def complete(self) -> None:
        """All of the file has arrived."""
        self.size = self._end
        self._tell()

    def fail(self, broken: UploadBroken) -> None:
        """No more of the file comes; its readers hear why."""
        if self.size is None and self._broken is None:
            self._broken = broken
            self._tell()

    def close(self) -> None:
        """The answer is sent: forget the content."""
        self.fail(UploadBroken("The request is over."))
        self._pieces.clear()
        if self.kept is not None:
            self.kept.close()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if self._news is not None:
            self._news()
