"""Compression of whole answers: zstd, br or gzip, whichever the client ranks highest.

Streams stay plain: proxies hold compressed chunks back until a block is full.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import Final, Literal, TypeAlias

__all__ = ["Encoding", "choose_encoding", "compress"]

Encoding: TypeAlias = Literal["zstd", "br", "gzip"]

_PREFERENCE: Final[tuple[Encoding, ...]] = ("zstd", "br", "gzip")


@lru_cache(maxsize=128)
def choose_encoding(accept_encoding: str | None) -> Encoding | None:
    """The best encoding the header allows; ours decides between equals."""
    if not accept_encoding:
        return None
    qualities: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameter = part.strip().partition(";")
        try:
            qualities[name.strip()] = float(parameter.split("=")[1]) if "=" in parameter else 1.0
        except ValueError:
            qualities[name.strip()] = 0.0
    ranked = [(qualities.get(name, qualities.get("*", 0.0)), name) for name in _PREFERENCE]
    quality, best = max(ranked, key=lambda item: item[0])
    return best if quality > 0 else None


def compress(body: bytes, encoding: Encoding) -> bytes:
    """Compress for the wire: speed before the last percent."""
    match encoding:
        case "zstd":
            import zstandard

            return zstandard.ZstdCompressor(level=3).compress(body)
        case "br":
            import brotli

            compressed: bytes = brotli.compress(body, quality=4)
            return compressed
        case "gzip":
            return gzip.compress(body, compresslevel=4, mtime=0)
