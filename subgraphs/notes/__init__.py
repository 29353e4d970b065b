"""Notes: what was said in a consultation, and what the doctor makes of it.

audio       a WebSocket: chunks with sequence numbers, stored before they are acknowledged
services    recording, hearing (audio -> segments), drafting, writing (edit, sign, amend), delivering
schema      RecordingSession, Transcript, Segment, ClinicalNote
"""
