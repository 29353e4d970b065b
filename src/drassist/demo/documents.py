"""What the devices of the demonstration ask; the patient's phone sends saved operations only."""

from __future__ import annotations

from typing import Final

FIND: Final = """query Find($text: String!) { searchPatients(text: $text, first: 1) {
  edges { node { patient { id mrn name age abhaAddress } } } } }"""

DOCTOR: Final = "query Doctor { workspace { practitioner { id name } } }"

OPEN_SESSION: Final = """mutation Open($doctor: ID!, $start: DateTime!, $end: DateTime!) {
  openSession(practitionerId: $doctor, start: $start, end: $end) {
    errors { code message } slots { start } } }"""

BOOK: Final = """mutation Book($input: BookAppointmentInput!) { bookAppointment(input: $input) {
  errors { code message } appointment { id version localStart } alternatives { start } } }"""

CHECK_IN: Final = """mutation CheckIn($id: ID!, $version: Int!) {
  checkIn(appointmentId: $id, expectedVersion: $version) {
    errors { code message } encounter { id version } token { number } } }"""

WALK_IN: Final = """mutation WalkIn($input: WalkInInput!) { walkIn(input: $input) {
  errors { code message } encounter { id version } token { number } } }"""

QUEUE: Final = """subscription Queue($doctor: ID!) { queueChanged(practitionerId: $doctor) {
  reason queue { waitingCount waiting { number patient { id wardCard { headline vitals alerts { text } } } } } } }"""

START: Final = """mutation Start($id: ID!, $version: Int!) {
  startEncounter(id: $id, expectedVersion: $version) {
    errors { code message } encounter { id version status } } }"""

FINISH: Final = """mutation Finish($id: ID!, $version: Int!) {
  finishEncounter(id: $id, expectedVersion: $version) {
    errors { code message } encounter { id version status } } }"""

VERSION: Final = "query Version($id: ID!) { encounter(id: $id) { version } }"

RECORD: Final = """mutation Record($input: StartRecordingInput!) { startRecording(input: $input) {
  errors { code message } recording { id audioPath } } }"""

RECORDING: Final = (
    "query Recording($id: ID!) { recording(id: $id) { status seconds heardSeconds } }"
)

TRANSCRIPT: Final = """subscription Transcript($encounter: ID!) {
  transcript(encounterId: $encounter) { id number revision final text start end } }"""

SAID: Final = (
    "query Said($encounter: ID!) { encounter(id: $encounter) { transcript { segments { id } } } }"
)

DRAFT: Final = """mutation Draft($input: DraftNoteInput!) { draftNote(input: $input) {
  errors { code message } note { id version
    sections { code title sentences { text segmentIds entityIds } }
    entities { kind label assertion dosage { raw frequency dose doseUnit } }
    suggestions { number heard medicine clear confidence decision } } } }"""

DECIDE: Final = """mutation Decide($id: ID!, $version: Int!, $decisions: [SuggestionDecisionInput!]!) {
  decideSuggestions(id: $id, expectedVersion: $version, decisions: $decisions) {
    errors { code message } note { id version
      sections { code title sentences { text segmentIds entityIds } }
      suggestions { heard medicine decision } } } }"""

EDIT: Final = """mutation Edit($id: ID!, $version: Int!, $sections: [SectionInput!]!) {
  editNote(id: $id, expectedVersion: $version, sections: $sections) {
    errors { code message } note { id version } } }"""

SIGN: Final = """mutation Sign($id: ID!, $version: Int!) { signNote(id: $id, expectedVersion: $version) {
  errors { code message } note { id version status versions { number signedBy document } } } }"""

NOTE: Final = """query Note($id: ID!) { clinicalNote(id: $id) {
  status versions { number signedBy document } } }"""

TESTS: Final = """query Tests($text: String!) { labTests(search: $text, first: 1) {
  edges { node { code name } } } }"""

MEDICINES: Final = """query Medicines($text: String!) { medicines(search: $text, first: 1) {
  edges { node { id name doseUnit } } } }"""

ORDER: Final = """mutation Order($input: PlaceOrdersInput!) { placeOrders(input: $input) {
  errors { code message } orders { id display status placerNumber } } }"""

PRESCRIBE: Final = """mutation Prescribe($input: PrescribeInput!) { prescribe(input: $input) {
  errors { code message } prescription { id number items { id medicine status } }
  warnings { message } } }"""

ORDER_STATE: Final = """query Order($id: ID!) { serviceRequest(id: $id) { status
  reports { id status observations { display value { value unit } interpretation } } } }"""

PRESCRIPTION_STATE: Final = """query Prescription($id: ID!) { prescription(id: $id) {
  items { medicine status dispenses { status handedOver } } } }"""

CONSENT: Final = """mutation Consent($input: RequestConsentInput!) { requestConsent(input: $input) {
  errors { code message } request { id state } } }"""

CONSENT_STATE: Final = """query Consent($id: ID!) { consentRequest(id: $id) {
  state history { state } patient { externalRecords(first: 5) { edges { node { title facility } } } } } }"""

CONSULTATION: Final = """query Consultation($id: ID!) { encounter(id: $id) {
  id status
  patient { name allergies { completeness } consents(first: 1) { edges { node { state } } } }
  notes { status authorName }
  orders(first: 5) { edges { node { display status reports { status } } } }
  prescriptions(first: 5) { edges { node { items { medicine status } } } } } }"""
