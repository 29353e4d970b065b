"""The web client's desk."""

from __future__ import annotations

from typing import Any, Final

from drassist.runtime.identity import Identity
from drassist.runtime.settings import FeatureSettings

__all__ = ["workspace"]

# feature, the setting that switches it, and the scope without which it makes no sense
_FEATURES: Final = (
    ("live-transcription", "live_transcription", "user/Recording.cu"),
    ("note-drafting", "note_drafting", "user/Composition.cu"),
    ("prescribing", "prescribing", "user/MedicationRequest.cu"),
    ("external-records", "external_records", "dra/consent.request"),
)


def workspace(identity: Identity, settings: FeatureSettings) -> dict[str, Any]:
    """The desk of the signed-in user."""
    practitioner = identity.practitioner_id
    return {
        "user": {
            "name": identity.name or identity.subject or "",
            "roles": sorted(identity.roles),
        },
        "practitioner": {"id": practitioner} if practitioner else None,
        "features": [
            _feature(name, on=getattr(settings, setting), allowed=scope in identity.scopes)
            for name, setting, scope in _FEATURES
        ],
    }


def _feature(name: str, *, on: bool, allowed: bool) -> dict[str, Any]:
    reason = None
    if not on:
        reason = "Switched off at this hospital."
    elif not allowed:
        reason = "Your role does not include it."
    return {"name": name, "enabled": on and allowed, "reason": reason}
