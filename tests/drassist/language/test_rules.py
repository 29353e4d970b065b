"""The engine as a whole: entities, answers, medicines, suggestions."""

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drassist.language import Context, Document, Entity, RulesEngine, Utterance


def read(*said: str, context: Context = Context()) -> Document:
    """``D: ...`` is the doctor, ``P: ...`` the patient; anything else has no known speaker."""
    utterances = []
    for number, text in enumerate(said):
        speaker = {"D: ": "doctor", "P: ": "patient"}.get(text[:3])
        words = text[3:] if speaker else text
        utterances.append(Utterance(f"u{number}", words, speaker))  # type: ignore[arg-type]
    return RulesEngine().analyze(tuple(utterances), context)


def assertions(document: Document) -> dict[str, str]:
    return {entity.label: entity.assertion for entity in document.entities}


def of_kind(document: Document, kind: str) -> list[Entity]:
    return [entity for entity in document.entities if entity.kind == kind]


def test_no_answers_the_question() -> None:
    assert assertions(read("D: Any fever?", "P: No.")) == {"Fever": "negated"}


def test_yes_answers_the_question() -> None:
    assert assertions(read("D: Do you have a cough?", "P: Yes, a bit.")) == {"Cough": "present"}


def test_one_no_answers_several_questions() -> None:
    said = read("D: Any fever? Any vomiting?", "P: No, nothing like that.")
    assert assertions(said) == {"Fever": "negated", "Vomiting": "negated"}


def test_an_answer_that_names_the_thing_says_more() -> None:
    said = read("D: Any chest pain or cough?", "P: No chest pain, but I have a cough.")
    assert [(e.label, e.assertion, e.utterance_id) for e in said.entities] == [
        ("Chest pain", "negated", "u1"),
        ("Cough", "present", "u1"),
    ]


def test_a_question_without_an_answer_states_nothing() -> None:
    said = read("D: Any fever?", "P: I came by bus.", "D: Good.")
    assert assertions(said) == {"Fever": "hypothetical"}


def test_an_echo_is_not_an_answer() -> None:
    said = read("D: Do you have any allergies at all?", "P: Oh, allergies. Uh, no.")
    assert {entity.assertion for entity in said.entities} == {"negated"}


def test_what_a_question_takes_for_granted_is_not_asked() -> None:
    said = read("D: Apart from the eczema, do you have any other problems?", "P: No.")
    assert assertions(said) == {"Atopic dermatitis": "present"}


def test_asking_after_the_family_stays_with_the_family() -> None:
    said = read("D: Does anyone in your family have diabetes? Your mother or asthma?", "P: Yes.")
    assert assertions(said)["Asthma"] == "family"


def test_a_medicine_named_to_the_question_of_allergies_is_an_allergy() -> None:
    said = read("D: Are you allergic to any medicine?", "P: Yes, penicillin.")
    assert [(e.kind, e.label, e.assertion) for e in said.entities] == [
        ("allergy", "Penicillin", "present")
    ]
    assert said.medications == ()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("I am allergic to penicillin.", ["Penicillin"]),
        ("I'm allergic to sulfa drugs and aspirin.", ["Sulfa drugs", "Aspirin"]),
        ("I had a bad reaction to ibuprofen.", ["Ibuprofen"]),
    ],
)
def test_what_somebody_is_allergic_to_is_no_medicine(text: str, labels: list[str]) -> None:
    said = read(f"P: {text}")
    assert [e.label for e in of_kind(said, "allergy")] == labels
    assert said.medications == ()


def test_no_known_allergies_is_said_so() -> None:
    (allergy,) = read("D: No known drug allergies.").entities
    assert (allergy.kind, allergy.assertion) == ("allergy", "negated")


@pytest.mark.parametrize(
    ("text", "label", "value", "unit"),
    [
        ("Your blood pressure is one forty over ninety.", "Blood pressure", "140/90", "mm[Hg]"),
        ("BP 130/80 today.", "Blood pressure", "130/80", "mm[Hg]"),
        ("Your temperature is one hundred and one.", "Body temperature", "101", "[degF]"),
        ("Temperature is thirty eight point five.", "Body temperature", "38.5", "Cel"),
        ("The pulse is eighty eight.", "Heart rate", "88", "/min"),
        ("Respiratory rate eighteen.", "Respiratory rate", "18", "/min"),
        ("Your oxygen saturation is ninety seven percent.", "Oxygen saturation", "97", "%"),
        ("My weight is 72 kilos.", "Body weight", "72", "kg"),
        ("Height is 170 centimetres.", "Body height", "170", "cm"),
    ],
)
def test_a_vital_sign_has_a_value_and_a_unit(text: str, label: str, value: str, unit: str) -> None:
    (vital,) = of_kind(read(f"D: {text}"), "vital")
    assert (vital.label, vital.value, vital.unit) == (label, value, unit)
    assert vital.code is not None


