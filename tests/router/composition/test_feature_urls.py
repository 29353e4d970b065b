"""The urls of features."""

from __future__ import annotations

import pytest

from router.composition.feature_urls import FeatureUrlInvalid, read_feature_url
from router.composition.links import Version
from tests.router.composition.reading_support import codes


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("https://x.y/foo/v1.2", "https://x.y/foo"),
        (" HTTPS://X.Y:443/foo/v01.02#part", "https://x.y/foo"),
        ("http://someone:secret@x.y:8080/foo/v1.2?a=b", "http://x.y:8080/foo"),
        ("https://x.y/./a/../b/../../foo/v1.2", "https://x.y/foo"),
        ("https://x.y/foo/bar//v1.2/../../baz/v1.2", "https://x.y/foo/bar/baz"),
        ("https://[::1]:443/foo/v1.2", "https://[::1]/foo"),
        ("https://\u00e9.y/foo/v1.2", "https://xn--9ca.y/foo"),
        ("file:///foo/v1.2", "file:///foo"),
    ],
)
def test_equal_urls_are_written_alike_and_without_what_is_nobodys_business(
    url: str, identity: str
) -> None:
    found, name, version = read_feature_url(url)
    assert (found, name, version) == (identity, identity.rpartition("/")[2], Version(1, 2))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "v1.2",
        "/foo/v1.2",
        "//x.y/foo/v1.2",
        "https:///foo/v1.2",
        "https://x.y:port/foo/v1.2",
        "https://x.y:99999/foo/v1.2",
        "https://[x/foo/v1.2",
        "https://x y/foo/v1.2",
        f"https://{'x' * 64}.y/foo/v1.2",
        "https://x.y/foo",
        "https://x.y/foo/v1.2/",
        "https://x.y/foo/v1",
        "https://x.y/foo/v1.\u0663",
        f"https://x.y/foo/v{'9' * 5000}.0",
        "https://x.y/v1.2",
        "https://x.y",
    ],
)
def test_what_is_no_url_of_a_feature_is_refused(url: str) -> None:
    with pytest.raises(FeatureUrlInvalid):
        read_feature_url(url)
    federation = '@link(url: "https://specs.apollo.dev/federation/v2.0")'
    sdl = f'extend schema {federation} @link(url: "{url}") type Query {{ a: Int }}'
    assert codes(sdl) == ["INVALID_LINK_IDENTIFIER"]
