"""What projects that sort texts share: data of any text set cut into parts, word vectors, baselines, one answer."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import Config, choice, number, parse
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.custom import registry as custom
from dlcore.data.custom import texts as custom_texts
from dlcore.data.sources import bert_weights
from dlcore.data.splits import SPLITS, Prepared, Split
from dlcore.data.stratify import stratified_sample, stratified_split
from dlcore.data.text import bert_tokens, word_vectors
from dlcore.data.text import corpora as text
from dlcore.data.text.vocabulary import Kind
from dlcore.data.text.vocabulary import bert_vocabulary as vocabulary_of_bert
from dlcore.evaluation import linear
from dlcore.inference import predict as inference
from dlcore.projects import classification
from dlcore.projects.project import LoadedModel, RunConfig
from dlcore.training.fit import Objective

TEST_SHARE = 0.2
"""Of all texts where the source has no test part; drawn once with a fixed seed, so that every run is judged alike."""
VALIDATION_SHARE = 0.1
"""Of all texts where the source has no test part, else of its training part."""
UNSEEN = 20_000
"""Of GloVe's commonest words so many join the vocabulary where its vectors are used: of those that the training texts
lack something is known all the same."""
Vectors = Literal["none", "glove"]
PIECES = "bert_pieces"
"""The kind of preprocessing that cuts a text as a pretrained BERT does."""


class TextData(Config):
    """How texts become numbers."""

    length: int = number(200, low=8, high=1000, unit="words", help="Words read of each text.")
    keep: text.Keep = choice("start", help="Which part of a longer text is read.")
    tokens: Kind = choice("words", help="Whole words, BERT's pieces of words, or pieces joined from the texts' own.")
    vocabulary: int = number(20_000, low=100, high=200_000, unit="words", help="Most frequent words known.", log=True)
    min_frequency: int = number(2, low=1, high=100, help="Times a word must come in the training part to be known.")
    vectors: Vectors = choice("none", help="Vectors that the words start with: chance, or GloVe's.")
    balanced: bool = choice(False, help="Let every class weigh the same in the loss, however many texts it has.")
    bucketed: bool = choice(True, help="Put texts of about the same length together and cut padding off.")
    rows: int = number(
        0, low=0, high=1_000_000, unit="texts", help="Texts used in all, each part at its share; 0 uses all."
    )


def prepare(config: RunConfig, data: type[TextData]) -> Prepared:
    """The source's own test part, or a fifth drawn once; a tenth to validate on; the vocabulary from training alone.

    Raises:
        DataError: the dataset, or the word vectors asked for, are not on this machine.
    """
    options = parse(data, config.data_options)
    found = load(config)
    parts = cut(found, options.rows, seed=config.seed)
    texts = {name: [found.texts[row] for row in rows] for name, rows in parts.items()}
    known, start = _words(texts["train"], options)
    splits = {}
    for name, rows in parts.items():
        ids = known.encode(texts[name], length=options.length, keep=options.keep)
        splits[name] = Split(
            (torch.from_numpy(ids),),
            torch.from_numpy(found.labels[rows]),
            found.rows[rows],
            lengths=(ids != text.PAD).sum(axis=1) if options.bucketed else None,
        )
    return Prepared(
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        facts={"vocabulary": len(known), "length": options.length, "classes": len(found.names)},
        preprocessing=text.as_preprocessing(known, length=options.length, keep=options.keep),
        labels=found.names,
        checksum=found.checksum,
        source={"texts": texts, "doubled": found.doubled},
        transform=trim if options.bucketed else None,
        start=start,
    )


def needs(config: RunConfig) -> tuple[str, ...]:
    """GloVe's vectors and BERT's pieces of words, where a run asks for them."""
    wanted = {
        "glove": config.data_options.get("vectors") == "glove",
        "bert_vocabulary": config.data_options.get("tokens") == "wordpiece",
    }
    return tuple(name for name, asked in wanted.items() if asked)


def load(config: RunConfig) -> text.TextDataset:
    """The run's texts: a public dataset's, or those of one's own that it was made from.

    Raises:
        DataError: they are not on this machine.
    """
    if custom.is_custom(config.dataset):
        return custom_texts.load(config.dataset, checksum=config.data_checksum)
    return text.load(config.dataset)


def cut(found: text.TextDataset, rows: int, *, seed: int) -> dict[str, np.ndarray]:
    """Row numbers of the three parts; with `rows` each part is thinned, so a test text never moves into training."""
    labels = found.labels
    if found.test is None:
        rest, test = stratified_split(labels, TEST_SHARE, seed=0)
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
    else:
        rest, test, share = np.flatnonzero(~found.test), np.flatnonzero(found.test), VALIDATION_SHARE
    inner, held = stratified_split(labels[rest], share, seed=seed)
    parts = dict(zip(SPLITS, (rest[inner], rest[held], test), strict=True))
    if rows <= 0:
        return dict(parts)
    shares = {name: max(2, round(rows * len(part) / len(labels))) for name, part in parts.items()}
    seeds = {"train": seed, "validation": seed, "test": 0}
    return {name: part[stratified_sample(labels[part], shares[name], seed=seeds[name])] for name, part in parts.items()}


def _words(train: list[str], options: TextData) -> tuple[text.Vocabulary, Callable[[nn.Module], None] | None]:
    """The vocabulary, and what puts GloVe's vectors into a fresh model where they are asked for."""
    known = text.Vocabulary.fit(
        train, size=options.vocabulary, min_frequency=options.min_frequency, kind=options.tokens
    )
    if options.vectors == "none":
        return known, None
    if options.tokens != "byte_pair":  # a word that training never says still has a vector
        whole = set(vocabulary_of_bert().words) if options.tokens == "wordpiece" else None
        more = [word for word in word_vectors.most_frequent_words(UNSEEN) if whole is None or word in whole]
        single = [word for word in more if whole is not None or known.tokens(word) == [word]]
        known = text.Vocabulary(list(dict.fromkeys([*known.words, *single])), kind=known.kind)
    found = word_vectors.load_vectors([word.removeprefix("##") for word in known.words])

    def start(module: nn.Module) -> None:
        embedding = module.get_submodule("embedding")
        assert isinstance(embedding, nn.Embedding)
        if embedding.embedding_dim != word_vectors.WIDTH:
            raise ConfigError(
                f"GloVe's vectors have {word_vectors.WIDTH} numbers and the model's words {embedding.embedding_dim}: "
                f"make them {word_vectors.WIDTH}, or set vectors=none."
            )
        with torch.no_grad():
            there = torch.from_numpy(found.known)
            embedding.weight *= float(found.vectors[found.known].std())  # a word GloVe lacks: chance of the same spread
            embedding.weight[there] = torch.from_numpy(found.vectors[found.known])
            embedding.weight[text.PAD] = 0.0

    return known, start