@pytest.mark.parametrize(
    "text",
    ["The temperature is five.", "Blood pressure eighty over ninety.", "My weight is a problem."],
)
def test_a_value_that_no_body_has_is_not_read(text: str) -> None:
    assert not of_kind(read(f"D: {text}"), "vital")


def test_tests_have_their_code() -> None:
    said = read("D: Let's get a CBC and an HbA1c, and a chest x-ray.")
    codes = [e.code.code for e in of_kind(said, "test") if e.code]
    assert codes == ["58410-2", "4548-4", "36643-5"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I have pain in my chest.", "Chest pain"),
        ("My chest is hurting.", "Chest pain"),
        ("I get headaches.", "Headache"),
        ("I have shortness of uh breath.", "Dyspnoea"),
        ("There was blood in my urine.", "Haematuria"),
    ],
)
def test_lay_words_are_known(text: str, label: str) -> None:
    said = read(f"P: {text}")
    assert label in assertions(said)


def test_instructions_go_on_in_the_next_sentence() -> None:
    (medication,) = read("D: Start amlodipine. Five milligrams once a day.").medications
    assert (medication.medicine, medication.dose, medication.dose_unit, medication.frequency) == (
        "Amlodipine",
        Decimal(5),
        "mg",
        1,
    )


def test_each_medicine_keeps_its_own_instructions() -> None:
    said = read(
        "D: Take metformin 500 mg twice a day and two puffs of salbutamol when needed, "
        "and check your sugar three times a day."
    )
    metformin, salbutamol = said.medications
    assert (metformin.dose, metformin.frequency) == (Decimal(500), 2)
    assert (salbutamol.dose, salbutamol.dose_unit, salbutamol.frequency) == (
        Decimal(2),
        "{puff}",
        None,
    )
    assert salbutamol.as_needed


@pytest.mark.parametrize("text", ["I don't take metformin.", "Stop the metformin."])
def test_a_medicine_that_is_not_taken_is_no_medication(text: str) -> None:
    said = read(f"D: {text}")
    assert assertions(said) == {"Metformin": "negated"}
    assert said.medications == ()


def test_a_misheard_medicine_is_suggested_and_never_rewritten() -> None:
    text = "I will start asthromycin 500 milligrams once a day for five days."
    said = read(f"D: {text}")
    (suggestion,) = said.suggestions
    assert (suggestion.heard, suggestion.medicine) == ("asthromycin", "Azithromycin")
    assert 0.78 <= suggestion.confidence < 1
    (medication,) = said.medications
    assert medication.medicine == "asthromycin"
    assert said.note.sections[3].sentences[0].text == text


@pytest.mark.parametrize(
    ("text", "heard", "medicine"),
    [
        ("Take metform in 500 mg twice a day.", "metform in", "Metformin"),
        ("Continue amlodipin 5 mg once daily.", "amlodipin", "Amlodipine"),
        ("Also take para see tamol 650 mg.", "para see tamol", "Paracetamol"),
    ],
)
def test_a_name_broken_into_words_is_recognised(text: str, heard: str, medicine: str) -> None:
    (suggestion,) = read(f"D: {text}").suggestions
    assert (suggestion.heard, suggestion.medicine) == (heard, medicine)


def test_the_patients_own_medicines_are_suggested_too() -> None:
    text = "P: I take lisinapril ten milligrams."
    assert read(text).suggestions == ()
    (suggestion,) = read(text, context=Context(known_medicines=("Lisinopril",))).suggestions
    assert suggestion.medicine == "Lisinopril"


def test_every_medicine_that_is_named_is_suggested_once_for_each_way_it_was_heard() -> None:
    said = read(
        "P: I take Ecosprin in the morning.",
        "D: Continue the ecosprin, which is aspirin, and metformin.",
    )
    found = [(s.heard, s.medicine, s.confidence, s.utterance_ids) for s in said.suggestions]
    assert found == [
        ("Ecosprin", "Aspirin", 1, ("u0", "u1")),
        ("aspirin", "Aspirin", 1, ("u1",)),
        ("metformin", "Metformin", 1, ("u1",)),
    ]
    assert all(suggestion.clear for suggestion in said.suggestions)


