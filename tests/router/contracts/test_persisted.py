"""Persisted operations in every form they come in."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from router.contracts.contract import Contract, PersistedRules, VersionRules
from router.contracts.persisted import PersistedOperations, load_persisted
from router.errors import SettingsInvalid

TEXT = "query Ward { ward { name } }"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def loaded(tmp_path: Path, manifest: object, **rules: object) -> PersistedOperations:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    return load_persisted(
        Contract(name="tablet", persisted=PersistedRules(manifests=(path,), **rules))  # type: ignore[arg-type]
    )


def loaded_by_version(tmp_path: Path, **texts: str) -> PersistedOperations:
    rules = []
    for number, (name, text) in enumerate(texts.items()):
        manifest = tmp_path / f"{number}.json"
        manifest.write_text(json.dumps({sha(text): text}))
        rules.append(VersionRules(name=name, manifest=manifest))
    return load_persisted(Contract(name="tablet", versions=tuple(rules)))


def apollo(*operations: dict[str, str]) -> dict[str, object]:
    return {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": list(operations),
    }


def test_an_apollo_manifest_is_found_by_id_hash_and_name(tmp_path: Path) -> None:
    operations = loaded(
        tmp_path, apollo({"id": sha(TEXT), "name": "Ward", "type": "query", "body": TEXT})
    )
    for key in (sha(TEXT), f"sha256:{sha(TEXT)}", "Ward", "tablet~*~Ward", "tablet~9.9~Ward"):
        found = operations.find(key)
        assert found is not None, key
        assert found.text == TEXT
    assert operations.find("phone~*~Ward") is None
    assert operations.find_text("query  Ward {\n ward { name } }") is not None


def test_a_relay_manifest_hashes_the_trailing_newline(tmp_path: Path) -> None:
    text = TEXT + "\n"
    assert loaded(tmp_path, {sha(text): text}).find(sha(text)) is not None


def test_a_code_generators_manifest_prefixes_its_hashes(tmp_path: Path) -> None:
    assert loaded(tmp_path, {f"sha256:{sha(TEXT)}": TEXT}).find(sha(TEXT)) is not None


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"a" * 64: TEXT}, "has another sha256"),
        ({"x": "query {"}, "Syntax Error"),
        ({"x": "{ a } query B { b }"}, "must hold one operation"),
        ([], r"manifest\.json: a manifest is a JSON object"),
    ],
)
def test_a_broken_manifest_says_why(tmp_path: Path, manifest: object, message: str) -> None:
    with pytest.raises(SettingsInvalid, match=message):
        loaded(tmp_path, manifest)


def test_one_id_for_two_texts_is_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.json"
    one.write_text(json.dumps({"Ward": TEXT}))
    two.write_text(json.dumps({"Ward": "query Ward { other }"}))
    rules = PersistedRules(manifests=(one, two))
    with pytest.raises(SettingsInvalid, match="stands for another text"):
        load_persisted(Contract(name="tablet", persisted=rules))


def test_a_folder_gathers_fragments_from_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "Ward.graphql").write_text("query Ward { ward { ...Name } }")
    (tmp_path / "fragments.graphql").write_text("fragment Name on Ward { name }")
    operations = load_persisted(Contract(name="tablet", persisted=PersistedRules(folder=tmp_path)))
    found = operations.find("Ward")
    assert found is not None
    assert "fragment Name" in found.text


def test_a_fragment_is_the_same_in_all_files_of_a_folder(tmp_path: Path) -> None:
    contract = Contract(name="tablet", persisted=PersistedRules(folder=tmp_path))
    name = "fragment Name on Ward { name }"
    (tmp_path / "Beds.graphql").write_text("query Beds { ward { ...Name beds } } " + name)
    (tmp_path / "Ward.graphql").write_text("query Ward { ward { ...Name } }\n\n" + name)
    assert len(load_persisted(contract)) == 2
    (tmp_path / "Ward.graphql").write_text(
        "query Ward { ward { ...Name } } fragment Name on Ward { id }"
    )
    with pytest.raises(
        SettingsInvalid, match=r"Ward\.graphql: the fragment 'Name' is another one in"
    ):
        load_persisted(contract)


def test_an_operation_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Ward.graphql").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsInvalid, match=r"Ward\.graphql: cannot be read \(it is not UTF-8\)"):
        load_persisted(Contract(name="tablet", persisted=PersistedRules(folder=tmp_path)))


def test_versions_keep_their_own_text_of_one_name(tmp_path: Path) -> None:
    other = "query Ward { ward { name beds } }"
    operations = loaded_by_version(tmp_path, **{"1.0": TEXT, "2.0": other})
    assert operations.find("Ward", "1.0").text == TEXT  # type: ignore[union-attr]
    assert operations.find("tablet~2.0~Ward").text == other  # type: ignore[union-attr]
    assert operations.find("Ward") is None


def test_a_client_that_is_off_has_no_operations(tmp_path: Path) -> None:
    assert len(loaded(tmp_path, {sha(TEXT): TEXT}, mode="off")) == 0


def test_a_version_finds_the_operations_of_the_rule_that_covers_it(tmp_path: Path) -> None:
    other = "query Ward { ward { name beds } }"
    operations = loaded_by_version(tmp_path, **{"2.*": TEXT, "3.*": other})
    for found in (operations.find("Ward", "2.7"), operations.find("tablet~2.7~Ward")):
        assert found is not None
        assert found.text == TEXT
    assert operations.find("Ward", "4.0") is None
    assert operations.find("tablet~4.0~Ward") is None
