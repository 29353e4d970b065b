"""The normal form of a document says all that the document says, and nothing more."""

from __future__ import annotations

import pytest
from graphql import parse, print_ast

from router.planning.normal import normal_form

DOCUMENTS = [
    "{a}",
    "query Q{a b{c}}",
    'query Q($x:[Int!]!=[1] @d,$y:In={a:"\\u0041",b:null}){a:f(x:$x,y:$y)@include(if:true){...F@d(s:"""block""")}}'
    " fragment F on T@d{g}",
    "mutation{a@d@e(x:1.5)b}",
    "subscription S{a{...on T{b}...{c}...@include(if:$v){d}}}",
    "{a{...F ...on F{b}}}fragment F on T{on:a}",
    "query A{a}query B{b}",
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_it_is_the_same_document(text: str) -> None:
    document = parse(text)
    assert print_ast(parse(normal_form(document))) == print_ast(document)


@pytest.mark.parametrize("text", DOCUMENTS)
def test_white_space_and_comments_make_no_difference(text: str) -> None:
    spaced = print_ast(parse(text)).replace("\n", " # a comment\n")
    assert '"""' in text or normal_form(parse(spaced)) == normal_form(parse(text))


def test_everything_else_does() -> None:
    texts = [*DOCUMENTS, "{b:a}", "{a(x:1)}", "{a@d}", "{a{...F}}", "{a{...on F{b}}}", "{a{b}}", "{a b}"]  # fmt: skip
    assert len({normal_form(parse(text)) for text in texts}) == len(texts)
