"""Sound to text with a Whisper model on CTranslate2. Lives in a worker process; one thread, no state between sounds.

The model was trained on windows of 30 s, silence behind the speech. The encoder takes shorter ones: 10 s cost a quarter
and say the same of sentences. Of a few bare digits, or of a single word, the decoder may not see the end then, and says
them again: for those 15 s. What still looks bad is tried again with all of the 30 s.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import ctranslate2
import numpy as np
import tokenizers

from services.stt.logmel import RATE, Floats, log_mel
from services.stt.whisper.trust import babbles, hopeless, mostly_digits, twice, unsure
from services.stt.whisper.wire import Heard, HeardWord

WINDOW_S, CAREFUL_S, WHOLE_S = 10.0, 15.0, 30.0
SHORT_S = 2.0
"""A sound that is shorter, silence and all, is a word or two."""
SPARE_S = 1.0
"""Silence that a window has behind the speech, at least."""
TOKENS, TOKENS_PER_S = 8, 8
MAX_TOKENS = 200
FRAMES_PER_S = 100
STEP_MS = 20
"""Of the encoder's output: the times of the words are in these."""
MAX_PROMPT = 100


class Decoder:
    """`languages`: the codes that it knows; an English-only model knows no other."""

    def __init__(self, folder: Path) -> None:
        self.model = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
        )
        self.tokens = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.end = self._token("<|endoftext|>")
        self._plain = self._token("<|notimestamps|>")
        self.languages = self._known() if self.model.is_multilingual else ("en",)

    def hear(
        self,
        samples: Floats,
        language: str,
        *,
        final: bool = False,
        careful: bool = False,
        hurried: bool = False,
        keyterms: Sequence[str] = (),
    ) -> Heard:
        """What is said in at most 29 s at 16 kHz; the rest as in `wire.Wish`."""
        began = time.perf_counter()
        seconds = len(samples) / RATE
        careful = careful or (final and seconds < SHORT_S)
        trial = _Trial(self, samples, language, keyterms, CAREFUL_S if careful else WINDOW_S)
        took_s = time.perf_counter() - began
        if not final:
            return replace(trial.heard, took_s=took_s)
        if hurried:
            return replace(trial.heard, took_s=took_s, words=trial.words())
        if not careful and (mostly_digits(trial.heard.text) or unsure(trial.heard, seconds)):
            trial = _better(trial, _Trial(self, samples, language, keyterms, CAREFUL_S))
        if keyterms and twice(trial.heard.text):
            again = _Trial(self, samples, language, (), trial.window_s)
            trial = trial if twice(again.heard.text) else again
        if hopeless(trial.heard, seconds) and trial.window_s < WHOLE_S:
            trial = _better(trial, _Trial(self, samples, language, (), WHOLE_S))
        return replace(trial.heard, took_s=took_s, words=trial.words())

    def _known(self) -> tuple[str, ...]:
        vocabulary = self.tokens.get_vocab()
        codes = (token[2:-2] for token in vocabulary if token.startswith("<|") and token.endswith("|>"))
        return tuple(sorted(code for code in codes if 2 <= len(code) <= 3 and code.isalpha()))

    def _token(self, text: str) -> int:
        found = self.tokens.token_to_id(text)
        if found is None:
            raise ValueError(f"tokenizer.json: it has no {text}, so it is not Whisper's")
        return found

    def start(self, language: str) -> list[int]:
        """The tokens that a text begins with."""
        start = [self._token("<|startoftranscript|>")]
        if not self.model.is_multilingual:
            return start
        return [*start, self._token(f"<|{language}|>"), self._token("<|transcribe|>")]

    def prompt(self, language: str, keyterms: Sequence[str]) -> list[int]:
        """The same, for writing without times; `keyterms` stand before it as text that was said."""
        said: list[int] = []
        if keyterms:
            told = self.tokens.encode(" " + ", ".join(keyterms) + ".", add_special_tokens=False).ids
            said = [self._token("<|startofprev|>"), *told[:MAX_PROMPT]]
        return [*said, *self.start(language), self._plain]


class _Trial:
    """One pass with one window."""

    def __init__(
        self, decoder: Decoder, samples: Floats, language: str, keyterms: Sequence[str], window_s: float
    ) -> None:
        self._decoder = decoder
        self._start = decoder.start(language)
        self.seconds = len(samples) / RATE
        self.window_s = min(WHOLE_S, max(window_s, self.seconds + SPARE_S))
        model = decoder.model
        padded = np.zeros(int(self.window_s * RATE) // 320 * 320, np.float32)
        padded[: len(samples)] = samples[: len(padded)]
        features = np.ascontiguousarray(log_mel(padded, model.n_mels)[None])
        self._encoded = model.encode(ctranslate2.StorageView.from_array(features))
        prompt = decoder.prompt(language, keyterms)
        longest = min(MAX_TOKENS, TOKENS + int(self.seconds * TOKENS_PER_S))
        result = model.generate(
            self._encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + longest,
            suppress_blank=True,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        self._ids = [token for token in result.sequences_ids[0] if token < decoder.end]
        self.heard = Heard(decoder.tokens.decode(self._ids).strip(), result.scores[0], result.no_speech_prob)

    def words(self) -> tuple[HeardWord, ...]:
        """Where the model's attention was for each word: off by some 100 ms, more beside silence."""
        if not self._ids:
            return ()
        frames = max(2, int(self.seconds * FRAMES_PER_S))
        aligned = self._decoder.model.align(self._encoded, self._start, [self._ids], [frames])[0]
        began = [0] * (len(self._ids) + 1)
        for token, step in reversed(aligned.alignments):
            began[token] = step * STEP_MS
        sizes = self._word_sizes()
        probabilities = aligned.text_token_probs
        words: list[HeardWord] = []
        at = 0
        for size in sizes:
            text = self._decoder.tokens.decode(self._ids[at : at + size]).strip()
            sure = float(np.mean(probabilities[at : at + size]))
            if text:
                words.append(HeardWord(text, began[at], max(began[at], began[at + size]), round(sure, 3)))
            at += size
        return tuple(words)

    def _word_sizes(self) -> list[int]:
        """How many tokens each word has: a token that begins with a space begins one."""
        sizes: list[int] = []
        for token in self._ids:
            if sizes and not (self._decoder.tokens.id_to_token(token) or "").startswith("\u0120"):
                sizes[-1] += 1
            else:
                sizes.append(1)
        return sizes


def _better(first: _Trial, second: _Trial) -> _Trial:
    """The second, with the wider window, unless the first was better founded."""
    if babbles(second.heard, second.seconds) and not babbles(first.heard, first.seconds):
        return first
    doubt = babbles(first.heard, first.seconds) or mostly_digits(first.heard.text)
    return second if doubt or second.heard.score >= first.heard.score else first
