"""ConText: what a sentence says of a problem that it names."""

import pytest

from drassist.language import Context, RulesEngine, Utterance

CASES = [
    ("I have a cough.", "present"),
    ("No cough.", "negated"),
    ("She denies cough.", "negated"),
    ("There is no evidence of pneumonia.", "negated"),
    ("There is no sign of pneumonia.", "negated"),
    ("I don't have a fever.", "negated"),
    ("i do n't have a fever .", "negated"),
    ("I haven’t had any fever.", "negated"),
    ("No fever, chills or vomiting.", "negated"),
    ("Pneumonia was ruled out.", "negated"),
    ("She has never had asthma.", "negated"),
    ("Without any headache.", "negated"),
    ("No chest pain but I have a cough.", "present"),
    ("No, I have a cough.", "present"),
    ("No I have a cough.", "present"),
    ("There is no increase in the cough.", "present"),
    ("I can't sleep because of the cough.", "present"),
    ("It didn't help the cough.", "present"),
    ("The cough is not improving.", "present"),
    ("I'm not only tired.", "present"),
    ("There's no problem except the cough.", "present"),
    ("My father had a heart attack when he was sixty.", "family"),
    ("There is a family history of stroke.", "family"),
    ("Diabetes runs in my family.", "family"),
    ("No family history of diabetes.", "negated"),
    ("My mother worries because I have a cough.", "present"),
    ("He has a history of asthma.", "historical"),
    ("I had asthma as a child.", "historical"),
    ("In the past I've had some eczema.", "historical"),
    ("The cough started two years ago.", "present"),
    ("If you get a fever, call us.", "hypothetical"),
    ("Come back in case of fever.", "hypothetical"),
    ("This may be pneumonia.", "hypothetical"),
    ("We need to rule out pneumonia.", "hypothetical"),
    ("You are at risk of stroke.", "hypothetical"),
    ("I think this is bronchitis.", "present"),
]


@pytest.mark.parametrize(("text", "assertion"), CASES, ids=[text for text, _ in CASES])
def test_an_assertion_is_read(text: str, assertion: str) -> None:
    document = RulesEngine().analyze((Utterance("u", text, "patient"),), Context())
    problems = [entity for entity in document.entities if entity.kind == "problem"]
    assert problems, "nothing was found"
    assert problems[-1].assertion == assertion


def test_scope_ends_at_but() -> None:
    text = "No chest pain, but I have a sore throat."
    document = RulesEngine().analyze((Utterance("u", text, "patient"),), Context())
    said = {entity.label: entity.assertion for entity in document.entities}
    assert said == {"Chest pain": "negated", "Sore throat": "present"}


def test_a_new_subject_behind_a_comma_ends_a_negation() -> None:
    text = "When I don't drink enough water, I like get headaches."
    document = RulesEngine().analyze((Utterance("u", text, "patient"),), Context())
    assert [entity.assertion for entity in document.entities] == ["present"]
