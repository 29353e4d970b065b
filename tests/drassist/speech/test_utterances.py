"""Utterances are told from probabilities alone: windows of 32 ms."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drassist.speech.events import SAMPLE_RATE
from drassist.speech.utterances import Segmenter, Span, UtteranceOptions
from drassist.speech.vad import WINDOW

PER_SECOND = SAMPLE_RATE / WINDOW


def windows(seconds: float, probability: float) -> list[float]:
    return [probability] * int(seconds * PER_SECOND)


def hear(segmenter: Segmenter, probabilities: list[float]) -> list[Span]:
    spans = []
    for probability in probabilities:
        if (span := segmenter.hear(probability)) is not None:
            spans.append(span)
            if not span.complete:
                segmenter.resume(span.end - WINDOW)
    return spans


def test_silence_is_no_utterance() -> None:
    segmenter = Segmenter(UtteranceOptions())
    assert hear(segmenter, windows(5, 0.01)) == []
    assert segmenter.finish() is None


def test_a_pause_closes_an_utterance_with_padding_around_it() -> None:
    segmenter = Segmenter(UtteranceOptions())
    (span,) = hear(segmenter, windows(1, 0.0) + windows(2, 0.9) + windows(1, 0.0))
    assert span.complete
    assert 0.75 < span.start / SAMPLE_RATE < 0.85
    assert 3.1 < span.end / SAMPLE_RATE < 3.25


def test_a_click_is_too_short_to_be_speech() -> None:
    assert hear(Segmenter(UtteranceOptions()), windows(0.1, 0.9) + windows(2, 0.0)) == []


def test_a_short_hesitation_does_not_close_an_utterance() -> None:
    probabilities = windows(1, 0.9) + windows(0.4, 0.0) + windows(1, 0.9) + windows(1, 0.0)
    assert len(hear(Segmenter(UtteranceOptions()), probabilities)) == 1


def test_speech_without_a_pause_is_handed_out_before_it_grows_too_long() -> None:
    segmenter = Segmenter(UtteranceOptions(longest=8.0))
    spans = hear(segmenter, windows(30, 0.9))
    assert [span.complete for span in spans] == [False] * len(spans)
    assert len(spans) == 3
    assert all((span.end - span.start) / SAMPLE_RATE <= 8.3 for span in spans)


def test_the_end_of_the_stream_closes_what_is_open() -> None:
    segmenter = Segmenter(UtteranceOptions())
    assert hear(segmenter, windows(1, 0.9)) == []
    assert segmenter.open_span is not None
    assert segmenter.finish() is not None


@given(st.lists(st.floats(0, 1), max_size=600))
def test_utterances_never_overlap_and_never_go_back(probabilities: list[float]) -> None:
    segmenter = Segmenter(UtteranceOptions(longest=2.0))
    spans = hear(segmenter, probabilities)
    if (last := segmenter.finish()) is not None:
        spans.append(last)
    for span in spans:
        assert span.start < span.end <= len(probabilities) * WINDOW
    for earlier, later in pairwise(spans):
        # an incomplete span is resumed at the place that whoever transcribed it named
        assert later.start >= earlier.end - (0 if earlier.complete else WINDOW)


@given(st.lists(st.floats(0, 1), max_size=300))
def test_audio_that_an_utterance_may_still_need_is_never_given_up(
    probabilities: list[float],
) -> None:
    segmenter = Segmenter(UtteranceOptions(longest=2.0))
    given_up = 0
    for probability in probabilities:
        if (span := segmenter.hear(probability)) is not None:
            assert span.start >= given_up
            if not span.complete:
                segmenter.resume(span.end - WINDOW)
        if (span := segmenter.open_span) is not None:
            assert span.start >= given_up
        given_up = segmenter.silent_since
