"""Which encoding a client gets."""

from __future__ import annotations

import gzip

import brotli
import pytest
import zstandard

from router.server.compression import choose_encoding, compress

BODY = b'{"data":' + b'"abc"' * 500 + b"}"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("identity", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br;q=0.5", "gzip"),
        ("*", "zstd"),
        ("br;q=0, gzip;q=0", None),
    ],
)
def test_the_highest_quality_wins(header: str | None, expected: str | None) -> None:
    assert choose_encoding(header) == expected


def test_every_encoding_can_be_read_back() -> None:
    assert gzip.decompress(compress(BODY, "gzip")) == BODY
    assert brotli.decompress(compress(BODY, "br")) == BODY
    assert zstandard.ZstdDecompressor().decompress(compress(BODY, "zstd")) == BODY
