"""Shared by text classifiers: splits, vocabulary, word vectors, baselines and prediction."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import choice, number
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.custom import registry as custom
from dlcore.data.custom import texts as custom_texts
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.sources import bert_weights
from dlcore.data.splits import SPLITS, Prepared, Split
from dlcore.data.stratify import stratified_folds, stratified_sample, stratified_split
from dlcore.data.text import bert_tokens, word_vectors
from dlcore.data.text import corpora as text
from dlcore.data.text.vocabulary import Kind
from dlcore.data.text.vocabulary import bert_vocabulary as vocabulary_of_bert
from dlcore.evaluation import linear
from dlcore.evaluation.wording import fit_wording
from dlcore.inference import predict as inference
from dlcore.projects import classification, quick
from dlcore.projects.language import ngrams
from dlcore.projects.language.learning import LearningOptions, augment
from dlcore.projects.project import LoadedModel, UsableBaseline
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.training import distillation
from dlcore.training.fit import Objective

TEST_SHARE = 0.2
"""Test share of sources without a test split; a fixed seed makes it the same for all runs."""
VALIDATION_SHARE = 0.1
"""Validation share, of all texts or of the source's training split."""
MOST_WEIGHTS = 4_000_000
"""Largest baseline that is stored."""
UNSEEN = 20_000
"""With GloVe, this number of its most frequent words joins the vocabulary."""
Vectors = Literal["none", "glove"]
Unlabeled = Literal["none", "rotten_tomatoes"]
PIECES = "bert_pieces"
"""Preprocessing kind with the tokenizer of a pretrained BERT."""


class TextData(LearningOptions):
    """Tokenization and amount of texts."""

    length: int = number(200, low=8, high=1000, unit="words", help="Words read of each text.")
    keep: text.Keep = choice("start", help="Part of a longer text that is read.")
    tokens: Kind = choice(
        "words", help="Tokenizer: words, BERT's WordPiece, or byte-pair encoding of the training texts."
    )
    vocabulary: int = number(20_000, low=100, high=200_000, unit="words", help="Size of the vocabulary.", log=True)
    min_frequency: int = number(2, low=1, high=100, help="Minimum count of a word in the training split.")
    vectors: Vectors = choice("none", help="Initial word vectors: random or GloVe.")
    balanced: bool = choice(False, help="Weight classes equally in the loss.")
    bucketed: bool = choice(True, help="Batch texts of similar length and trim padding.")
    unlabeled: Unlabeled = choice(
        "none", help="With a teacher of film reviews: imitate it on sentences of Rotten Tomatoes too, without labels."
    )
    rows: int = number(0, low=0, high=1_000_000, unit="texts", help="Texts used, split proportionally; 0 uses all.")
    folds: int = number(
        0, low=0, high=10, help="Folds of a cross-validation beside the test score, for small datasets; 0: none."
    )
    fold: int = number(0, low=0, high=10, help="The fold that is the test part; 0: the usual test part.")


def prepare(config: RunConfig, data: type[TextData]) -> Prepared:
    """Test split of the source or a fifth of all, a tenth for validation; vocabulary from the training split.

    Raises:
        DataError: the dataset or the word vectors are not on this machine.
    """
    options, ngram_options = config.data_as(data), ngrams.options_of(config)
    if ngram_options is not None:
        options = options.model_copy(update={"vectors": "none", "bucketed": True})
    dataset = load(config)
    parts = cut(dataset, options.rows, seed=config.seed, fold=(options.fold, options.folds))
    dataset, parts["train"] = augment(dataset, parts["train"], options)
    texts = {name: [dataset.texts[row] for row in rows] for name, rows in parts.items()}
    known, start = _words(texts["train"], options)

    def encode(part: list[str], labels: np.ndarray, rows: np.ndarray) -> Split:
        ids = known.encode(part, length=options.length, keep=options.keep)
        lengths = (ids != text.PAD).sum(axis=1) if options.bucketed else None
        return Split((torch.from_numpy(ids),), torch.from_numpy(labels), rows, lengths=lengths)

    splits = {name: encode(texts[name], dataset.labels[rows], dataset.rows[rows]) for name, rows in parts.items()}
    unlabeled = list_unlabeled(options, dataset)
    if ngram_options is not None:
        start = ngrams.make_start(
            splits["train"], ngram_options, known, labels=dataset.names, balanced=options.balanced
        )
    return Prepared(
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        facts={"vocabulary": len(known), "length": options.length, "classes": len(dataset.names)},
        preprocessing=text.as_preprocessing(known, length=options.length, keep=options.keep),
        labels=dataset.names,
        checksum=dataset.checksum,
        source={"texts": texts, "doubled": dataset.doubled, "unlabeled": unlabeled},
        transform=trim if options.bucketed else None,
        start=start,
        unlabeled=encode(unlabeled, *[np.full(len(unlabeled), -1)] * 2) if unlabeled else None,
    )