def test_a_medicine_that_is_not_taken_or_not_borne_is_to_be_confirmed_too() -> None:
    said = read("P: I stopped amlodipine, and I am allergic to ibuprofen and peanuts.")
    assert [s.medicine for s in said.suggestions] == ["Amlodipine", "Ibuprofen"]


def test_plain_talk_suggests_no_medicine() -> None:
    assert read("D: Take your time, and start from the beginning, please.").suggestions == ()


def test_the_product_is_never_guessed_from_the_beginning_of_a_name() -> None:
    (medicine,) = of_kind(read("D: Take Glycomet-GP 1 before breakfast."), "medicine")
    assert medicine.label == "Glimepiride + metformin"


def test_a_sentence_across_segments_names_them_all() -> None:
    said = read("P: I have had a bad headache and", "P: some vomiting since Monday.")
    (sentence,) = said.note.sections[0].sentences
    assert sentence.segment_ids == ("u0", "u1")
    assert {e.label: e.utterance_id for e in said.entities} == {"Headache": "u0", "Vomiting": "u1"}


SPOKEN = """no I have fever cough and but , . ? any chest pain my your father had take metformin five hundred
    milligrams twice a day for days blood pressure is one forty over ninety allergic to penicillin if
    started years ago let's get CBC amlodipin İ ß ’ n't do you yes 1-0-1 x 5/7 SOS \n the"""
WORDS = st.sampled_from(SPOKEN.split())
SAID = st.lists(
    st.builds(
        Utterance,
        st.uuids().map(str),
        st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join)),
        st.sampled_from(["doctor", "patient", None]),
    ),
    max_size=6,
    unique_by=lambda utterance: utterance.id,
)


@settings(max_examples=150, deadline=None)
@given(SAID)
def test_whatever_is_said_everything_points_to_what_was_said(said: list[Utterance]) -> None:
    document = RulesEngine().analyze(tuple(said), Context())
    texts = {utterance.id: utterance.text for utterance in said}
    for entity in document.entities:
        assert texts[entity.utterance_id][entity.start : entity.end] == entity.text != ""
    ids = {entity.id for entity in document.entities}
    assert len(ids) == len(document.entities)
    assert [section.code for section in document.note.sections] == ["S", "O", "A", "P"]
    for section in document.note.sections:
        for sentence in section.sentences:
            assert sentence.segment_ids
            assert set(sentence.segment_ids) <= set(texts)
            assert set(sentence.entity_ids) <= ids
            assert sentence.text in " ".join(texts[id] for id in sentence.segment_ids) or (
                len(sentence.segment_ids) > 1
            )
    for suggestion in document.suggestions:
        assert set(suggestion.utterance_ids) <= set(texts)
        assert suggestion.heard in texts[suggestion.utterance_ids[0]] or len(said) > 1
        assert 0 < suggestion.confidence <= 1
    named = {entity.text.lower() for entity in document.entities if entity.kind == "medicine"}
    assert named <= {suggestion.heard.lower() for suggestion in document.suggestions}


@pytest.mark.parametrize(
    "text",
    [
        "no " * 20_000,
        "one " * 20_000,
        "a" * 60_000,
        "take metformin 500 mg twice a day and " * 1_500,
        "? " * 20_000,
        "allergic to penicillin and " * 2_000,
        "1-" * 20_000,
        "blood pressure " * 3_000,
    ],
    ids=lambda text: text[:12],
)
def test_long_input_takes_time_in_proportion(text: str) -> None:
    engine = RulesEngine()
    engine.analyze((Utterance("warm", "fever"),), Context())
    began = time.process_time()
    engine.analyze((Utterance("u", text),), Context())
    assert time.process_time() - began < 6


def test_a_thousand_words_take_a_blink() -> None:
    turns = (
        "Do you have any chest pain?",
        "No, but I take metformin 500 mg twice a day for diabetes.",
    )
    said = tuple(Utterance(str(n), turns[n % 2], None) for n in range(120))
    RulesEngine().analyze(said, Context())
    began = time.process_time()
    RulesEngine().analyze(said, Context())
    assert time.process_time() - began < 0.3  # 20 ms on an idle core; CI's are busy
