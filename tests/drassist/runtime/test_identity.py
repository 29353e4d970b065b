from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from drassist.runtime.identity import (
    ANONYMOUS,
    ROLE_SCOPES,
    Identity,
    InvalidCredentials,
    JwtAuthenticator,
    Role,
    TrustedIdentity,
    command,
    reads,
    writes,
)
from drassist.runtime.settings import IdentitySettings

SETTINGS = IdentitySettings(issuer="https://id.example", audience="drassist")
KEY = RSAKey.generate_key(2048, {"kid": "k1"})


async def keys() -> KeySet:
    return KeySet([RSAKey.import_key(KEY.as_dict(private=False))])


def token(**more: Any) -> dict[str, str]:
    claims = {
        "iss": "https://id.example",
        "aud": "drassist",
        "sub": "doctor",
        "exp": int(time.time()) + 60,
        "roles": ["doctor"],
        "scope": "user/Patient.rs dra/note.sign",
        "practitioner_id": "practitioner-asha-rao",
        **more,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return {"authorization": "Bearer " + jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEY)}


async def test_a_good_token_says_who_it_is_and_what_they_may_do() -> None:
    identity = await JwtAuthenticator(SETTINGS, keys)(token())
    assert identity.subject == "doctor"
    assert identity.practitioner_id == "practitioner-asha-rao"
    assert identity.may(reads("Patient"))
    assert identity.may(command("note.sign"))
    assert not identity.may(writes("Patient"))


async def test_no_token_is_nobody() -> None:
    assert await JwtAuthenticator(SETTINGS, keys)({}) is ANONYMOUS
    assert not ANONYMOUS.may(reads("Patient"))


@pytest.mark.parametrize(
    "headers",
    [
        token(exp=int(time.time()) - 3600),
        token(aud="another"),
        token(iss="https://evil.example"),
        token(sub=None),
        token(exp=None),
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"authorization": token()["authorization"][:-4] + "AAAA"},
    ],
)
async def test_a_wrong_token_is_refused_without_being_quoted(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidCredentials) as refused:
        await JwtAuthenticator(SETTINGS, keys)(headers)
    assert headers["authorization"].split()[1] not in str(refused.value)


async def test_a_token_signed_with_its_own_symmetric_key_is_refused() -> None:
    from joserfc.jwk import OctKey

    forged = jwt.encode({"alg": "HS256"}, {"sub": "doctor"}, OctKey.generate_key(256))
    with pytest.raises(InvalidCredentials):
        await JwtAuthenticator(SETTINGS, keys)({"authorization": f"Bearer {forged}"})


async def test_a_trusted_identity_is_what_the_router_verified() -> None:
    header = TrustedIdentity.header({"sub": "nurse", "roles": ["nurse"]})
    identity = await TrustedIdentity()(header)
    assert identity.subject == "nurse"
    assert identity.scopes == ROLE_SCOPES[Role.NURSE]  # without scopes: those of the roles
    with pytest.raises(InvalidCredentials):
        await TrustedIdentity()({"x-drassist-identity": "{"})


def test_a_patient_may_see_one_chart_and_staff_may_see_all() -> None:
    patient = Identity.of(Role.PATIENT, patient_id="Patient:1")
    assert patient.may_see_patient("Patient:1")
    assert not patient.may_see_patient("Patient:2")
    assert not Identity.of(Role.PATIENT).may_see_patient(None)
    assert Identity.of(Role.DOCTOR).may_see_patient("Patient:2")


def test_roles_do_not_get_what_is_not_theirs() -> None:
    assert not Identity.of(Role.FRONT_DESK).may(reads("AllergyIntolerance"))
    assert not Identity.of(Role.LAB).may(command("note.sign"))
    assert not Identity.of(Role.NURSE).may(command("rx.sign"))
    assert not Identity.of(Role.PATIENT).may((("user/Patient.rs",),))


@pytest.mark.parametrize("roles", [frozenset(), frozenset({"patient", "visitor"})])
def test_whoever_has_no_role_among_the_staff_sees_one_chart_at_most(roles: frozenset[str]) -> None:
    stranger = Identity(
        subject="app", roles=roles, scopes=frozenset({"patient/Patient.rs"}), patient_id="Patient:1"
    )
    assert stranger.may_see_patient("Patient:1")
    assert not stranger.may_see_patient("Patient:2")
