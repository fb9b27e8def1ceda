"""Vocabularies: words, word pieces or byte pairs to ids."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from dlcore.core.errors import DataError
from dlcore.data.sources import locate as sources

PAD, UNKNOWN = 0, 1
"""The ids of padding and of unknown words."""
SPECIAL = ("[PAD]", "[UNK]")
INSIDE = "##"
"""Prefix of a word piece inside a word."""
_WORD = r"\w+(?:['’]\w+)?|[!?]"
Keep = Literal["start", "end"]
Kind = Literal["words", "wordpiece", "byte_pair"]


class Vocabulary:
    """Words or word pieces and their ids: 0 padding, 1 unknown, then all others."""

    def __init__(self, words: Sequence[str], *, kind: Kind = "words", merges: Sequence[tuple[str, str]] = ()) -> None:
        """`words` are in the order of their ids, special ones first; `merges` are those of byte-pair encoding."""
        if tuple(words[:2]) != SPECIAL or len(set(words)) != len(words):
            raise DataError(f"a vocabulary starts with {', '.join(SPECIAL)} and has no duplicates; this one does not.")
        self.words, self.kind, self.merges = tuple(words), kind, tuple(merges)
        ids = {word: number for number, word in enumerate(words)}
        self._tokenizer = _splitter(_model(kind, ids, self.merges), kind)

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def fit(cls, texts: Iterable[str], *, size: int, min_frequency: int = 2, kind: Kind = "words") -> "Vocabulary":
        """Build a vocabulary of the `size` most frequent words of training texts with at least `min_frequency`.

        `byte_pair` merges the most frequent pairs, starting with letters (Sennrich et al. 2016). `wordpiece` uses the
        word pieces of bert-base-uncased that occur in the texts and all of its single letters (Devlin et al. 2019); it
        tokenizes these texts exactly like BERT.

        Raises:
            DataMissingError: BERT's vocabulary is needed and not on this machine.
        """
        if kind == "wordpiece":
            return cls._of_bert(texts, size=size, min_frequency=min_frequency)
        first, texts = list(SPECIAL), list(texts)
        if kind == "byte_pair":
            # The trainer numbers letters inside words in random order, and the numbers decide between equally frequent
            # pairs: with letters in a given order, the same texts give the same vocabulary.
            letters = _train(texts, kind, vocab_size=1, min_frequency=min_frequency, special_tokens=first).get_vocab()
            first += sorted(letter for letter in letters if letter.startswith(INSIDE) and letter not in first)
        tokenizer = _train(texts, kind, vocab_size=size, min_frequency=min_frequency, special_tokens=first)
        ids = tokenizer.get_vocab()
        words = sorted(ids, key=ids.__getitem__)
        merges = json.loads(tokenizer.to_str())["model"].get("merges", [])
        return cls(words, kind=kind, merges=[(left, right) for left, right in merges])

    @classmethod
    def _of_bert(cls, texts: Iterable[str], *, size: int, min_frequency: int) -> "Vocabulary":
        full = bert_vocabulary()
        counts = np.zeros(len(full), dtype=np.int64)
        for encoding in full._tokenizer.encode_batch_fast(list(texts)):
            np.add.at(counts, encoding.ids, 1)
        letters = [number for number, word in enumerate(full.words) if len(word.removeprefix(INSIDE)) == 1]
        common = [number for number in np.argsort(-counts, kind="stable") if counts[number] >= min_frequency]
        numbers = dict.fromkeys([PAD, UNKNOWN, *common[:size], *letters])
        return cls([full.words[number] for number in numbers], kind="wordpiece")

    def encode(self, texts: Sequence[str], *, length: int, keep: Keep = "start") -> np.ndarray:
        """Encode texts to ids (N, T) int32, padded with 0 at the end; long texts are truncated.

        A text without words is one unknown word, so that every row has a last token.
        """
        ids = np.zeros((len(texts), length), dtype=np.int32)
        # a single text uses no threads: forking the process then raises no warning
        encoded = (
            [self._tokenizer.encode(texts[0])] if len(texts) == 1 else self._tokenizer.encode_batch_fast(list(texts))
        )
        for row, encoding in enumerate(encoded):
            truncated = encoding.ids[:length] if keep == "start" else encoding.ids[-length:]
            ids[row, : len(truncated)] = truncated
        ids[ids[:, 0] == PAD, 0] = UNKNOWN
        return ids

    def tokens(self, text: str) -> list[str]:
        """Tokenize a text to words or word pieces, unknown ones unchanged."""
        if self.kind != "words":
            encoding = self._tokenizer.encode(text)
            spans = zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
            return [text[start:stop] if number == UNKNOWN else token for number, token, (start, stop) in spans]
        normal = self._tokenizer.normalizer.normalize_str(text)
        return [word for word, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(normal)]


def bert_vocabulary() -> Vocabulary:
    """Return the full vocabulary of bert-base-uncased with new ids: padding 0, unknown 1.

    Raises:
        DataMissingError: It is not on this machine.
        DataError: The file is invalid.
    """
    file = sources.require("bert_vocabulary")
    pieces = file.read_text(encoding="utf-8").splitlines()
    if not {*SPECIAL, "the", "##s"} <= set(pieces):
        raise DataError(f"{file}: this is not BERT's vocabulary of word pieces; download it again.")
    return Vocabulary([*SPECIAL, *(piece for piece in pieces if piece not in SPECIAL)], kind="wordpiece")


def _model(kind: Kind, ids: dict[str, int] | None, merges: Sequence[tuple[str, str]]) -> models.Model:
    unknown = SPECIAL[UNKNOWN]
    if kind == "wordpiece":
        return models.WordPiece(ids or {}, unk_token=unknown, max_input_chars_per_word=100)
    if kind == "byte_pair":
        return models.BPE(ids, list(merges) if ids else None, unk_token=unknown, continuing_subword_prefix=INSIDE)
    return models.WordLevel(ids, unk_token=unknown) if ids else models.WordLevel(unk_token=unknown)


def _train(texts: Sequence[str], kind: Kind, **options: Any) -> Tokenizer:
    tokenizer = _splitter(_model(kind, None, ()), kind)
    trainer: Any = (
        trainers.WordLevelTrainer(**options, show_progress=False)
        if kind == "words"
        else trainers.BpeTrainer(**options, show_progress=False, continuing_subword_prefix=INSIDE, limit_alphabet=200)
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _splitter(model: models.Model, kind: Kind) -> Tokenizer:
    tokenizer = Tokenizer(model)
    if kind == "wordpiece":
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        return tokenizer
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)
    return tokenizer


def as_preprocessing(vocabulary: Vocabulary, *, length: int, keep: Keep) -> dict[str, Any]:
    """Return what is needed to encode new texts the same way, JSON-serializable."""
    merges = {"merges": [list(pair) for pair in vocabulary.merges]} if vocabulary.merges else {}
    return {"kind": vocabulary.kind, "words": list(vocabulary.words), **merges, "length": length, "keep": keep}


def from_preprocessing(preprocessing: Mapping[str, Any]) -> Vocabulary:
    """Restore a vocabulary from `as_preprocessing`.

    Raises:
        DataError: The values are invalid.
    """
    words, kind = preprocessing.get("words"), preprocessing.get("kind", "words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise DataError(f"this preprocessing has no list of words, but {json.dumps(words)[:60]}.")
    if kind not in ("words", "wordpiece", "byte_pair"):
        raise DataError(f"this preprocessing is of an unknown kind, {json.dumps(kind)[:60]}.")
    merges = [(str(left), str(right)) for left, right in preprocessing.get("merges", [])]
    return Vocabulary(words, kind=kind, merges=merges)
