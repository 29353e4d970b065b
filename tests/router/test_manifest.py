"""Manifests of persisted operations in every form that tools write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import SettingsInvalid
from router.manifest import read_manifest

TEXT = "query Ward { ward { name } }"


def apollo(operations: Any, **other: Any) -> str:
    head = {"format": "apollo-persisted-query-manifest", "version": 1}
    return json.dumps({**head, "operations": operations, **other})


@pytest.mark.parametrize(
    "manifest",
    [
        apollo([{"id": "1", "name": "Ward", "type": "query", "body": TEXT}]),
        apollo([{"id": "1", "body": TEXT}, {"id": "1", "body": TEXT}]),
        json.dumps({"1": TEXT}),
    ],
)
def test_every_form_gives_texts_by_id(manifest: str) -> None:
    assert read_manifest(manifest, "m.json") == {"1": TEXT}


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("{", "m.json:1:2: this is not JSON (unexpected end of data); generate it"),
        ("[" * 100_000, "this is not JSON (depth limit exceeded)"),
        ("[]", "m.json: a manifest is a JSON object, this is not one; generate it"),
        (apollo([], version=2), "'apollo-persisted-query-manifest' version 2; known is"),
        (apollo([], format="x"), "unknown manifest format 'x'"),
        (apollo({}), "m.json: its operations are no list; generate it"),
        (apollo([5]), "operations[0] has no id and no body; both are texts."),
        (apollo([{"id": "1", "name": "A", "type": "query"}]), "operations[0] has no body;"),
        (apollo([{"id": 1, "body": TEXT}]), "operations[0] has no id;"),
        (
            apollo([{"id": "1", "body": TEXT}, {"id": "1", "body": "{ a }"}]),
            "the id '1' stands for two texts; remove one of them.",
        ),
        (json.dumps({"1": 5}), "'1' must map to the text of an operation."),
    ],
)
def test_what_is_no_manifest_says_why(manifest: str, says: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read_manifest(manifest, "m.json")
    assert says in caught.value.message
    assert caught.value.message.startswith("m.json")
