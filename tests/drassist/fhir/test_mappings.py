"""Rows that turn resources into records; what no row reads is kept, and broken parts have a path."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drassist.fhir import records as r
from drassist.fhir.mappings import MAPS, map_resource

PATIENT = {"reference": "Patient/1"}


def resolve(link: str) -> r.Reference | None:
    kind, _, id = link.partition("/")
    return r.Reference(kind, id) if id else None


def observation(**more: Any) -> r.Record | r.Leftover:
    base = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": PATIENT,
    }
    return map_resource({**base, **more}, resolve)


def test_a_quantity_keeps_its_digits_and_its_unit() -> None:
    made = observation(
        valueQuantity={
            "value": Decimal("13.20"),
            "unit": "gm/dl",
            "system": "http://unitsofmeasure.org",
            "code": "g/dL",
        }
    )
    assert isinstance(made, r.ObservationRecord)
    assert made.quantity == r.Amount(Decimal("13.20"), "gm/dl", "g/dL")
    assert str(made.quantity.value) == "13.20"


@pytest.mark.parametrize(
    ("written", "ucum"),
    [("mmHg", "mm[Hg]"), ("cells/cumm", "/uL"), ("µmol/L", "umol/L"), ("furlong", None)],
)
def test_a_unit_as_laboratories_write_it_gets_its_ucum_code_where_one_is_known(
    written: str, ucum: str | None
) -> None:
    made = observation(valueQuantity={"value": 1, "unit": written})
    assert isinstance(made, r.ObservationRecord)
    assert made.quantity == r.Amount(Decimal(1), written, ucum)


def test_a_status_that_r4_does_not_have_makes_a_leftover_and_no_guess() -> None:
    made = observation(status="nonsense")
    assert isinstance(made, r.Leftover)
    assert made.reason == "Observation.status: no code of R4"
    assert made.raw["status"] == "nonsense"


def test_an_observation_of_nobody_is_kept_with_the_reason() -> None:
    made = observation(subject=None)
    assert isinstance(made, r.Leftover)
    assert made.reason.startswith("Observation.subject")


def test_what_no_row_reads_stays_in_the_remainder() -> None:
    made = observation(
        bodySite={"text": "left arm"},
        valueQuantity={"value": 1, "unit": "g", "extension": [{"url": "x", "valueString": "y"}]},
    )
    assert isinstance(made, r.ObservationRecord)
    assert made.remainder == {
        "bodySite": {"text": "left arm"},
        "valueQuantity": {"extension": [{"url": "x", "valueString": "y"}]},
    }


def test_a_blood_pressure_of_synthea_gets_todays_code_beside_its_own() -> None:
    made = observation(
        code={"coding": [{"system": "http://loinc.org", "code": "55284-4"}]},
        category=[{"coding": [{"code": "vital-sign"}]}],
        component=[
            {"code": {"text": "Systolic"}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
            {"code": {"text": "Diastolic"}, "valueQuantity": {"value": 0, "unit": "mmHg"}},
        ],
    )
    assert isinstance(made, r.ObservationRecord)
    assert [c.code for c in made.code.codings] == ["85354-9", "55284-4"]
    assert made.categories == ("vital-signs",)
    assert [str(c.quantity.value) for c in made.components if c.quantity] == ["120", "0"]


def test_an_unresolvable_reference_keeps_its_display() -> None:
    made = observation(subject={"reference": "nowhere", "display": "someone"})
    assert isinstance(made, r.ObservationRecord)
    assert made.patient == r.Reference(None, None, "someone")


@pytest.mark.parametrize(
    ("text", "precision", "at"),
    [
        ("1979", "year", datetime(1979, 1, 1, tzinfo=UTC)),
        ("1979-05", "month", datetime(1979, 5, 1, tzinfo=UTC)),
        ("1979-05-03", "day", datetime(1979, 5, 3, tzinfo=UTC)),
    ],
)
def test_a_birth_date_keeps_its_precision(text: str, precision: str, at: datetime) -> None:
    made = map_resource({"resourceType": "Patient", "id": "1", "birthDate": text}, resolve)
    assert isinstance(made, r.PatientRecord)
    assert made.birth_date == r.Moment(text, at, precision)


def test_a_day_that_does_not_exist_is_named_by_its_path_only() -> None:
    made = map_resource({"resourceType": "Patient", "id": "1", "birthDate": "1979-02-31"}, resolve)
    assert isinstance(made, r.Leftover)
    assert "birthDate" in made.reason
    assert "1979" not in made.reason


def test_an_instant_with_an_offset_is_kept_as_written_and_read_in_utc() -> None:
    made = observation(effectiveDateTime="2026-11-24T10:30:00+05:30")
    assert isinstance(made, r.ObservationRecord)
    assert made.effective is not None
    assert made.effective.text == "2026-11-24T10:30:00+05:30"
    assert made.effective.at == datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


def test_a_contained_medication_is_looked_up() -> None:
    made = map_resource(
        {
            "resourceType": "MedicationRequest",
            "id": "m",
            "status": "active",
            "intent": "order",
            "doNotPerform": True,
            "subject": PATIENT,
            "contained": [
                {"resourceType": "Medication", "id": "med", "code": {"text": "Paracetamol"}}
            ],
            "medicationReference": {"reference": "#med"},
        },
        resolve,
    )
    assert isinstance(made, r.MedicationRecord)
    assert made.medication.text == "Paracetamol"
    assert made.do_not_perform is True


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "code", "coding", "text", "reference", "start", "unit"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(MAPS)), st.data())
def test_junk_in_any_element_makes_a_record_or_a_leftover_and_never_an_exception(
    kind: str, data: st.DataObject
) -> None:
    paths = [field.paths[0].split(".")[0] for field in MAPS[kind].fields]
    resource = {"resourceType": kind, "id": "1", "status": "final", "subject": PATIENT}
    for name in data.draw(st.sets(st.sampled_from(paths), max_size=3)):
        resource[name] = data.draw(junk)
    made = map_resource(resource, resolve)
    assert isinstance(made, r.Leftover) or made.source.kind == kind
