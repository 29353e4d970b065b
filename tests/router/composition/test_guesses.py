"""What an unknown name was probably meant to be."""

from __future__ import annotations

from router.composition.guesses import did_you_mean


def test_likely_names_are_told_the_likeliest_first() -> None:
    assert did_you_mean("@shareble", ["@key", "@shareable"]) == ' Did you mean "@shareable"?'
    assert did_you_mean("ab", ["abc", "a", "ab1"]).startswith(' Did you mean "')
    assert did_you_mean("tags", ["tag", "tagss"]) == ' Did you mean "tag" or "tagss"?'


def test_nothing_is_said_where_nothing_is_like_it() -> None:
    assert did_you_mean("@something", ["@key"]) == ""
