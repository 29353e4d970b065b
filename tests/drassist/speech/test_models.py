"""Speech weights are found, joined once, and pinned."""

from pathlib import Path

import pytest

from drassist.speech.models import ModelMissing, model_path


@pytest.mark.slow
def test_the_halves_of_base_are_joined_once(tmp_path: Path) -> None:
    path = model_path("base", model_dir=None, cache_dir=tmp_path)
    made = (path / "model.bin").stat().st_mtime_ns
    assert model_path("base", model_dir=None, cache_dir=tmp_path) == path
    assert (path / "model.bin").stat().st_mtime_ns == made
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.slow
def test_weights_that_are_not_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    path = model_path("base", model_dir=None, cache_dir=tmp_path)
    with (path / "model.bin").open("r+b") as file:
        file.write(b"other")
    with pytest.raises(ModelMissing, match="not the pinned one"):
        model_path("base", model_dir=None, cache_dir=tmp_path)


def test_an_unknown_model_needs_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="set a model directory"):
        model_path("large", model_dir=None, cache_dir=tmp_path)


def test_the_operators_directory_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "model.bin").write_bytes(b"weights")
    path = model_path("large", model_dir=tmp_path, cache_dir=tmp_path)
    assert path == tmp_path / "large"
    with pytest.raises(ModelMissing):
        model_path("tiny.en", model_dir=tmp_path, cache_dir=tmp_path)
