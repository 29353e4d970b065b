"""Make the synthetic consultation that ships with the project: `drassist/testing/consultation/`.

Two flite voices (Debian package `flite`, needed only here) read the dialogue below; the turns are joined with short
pauses into one 16 kHz mono Opus file, and written beside it as JSON with their times in seconds. Run it again only to
change the words: flite is deterministic, so the same words give the same audio.

    python scripts/make_consultation.py
"""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000
PAUSE_SECONDS = 0.8
OUT = Path(__file__).parents[1] / "src" / "drassist" / "testing" / "consultation"
VOICES = {"doctor": "rms", "patient": "slt"}

DIALOGUE = [
    ("doctor", "Good morning, I am doctor Rao. What brings you to the clinic today?"),
    ("patient", "Good morning doctor. I have had a fever and a dry cough for the last three days."),
    ("doctor", "Do you have any chest pain or shortness of breath?"),
    ("patient", "No chest pain, and no shortness of breath. But I have a sore throat."),
    ("doctor", "Do you have any other illness?"),
    ("patient", "I take metformin five hundred milligrams two times a day, for diabetes."),
    ("patient", "My father had a heart attack when he was sixty."),
    ("doctor", "Are you allergic to any medicine?"),
    ("patient", "No, I have no allergies."),
    (
        "doctor",
        "Your blood pressure is one hundred and thirty over eighty, "
        "and your temperature is one hundred and one.",
    ),
    ("doctor", "Your throat is red, and your chest is clear."),
    ("doctor", "I think this is bronchitis. There is no sign of pneumonia."),
    ("doctor", "I will start azithromycin five hundred milligrams once a day for five days."),
    (
        "doctor",
        "Also take paracetamol six hundred and fifty milligrams three times a day after food.",
    ),
    ("doctor", "Please get a complete blood count, and come back in one week."),
    ("patient", "Should I continue the metformin?"),
    ("doctor", "Yes, please continue it, and drink plenty of water."),
]


def main() -> None:
    turns: list[dict[str, Any]] = []
    audio: list[np.ndarray] = []
    at = 0.0
    for speaker, text in DIALOGUE:
        speech = speak(text, VOICES[speaker])
        length = len(speech) / RATE
        turns.append(
            {"speaker": speaker, "start": round(at, 2), "end": round(at + length, 2), "text": text}
        )
        audio += [speech, np.zeros(int(PAUSE_SECONDS * RATE), dtype=np.float32)]
        at += length + PAUSE_SECONDS
    OUT.mkdir(parents=True, exist_ok=True)
    soundfile.write(
        OUT / "consultation.opus", np.concatenate(audio), RATE, format="OGG", subtype="OPUS"
    )
    words = {"sampleRate": RATE, "voices": "flite rms and slt", "turns": turns}
    (OUT / "consultation.json").write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
    print(f"{at:.1f} s, {(OUT / 'consultation.opus').stat().st_size / 1000:.0f} kB")


def speak(text: str, voice: str) -> np.ndarray:
    """One turn as float samples at 16 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turn.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        samples, rate = soundfile.read(path, dtype="float32")
    if rate != RATE:
        raise SystemExit(f"flite voice {voice} speaks at {rate} Hz, expected {RATE}")
    return samples


if __name__ == "__main__":
    main()