def trim(inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
    """Ids (N, T) without the columns in which every text of the batch is padding."""
    ids = inputs[0]
    longest = int(ids.ne(text.PAD).sum(dim=1).max())
    return (ids[:, : max(1, longest)].contiguous(),)


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """The classifiers' cross-entropy; where classes are to weigh the same, that of a rare one counts more (King &
    Zeng 2001): by the number of texts over the classes and over its own texts."""
    plain = classification.objective(config, prepared)
    if not config.data_options.get("balanced"):
        return plain
    counts = torch.bincount(prepared.train.targets, minlength=prepared.facts["classes"]).clamp(min=1)
    weights = len(prepared.train) / (len(counts) * counts.float())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, targets, weight=weights.to(outputs))

    return replace(plain, loss=loss)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class, logistic regression on weighted word counts, and NB-SVM on pairs of words, of the whole texts;
    a method that finds no word to count is left out."""
    texts, classes = prepared.source["texts"], prepared.facts["classes"]
    targets, truth = prepared.train.targets.numpy(), prepared.test.targets.numpy()
    found = {"majority": classification.majority_class(prepared)}
    with contextlib.suppress(DataError):
        regression = linear.tfidf_logistic_regression(texts["train"], targets, texts["test"], classes=classes)
        found["tfidf_logistic_regression"] = classification.compute_metrics(regression, truth)
    with contextlib.suppress(DataError):
        machine = linear.nb_svm(texts["train"], targets, texts["test"], classes=classes)
        found["nb_svm"] = drop_probability_metrics(classification.compute_metrics(machine, truth))
    return found


def drop_probability_metrics(measured: Mapping[str, float]) -> dict[str, float]:
    """Metrics of a method that calls and orders but gives no probabilities: those that take them for such are out."""
    return {name: value for name, value in measured.items() if not name.startswith(("loss", "ece"))}


@dataclass(frozen=True)
class EncodedText:
    """What a model reads of a text: the words, their ids (1, T), how many were left out as too many.

    `gone` is the id that a hidden word gets, `strange` that of an unknown one; so many `marks` of the model's own stand
    at each end, [CLS] and [SEP], and cannot be hidden.
    """

    words: list[str]
    ids: np.ndarray
    left_out: int
    gone: int = text.UNKNOWN
    strange: int = text.UNKNOWN
    marks: int = 0

    @property
    def unknown(self) -> np.ndarray:
        """(T,) true where a word is not in the vocabulary."""
        return np.asarray(self.ids[0] == self.strange)

    def without(self, places: Sequence[int] | None = None) -> np.ndarray:
        """The ids (1, T) with the words at `places` hidden; all words where none are named."""
        ids, own = self.ids.copy(), range(self.marks, self.ids.shape[1] - self.marks)
        ids[:, [place for place in (own if places is None else places) if place in own]] = self.gone
        return ids


_VOCABULARIES: WeakKeyDictionary[nn.Module, text.Vocabulary] = WeakKeyDictionary()
_PIECES: WeakKeyDictionary[nn.Module, bert_tokens.WordPieceTokenizer] = WeakKeyDictionary()
"""A loaded model's vocabulary, or BERT's pieces; to build them anew takes longer than to answer."""


def vocabulary(loaded: LoadedModel) -> text.Vocabulary:
    """The words or pieces that a model knows."""
    if loaded.module not in _VOCABULARIES:
        _VOCABULARIES[loaded.module] = text.from_preprocessing(loaded.preprocessing)
    return _VOCABULARIES[loaded.module]


def wordpiece_preprocessing(
    checkpoint: bert_weights.Checkpoint, *, length: int, keep: bert_tokens.Keep
) -> dict[str, Any]:
    """All that is needed to cut another text as for that BERT, in JSON's types: its name, not its words."""
    return {
        "kind": PIECES,
        "bert": checkpoint.name,
        "bert_checksum": checkpoint.checksum,
        "length": length,
        "keep": keep,
    }


