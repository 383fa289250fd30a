"""Words of a text as a sparse vector (BM25; the index multiplies by how rare a word is)."""

from __future__ import annotations

from functools import lru_cache

from qdrant_edge import Bm25, Bm25Config, TokenizerType

from services.rag.index import Sparse

# Stop words and stems by language; one not here gets English ones, which do no harm to other words, and is cut into
# words by a tokenizer that knows the scripts without spaces and the vowel signs of others.
_LANGUAGES = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
    "sv": "swedish",
}
# Words of a typical passage; BM25 weighs longer ones down against it.
_PASSAGE_WORDS = 60.0


@lru_cache(maxsize=16)
def _model(language: str) -> Bm25:
    name = _LANGUAGES.get(language.lower().partition("-")[0])
    tokenizer = TokenizerType.Word if name else TokenizerType.Multilingual
    return Bm25(Bm25Config(avg_len=_PASSAGE_WORDS, language=name or "english", tokenizer=tokenizer))


def of_passage(text: str, language: str) -> Sparse:
    vector = _model(language).embed_document(text)
    return Sparse(tuple(vector.indices), tuple(vector.values))


def of_question(text: str, language: str) -> Sparse:
    """Empty when all its words are stop words ("what is it")."""
    vector = _model(language).embed_query(text)
    return Sparse(tuple(vector.indices), tuple(vector.values))
