"""The urls of features: ``https://specs.apollo.dev/federation/v2.3``.

The last segment of the path is the version, the one before it the name; all before the version is
the identity, written as the URL standard writes it: without credentials, query and fragment, in
lower case, without a default port.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from router.composition.links import Version

__all__ = ["FeatureUrlInvalid", "read_feature_url"]

_VERSION: Final = re.compile(r"v([0-9]{1,15})\.([0-9]{1,15})\Z")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class FeatureUrlInvalid(ValueError):
    """The url names no version of a feature; the message says why, for people."""


def read_feature_url(url: str) -> tuple[str, str, Version]:
    """Return identity, name and version, or raise :class:`FeatureUrlInvalid`."""
    try:
        parts = urlsplit(url.strip())
        origin = _origin(parts)
    except ValueError as error:
        raise FeatureUrlInvalid(f'"{url}" is no absolute url of a feature.') from error
    *segments, last = _segments(parts.path)
    version = _VERSION.match(last)
    if version is None:
        raise FeatureUrlInvalid(
            f'The url "{url}" should end in a version of the form v1.2, not "{last}".'
        )
    if not segments or not segments[-1]:
        raise FeatureUrlInvalid(f'The url "{url}" names no feature before its version.')
    identity = origin + "/".join(segments)
    return identity, segments[-1], Version(int(version[1]), int(version[2]))


def _origin(parts: SplitResult) -> str:
    host, port = parts.hostname or "", parts.port
    if not parts.scheme or (not host and parts.scheme != "file") or re.search(r"\s", host):
        raise ValueError(parts.netloc)
    named = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    written = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{named}{written}"


def _segments(path: str) -> list[str]:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[max(1, len(segments) - 1) :]
        elif segment != ".":
            segments.append(segment)
    return segments or [""]
