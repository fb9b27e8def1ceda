"""Words, or pieces of words, turned into the numbers a model reads."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from dlcore.core.errors import DataError
from dlcore.data.sources import locate as sources

PAD, UNKNOWN = 0, 1
"""The ids of padding and of a word the vocabulary does not have."""
SPECIAL = ("[PAD]", "[UNK]")
INSIDE = "##"
"""Begins a piece that goes on a word."""
_WORD = r"\w+(?:['’]\w+)?|[!?]"
Keep = Literal["start", "end"]
Kind = Literal["words", "wordpiece", "byte_pair"]


class Vocabulary:
    """Words, or pieces of them, and their ids: 0 is padding, 1 what is unknown, then the rest."""

    def __init__(self, words: Sequence[str], *, kind: Kind = "words", merges: Sequence[tuple[str, str]] = ()) -> None:
        """`words` are all of them in the order of their ids, the two special ones first; `merges` are the pairs that
        byte-pair coding joins, in the order learnt."""
        if tuple(words[:2]) != SPECIAL or len(set(words)) != len(words):
            raise DataError(
                f"a vocabulary starts with {', '.join(SPECIAL)} and has every word once; this one does not."
            )
        self.words, self.kind, self.merges = tuple(words), kind, tuple(merges)
        ids = {word: number for number, word in enumerate(words)}
        self._tokenizer = _splitter(_model(kind, ids, self.merges), kind)

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def fit(cls, texts: Iterable[str], *, size: int, min_frequency: int = 2, kind: Kind = "words") -> "Vocabulary":
        """The `size` most frequent words that come `min_frequency` times or more; of the training part alone.

        `byte_pair` begins with letters and joins the commonest pair again and again (Sennrich et al. 2016).
        `wordpiece` takes the pieces of bert-base-uncased that the texts need, and every single letter it has, so that
        other words can be spelt (Devlin et al. 2019); it cuts these texts exactly as BERT's whole vocabulary does.

        Raises:
            DataMissingError: BERT's vocabulary is asked for and not on this machine.
        """
        if kind == "wordpiece":
            return cls._of_bert(texts, size=size, min_frequency=min_frequency)
        tokenizer = _splitter(_model(kind, None, ()), kind)
        common: dict[str, Any] = {
            "vocab_size": size,
            "min_frequency": min_frequency,
            "special_tokens": list(SPECIAL),
            "show_progress": False,
        }
        trainer: Any = (
            trainers.WordLevelTrainer(**common)
            if kind == "words"
            else trainers.BpeTrainer(**common, continuing_subword_prefix=INSIDE, limit_alphabet=200)
        )
        tokenizer.train_from_iterator(texts, trainer)
        ids = tokenizer.get_vocab()
        words = sorted(ids, key=ids.__getitem__)
        learnt = json.loads(tokenizer.to_str())["model"].get("merges", [])
        return cls(words, kind=kind, merges=[(left, right) for left, right in learnt])

    @classmethod
    def _of_bert(cls, texts: Iterable[str], *, size: int, min_frequency: int) -> "Vocabulary":
        whole = bert_vocabulary()
        counts = np.zeros(len(whole), dtype=np.int64)
        for one in whole._tokenizer.encode_batch_fast(list(texts)):
            np.add.at(counts, one.ids, 1)
        letters = [number for number, word in enumerate(whole.words) if len(word.removeprefix(INSIDE)) == 1]
        common = [number for number in np.argsort(-counts, kind="stable") if counts[number] >= min_frequency]
        chosen = dict.fromkeys([PAD, UNKNOWN, *common[:size], *letters])
        return cls([whole.words[number] for number in chosen], kind="wordpiece")

    def encode(self, texts: Sequence[str], *, length: int, keep: Keep = "start") -> np.ndarray:
        """Ids (N, T) int32, padded at the end with 0; of a longer text its start or its end is kept.

        A text without a single word is one unknown word, so that every row has a last token.
        """
        ids = np.zeros((len(texts), length), dtype=np.int32)
        # one by one texts cost no threads, and a process that never used them can be forked without a warning
        encoded = (
            [self._tokenizer.encode(texts[0])] if len(texts) == 1 else self._tokenizer.encode_batch_fast(list(texts))
        )
        for row, one in enumerate(encoded):
            kept = one.ids[:length] if keep == "start" else one.ids[-length:]
            ids[row, : len(kept)] = kept
        ids[ids[:, 0] == PAD, 0] = UNKNOWN
        return ids

    def tokens(self, text: str) -> list[str]:
        """The words or pieces of a text as the model counts them, unknown ones too."""
        if self.kind != "words":
            one = self._tokenizer.encode(text)
            spans = zip(one.ids, one.tokens, one.offsets, strict=True)
            return [text[start:stop] if number == UNKNOWN else token for number, token, (start, stop) in spans]
        normal = self._tokenizer.normalizer.normalize_str(text)
        return [word for word, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(normal)]


def bert_vocabulary() -> Vocabulary:
    """The whole vocabulary of bert-base-uncased, its pieces numbered anew: padding 0, unknown 1.

    Raises:
        DataMissingError: it is not on this machine.
        DataError: the file is another one.
    """
    file = sources.require("bert_vocabulary")
    pieces = file.read_text(encoding="utf-8").splitlines()
    if not {*SPECIAL, "the", "##s"} <= set(pieces):
        raise DataError(f"{file}: this is not BERT's vocabulary of word pieces; fetch it again.")
    return Vocabulary([*SPECIAL, *(piece for piece in pieces if piece not in SPECIAL)], kind="wordpiece")


def _model(kind: Kind, ids: dict[str, int] | None, merges: Sequence[tuple[str, str]]) -> models.Model:
    unknown = SPECIAL[UNKNOWN]
    if kind == "wordpiece":
        return models.WordPiece(ids or {}, unk_token=unknown, max_input_chars_per_word=100)
    if kind == "byte_pair":
        return models.BPE(ids, list(merges) if ids else None, unk_token=unknown, continuing_subword_prefix=INSIDE)
    return models.WordLevel(ids, unk_token=unknown) if ids else models.WordLevel(unk_token=unknown)


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
    """All that is needed to treat another text alike, in JSON's types."""
    merges = {"merges": [list(pair) for pair in vocabulary.merges]} if vocabulary.merges else {}
    return {"kind": vocabulary.kind, "words": list(vocabulary.words), **merges, "length": length, "keep": keep}


def from_preprocessing(preprocessing: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary that `as_preprocessing` wrote down.

    Raises:
        DataError: it is not one.
    """
    words, kind = preprocessing.get("words"), preprocessing.get("kind", "words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise DataError(f"this preprocessing holds no list of words, but {json.dumps(words)[:60]}.")
    if kind not in ("words", "wordpiece", "byte_pair"):
        raise DataError(f"this preprocessing is of an unknown kind, {json.dumps(kind)[:60]}.")
    merges = [(str(left), str(right)) for left, right in preprocessing.get("merges", [])]
    return Vocabulary(words, kind=kind, merges=merges)