def list_unlabeled(options: TextData, dataset: text.TextDataset) -> list[str]:
    """The texts without labels on which a teacher is imitated.

    Raises:
        ConfigError: there is no teacher, or the classes are not those of film reviews.
        DataError: the texts are not on this machine.
    """
    if options.unlabeled == "none":
        return []
    if not options.teacher or dataset.names != text.SENTIMENT:
        raise ConfigError(f"unlabeled={options.unlabeled} needs a teacher, and the classes of film reviews.")
    return text.load_unlabeled_reviews(dataset.texts)


def needs(config: RunConfig) -> tuple[str, ...]:
    """GloVe vectors and BERT's vocabulary, if the run uses them."""
    options = config.data_as(TextData)
    if ngrams.options_of(config) is not None:
        return ("bert_vocabulary",) if options.tokens == "wordpiece" else ()
    uses = {"glove": options.vectors == "glove", "bert_vocabulary": options.tokens == "wordpiece"}
    return tuple(name for name, value in uses.items() if value)


def quick_settings(
    samples: Mapping[str, int], *, most_rows: int = 0
) -> Callable[[CustomDataset, str, Mapping[str, Any]], Mapping[str, Any]]:
    """`Project.quick_settings` with texts x epochs by model; see `quick.fit_epochs`."""

    def settings(dataset: CustomDataset, model: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        texts = samples.get(model, min(samples.values()))
        return quick.fit_epochs(values, dataset, samples=texts, rows_setting="rows", most_rows=most_rows)

    return settings


def load(config: RunConfig) -> text.TextDataset:
    """The run's texts, public or custom.

    Raises:
        DataError: the dataset is not on this machine.
    """
    if custom.is_custom(config.dataset):
        return custom_texts.load(config.dataset, checksum=config.data_checksum)
    return text.load(config.dataset)


def cut(dataset: text.TextDataset, rows: int, *, seed: int, fold: tuple[int, int] = (0, 0)) -> dict[str, np.ndarray]:
    """Row numbers of the three splits; `rows` subsamples each split, so no test text moves into training.

    fold: (number from 1 on, number of folds); that fold of all texts is the test split. Number 0: the usual one.
    """
    labels = dataset.labels
    if fold[0]:
        numbers = stratified_folds(labels, max(2, fold[1]))
        remaining, test = np.flatnonzero(numbers != fold[0]), np.flatnonzero(numbers == fold[0])
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
    elif dataset.test is None:
        remaining, test = stratified_split(labels, TEST_SHARE, seed=0)
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
    else:
        remaining, test, share = np.flatnonzero(~dataset.test), np.flatnonzero(dataset.test), VALIDATION_SHARE
    if dataset.validation is None:
        inner, held = stratified_split(labels[remaining], share, seed=seed)
    else:
        held, inner = np.flatnonzero(dataset.validation[remaining]), np.flatnonzero(~dataset.validation[remaining])
    parts = dict(zip(SPLITS, (remaining[inner], remaining[held], test), strict=True))
    if rows <= 0:
        return dict(parts)
    shares = {name: max(2, round(rows * len(part) / len(labels))) for name, part in parts.items()}
    seeds = {"train": seed, "validation": seed, "test": 0}
    return {name: part[stratified_sample(labels[part], shares[name], seed=seeds[name])] for name, part in parts.items()}


def _words(train: list[str], options: TextData) -> tuple[text.Vocabulary, Callable[[nn.Module], None] | None]:
    """The vocabulary, and a function that loads GloVe vectors into a new model (None without GloVe)."""
    known = text.Vocabulary.fit(
        train, size=options.vocabulary, min_frequency=options.min_frequency, kind=options.tokens
    )
    if options.vectors == "none":
        return known, None
    if options.tokens != "byte_pair":  # words outside the training split have a vector too
        whole = set(vocabulary_of_bert().words) if options.tokens == "wordpiece" else None
        more = [word for word in word_vectors.most_frequent_words(UNSEEN) if whole is None or word in whole]
        single = [word for word in more if whole is not None or known.tokens(word) == [word]]
        known = text.Vocabulary(list(dict.fromkeys([*known.words, *single])), kind=known.kind)
    vectors = word_vectors.load_vectors([word.removeprefix("##") for word in known.words])

    def start(module: nn.Module) -> None:
        embedding = module.get_submodule("embedding")
        assert isinstance(embedding, nn.Embedding)
        if embedding.embedding_dim != word_vectors.WIDTH:
            raise ConfigError(
                f"GloVe vectors have {word_vectors.WIDTH} dimensions, the model's embedding {embedding.embedding_dim}: "
                f"set embedding={word_vectors.WIDTH}, or vectors=none."
            )
        with torch.no_grad():
            is_known = torch.from_numpy(vectors.known)
            # words outside GloVe: random with the same standard deviation
            embedding.weight *= float(vectors.vectors[vectors.known].std())
            embedding.weight[is_known] = torch.from_numpy(vectors.vectors[vectors.known])
            embedding.weight[text.PAD] = 0.0

    return known, start


def trim(inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
    """Ids (N, T) without columns that are padding in the whole batch."""
    ids = inputs[0]
    longest = int(ids.ne(text.PAD).sum(dim=1).max())
    return (ids[:, : max(1, longest)].contiguous(),)


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Cross-entropy; with `balanced`, class weights inverse to class frequency (King & Zeng 2001). With a teacher, its
    distillation loss."""
    plain = _balanced(config, prepared)
    if prepared.teacher_scores is None:
        return plain
    options = config.data_as(LearningOptions)
    return distillation.distill(plain, temperature=options.temperature, weight=options.teacher_weight)


def _balanced(config: RunConfig, prepared: Prepared) -> Objective:
    plain = classification.objective(config, prepared)
    if not getattr(config.data_options, "balanced", False):
        return plain
    counts = torch.bincount(prepared.train.targets, minlength=prepared.facts["classes"]).clamp(min=1)
    weights = len(prepared.train) / (len(counts) * counts.float())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, targets, weight=weights.to(outputs))

    return replace(plain, loss=loss)


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """`classification.predict`, with the language and topic measures of each text, and the arrays that measure new
    texts."""
    texts = prepared.source["texts"]
    predictions = classification.predict(module, prepared, config)
    wording, limits = fit_wording(texts["train"], texts["validation"], text.general_english())
    for split in ("validation", "test"):
        measures = wording.measure(texts[split])
        predictions |= {f"{split}_{name}": values for name, values in measures.items()}
    return (
        predictions
        | classification.prefix("wording", wording.as_arrays())
        | classification.prefix("limit", {name: np.array(limit) for name, limit in limits.items()})
    )


TEXT_CLASSIFICATION = replace(CLASSIFICATION, objective=objective, predict=predict)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class, logistic regression on TF-IDF, and NB-SVM on bigrams, of complete texts."""
    texts, classes = prepared.source["texts"], prepared.facts["classes"]
    targets, truth = prepared.train.targets.numpy(), prepared.test.targets.numpy()
    metrics = {"majority": classification.majority_class(prepared)}
    with contextlib.suppress(DataError):
        regression = linear.tfidf_logistic_regression(texts["train"], targets, texts["test"], classes=classes)
        metrics["tfidf_logistic_regression"] = classification.compute_metrics(regression, truth)
    with contextlib.suppress(DataError):
        machine = linear.nb_svm(texts["train"], targets, texts["test"], classes=classes)
        metrics["nb_svm"] = classification.drop_probability_metrics(classification.compute_metrics(machine, truth))
    return metrics


def fit_tfidf(prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Arrays of logistic regression on TF-IDF; empty without words or above 4 million weights."""
    targets, classes = prepared.train.targets.numpy(), prepared.facts["classes"]
    try:
        model = linear.TfidfRegression.fit(prepared.source["texts"]["train"], targets, classes=classes)
    except DataError:
        return {}
    return model.as_arrays() if model.weights.size <= MOST_WEIGHTS else {}


def answer_with_tfidf(loaded: LoadedModel, arrays: Mapping[str, np.ndarray], payload: bytes) -> dict[str, Any]:
    """Predicted label of a text and probabilities, by logistic regression on TF-IDF.

    Raises:
        DataError: the text is empty, too long or not UTF-8, or the arrays are damaged.
    """
    scores = linear.TfidfRegression.from_arrays(arrays).predict([text.read_text(payload)])
    logits = torch.from_numpy(scores).clamp(min=1e-12).log()
    return classification.describe_prediction(logits, labels=loaded.labels, threshold=None, rule=None)


USABLE_BASELINES = {"tfidf_logistic_regression": UsableBaseline(fit_tfidf, answer_with_tfidf)}


@dataclass(frozen=True)
class EncodedText:
    """A text as model input: words, ids (1, T), and the number of words cut off.

    `mask_id` replaces a hidden word, `unknown_id` marks an unknown one; `specials` is the number of special tokens at
    each end, which cannot be hidden. `text` is the complete text.
    """

    words: list[str]
    ids: np.ndarray
    left_out: int
    mask_id: int = text.UNKNOWN
    unknown_id: int = text.UNKNOWN
    specials: int = 0
    text: str = ""

    @property
    def unknown(self) -> np.ndarray:
        """Mask (T,) of words outside the vocabulary."""
        return np.asarray(self.ids[0] == self.unknown_id)

    def without(self, places: Sequence[int] | None = None) -> np.ndarray:
        """Ids (1, T) with the words at `places` hidden."""
        ids, hideable = self.ids.copy(), range(self.specials, self.ids.shape[1] - self.specials)
        ids[:, [place for place in (hideable if places is None else places) if place in hideable]] = self.mask_id
        return ids


_VOCABULARIES: WeakKeyDictionary[nn.Module, text.Vocabulary] = WeakKeyDictionary()
_PIECES: WeakKeyDictionary[nn.Module, bert_tokens.WordPieceTokenizer] = WeakKeyDictionary()
"""Cache of a loaded model's tokenizer; building one takes longer than a prediction."""


def vocabulary(loaded: LoadedModel) -> text.Vocabulary:
    """The vocabulary of a loaded model."""
    if loaded.module not in _VOCABULARIES:
        _VOCABULARIES[loaded.module] = text.from_preprocessing(loaded.preprocessing)
    return _VOCABULARIES[loaded.module]


def wordpiece_preprocessing(
    checkpoint: bert_weights.Checkpoint, *, length: int, keep: bert_tokens.Keep
) -> dict[str, Any]:
    """JSON-able preprocessing of a BERT: its name and checksum, not its vocabulary."""
    return {
        "kind": PIECES,
        "bert": checkpoint.name,
        "bert_checksum": checkpoint.checksum,
        "length": length,
        "keep": keep,
    }


def checkpoint_of(preprocessing: Mapping[str, Any]) -> bert_weights.Checkpoint:
    """The pretrained BERT of a run.

    Raises:
        DataMissingError: it is not on this machine.
        DataError: the BERT with that name differs.
    """
    if not {"bert", "bert_checksum"} <= preprocessing.keys():
        raise DataError("the bundle does not name its pretrained BERT: use another bundle.")
    checkpoint = bert_weights.require(str(preprocessing["bert"]))
    checksum = str(preprocessing["bert_checksum"])
    if checkpoint.checksum != checksum:
        raise DataError(
            f"this run uses a '{checkpoint.name}' whose checksum begins with {checksum[:8]}, that in "
            f"{checkpoint.folder} begins with {checkpoint.checksum[:8]}: put the original checkpoint there."
        )
    return checkpoint


def _read_pieces(loaded: LoadedModel, cleaned: str) -> EncodedText:
    """Encode a cleaned text for BERT, with [CLS] and [SEP]."""
    if loaded.module not in _PIECES:
        _PIECES[loaded.module] = bert_tokens.WordPieceTokenizer(checkpoint_of(loaded.preprocessing))
    tokenizer, length, keep = _PIECES[loaded.module], int(loaded.preprocessing["length"]), loaded.preprocessing["keep"]
    words, (ids,) = tokenizer.tokens(cleaned), tokenizer.encode([cleaned], length=length, keep=keep)
    read = [words[place] for place in bert_tokens.kept_positions(len(words), length - 2, keep)]
    return EncodedText(
        ["[CLS]", *read, "[SEP]"],
        ids[None],
        len(words) - len(read),
        mask_id=tokenizer.mask,
        unknown_id=tokenizer.unknown,
        specials=1,
        text=cleaned,
    )


def encode_text(loaded: LoadedModel, cleaned: str) -> EncodedText:
    """Encode a cleaned text for the model."""
    if loaded.preprocessing.get("kind") == PIECES:
        return _read_pieces(loaded, cleaned)
    length, keep = int(loaded.preprocessing["length"]), loaded.preprocessing["keep"]
    known = vocabulary(loaded)
    words = known.tokens(cleaned)
    (ids,) = trim((torch.from_numpy(known.encode([cleaned], length=length, keep=keep)),), False)
    read = (words[:length] if keep == "start" else words[-length:]) or ["?"]
    return EncodedText(read, ids.numpy(), max(0, len(words) - length), text=cleaned)


def classify(loaded: LoadedModel, encoded: EncodedText, *, hidden: Sequence[int] = ()) -> dict[str, Any]:
    """Label and calibrated probabilities of an encoded text; words at `hidden` are unknown or masked.

    The wording is compared with the training texts only if no word is hidden.
    """
    outputs = compute_outputs(loaded, [encoded.without(hidden)])
    return classification.classify(loaded, *outputs, text="" if hidden else encoded.text)


def compute_outputs(loaded: LoadedModel, rows: Sequence[np.ndarray]) -> tuple[Tensor, Tensor | None]:
    """Logits (N, K) and features (N, D) of texts as ids (1, T); texts of one length share a batch, so that none is
    padded to another's."""
    inputs = [torch.from_numpy(ids) for ids in rows]
    if not getattr(loaded.config.data_options, "bucketed", True):  # trained on padded rows
        length = int(loaded.preprocessing["length"])
        inputs = [functional.pad(ids, (0, max(0, length - ids.shape[1]))) for ids in inputs]
    by_length: dict[int, list[int]] = {}
    for place, ids in enumerate(inputs):
        by_length.setdefault(ids.shape[1], []).append(place)
    logits, features = torch.empty(len(inputs), len(loaded.labels)), torch.empty(0)
    for places in by_length.values():
        for start in range(0, len(places), classification.PADDED_BATCH):
            part = places[start : start + classification.PADDED_BATCH]
            batch = torch.cat([inputs[place] for place in part])
            logits[part], vectors = inference.forward_features(loaded.module, batch)
            if vectors is not None:
                features = features if len(features) else torch.empty(len(inputs), vectors.shape[1])
                features[part] = vectors
    return logits, features if len(features) else None


def attentions(loaded: LoadedModel, encoded: EncodedText, *, hidden: Sequence[int] = ()) -> np.ndarray:
    """Attention weights (L, H, T, T) of a Transformer, rows sum to 1; words at `hidden` are hidden."""
    with inference.evaluation_mode(loaded.module) as module:
        layers: list[Tensor] = module.attention_weights(torch.from_numpy(encoded.without(hidden)))  # type: ignore[operator]
    return torch.cat(layers).numpy()


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Predicted label of a text, calibrated probabilities, and the numbers of words read, unknown and truncated.

    Raises:
        DataError: the text is empty, too long, not UTF-8, or has no word that the model knows.
    """
    encoded = encode_known_text(loaded, payload)
    return {
        **classify(loaded, encoded),
        "tokens": encoded.ids.shape[1] - 2 * encoded.specials,
        "unknown": int(encoded.unknown.sum()),
        "left_out": encoded.left_out,
    }


def answer_many(loaded: LoadedModel, payloads: Sequence[bytes]) -> list[dict[str, Any] | DataError]:
    """`answer` to many texts in batches, without the numbers of words; the error in place of an unusable text."""
    answers: list[dict[str, Any] | DataError] = []
    rows: dict[int, np.ndarray] = {}
    read: list[str] = []
    for place, payload in enumerate(payloads):
        try:
            encoded = encode_known_text(loaded, payload)
            rows[place] = encoded.without(())
            read.append(encoded.text)
            answers.append({})
        except DataError as error:
            answers.append(error)
    logits, features = compute_outputs(loaded, list(rows.values()))
    for row, place in enumerate(rows):
        vector = None if features is None else features[row : row + 1]
        answers[place] = classification.classify(loaded, logits[row : row + 1], vector, text=read[row])
    return answers


def encode_known_text(loaded: LoadedModel, payload: bytes) -> EncodedText:
    """Decode, clean and encode a text.

    Raises:
        DataError: the text is empty, too long, not UTF-8, or has no known word.
    """
    encoded = encode_text(loaded, text.read_text(payload))
    tokens = encoded.ids.shape[1] - 2 * encoded.specials
    if tokens == int(encoded.unknown.sum()):
        read_words = f"none of the {tokens} words read is" if tokens > 1 else "the only word is not"
        raise DataError(f"{read_words} in the model's vocabulary: enter a text in the language of the training texts.")
    return encoded


def build_with(kind: Callable[..., nn.Module]) -> Callable[[Any, Mapping[str, int]], nn.Module]:
    """`ModelEntry.build` for a class that takes `vocabulary`, `length` and `classes`."""

    def build(options: Any, facts: Mapping[str, int]) -> nn.Module:
        return kind(options, vocabulary=facts["vocabulary"], length=facts["length"], classes=facts["classes"])

    return build