def checkpoint_of(preprocessing: Mapping[str, Any]) -> bert_weights.Checkpoint:
    """The pretrained BERT that a run was made with.

    Raises:
        DataMissingError: it is not on this machine.
        DataError: the one of that name here is another one.
    """
    if not {"bert", "bert_checksum"} <= preprocessing.keys():
        raise DataError("this run does not say which pretrained BERT it was made with: take another bundle.")
    found = bert_weights.require(str(preprocessing["bert"]))
    made_with = str(preprocessing["bert_checksum"])
    if found.checksum != made_with:
        raise DataError(
            f"this run was made with a '{found.name}' whose checksum begins with {made_with[:8]}, that in "
            f"{found.folder} begins with {found.checksum[:8]}: put the one it was made with there."
        )
    return found


def _read_pieces(loaded: LoadedModel, said: str) -> EncodedText:
    """A cleaned text as a BERT reads it, between [CLS] and [SEP]."""
    if loaded.module not in _PIECES:
        _PIECES[loaded.module] = bert_tokens.WordPieceTokenizer(checkpoint_of(loaded.preprocessing))
    pieces, length, keep = _PIECES[loaded.module], int(loaded.preprocessing["length"]), loaded.preprocessing["keep"]
    words, (ids,) = pieces.tokens(said), pieces.encode([said], length=length, keep=keep)
    kept = [words[place] for place in bert_tokens.kept_positions(len(words), length - 2, keep)]
    return EncodedText(
        ["[CLS]", *kept, "[SEP]"], ids[None], len(words) - len(kept), gone=pieces.mask, strange=pieces.unknown, marks=1
    )


def encode_text(loaded: LoadedModel, said: str) -> EncodedText:
    """A cleaned text as the model reads it."""
    if loaded.preprocessing.get("kind") == PIECES:
        return _read_pieces(loaded, said)
    length, keep = int(loaded.preprocessing["length"]), loaded.preprocessing["keep"]
    known = vocabulary(loaded)
    words = known.tokens(said)
    (ids,) = trim((torch.from_numpy(known.encode([said], length=length, keep=keep)),), False)
    kept = (words[:length] if keep == "start" else words[-length:]) or ["?"]
    return EncodedText(kept, ids.numpy(), max(0, len(words) - length))


def probabilities(loaded: LoadedModel, seen: EncodedText, *, hidden: Sequence[int] = ()) -> dict[str, float]:
    """Label -> probability, the likeliest first; the words at the places `hidden` count as unknown, or masked, ones."""
    ids = torch.from_numpy(seen.without(hidden))
    if not loaded.config.data_options.get("bucketed", True):  # it learnt from padded rows, so it is asked with one
        ids = functional.pad(ids, (0, max(0, int(loaded.preprocessing["length"]) - ids.shape[1])))
    return classification.named_probabilities(inference.forward_batch(loaded.module, ids), loaded.labels)


def attentions(loaded: LoadedModel, seen: EncodedText, *, hidden: Sequence[int] = ()) -> np.ndarray:
    """Of a Transformer (L, H, T, T): how much each word takes of each, rows sum to 1; words at `hidden` are hidden."""
    with inference.evaluation_mode(loaded.module) as module:
        layers: list[Tensor] = module.weights(torch.from_numpy(seen.without(hidden)))  # type: ignore[operator]
    return torch.cat(layers).numpy()


def predicted_label(loaded: LoadedModel, found: Mapping[str, float]) -> str:
    """The label called: the likeliest, or with two classes the one that the run's threshold says."""
    if len(loaded.labels) != 2:
        return max(found, key=found.__getitem__)
    threshold = 0.5 if loaded.threshold is None else loaded.threshold
    return loaded.labels[1 if found[loaded.labels[1]] >= threshold else 0]


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """What a text is: label, its probability, every label's probability, words read and words unknown.

    Raises:
        DataError: the text is empty, too long, not UTF-8, or has no word that the model knows.
    """
    seen = encode_text(loaded, text.read_text(payload))
    tokens, unknown = seen.ids.shape[1] - 2 * seen.marks, int(seen.unknown.sum())
    if tokens == unknown:
        read_words = f"none of the {tokens} words read is" if tokens > 1 else "the one word read is not"
        raise DataError(f"{read_words} in the model's vocabulary: write an English text.")
    found = probabilities(loaded, seen)
    label = predicted_label(loaded, found)
    threshold = 0.5 if loaded.threshold is None else loaded.threshold
    return {
        "label": label,
        "probability": found[label],
        "probabilities": found,
        **({"threshold": threshold} if len(loaded.labels) == 2 else {}),
        "tokens": tokens,
        "unknown": unknown,
        "left_out": seen.left_out,
    }


def build_with(kind: Callable[..., nn.Module]) -> Callable[[Any, Mapping[str, int]], nn.Module]:
    """A model entry's `build` for a class that takes `vocabulary`, `length` and `classes`."""

    def build(options: Any, facts: Mapping[str, int]) -> nn.Module:
        return kind(options, vocabulary=facts["vocabulary"], length=facts["length"], classes=facts["classes"])

    return build
