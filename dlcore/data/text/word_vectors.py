"""Pretrained word vectors: GloVe (Pennington et al. 2014), from its text file or zip."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.images import array_cache
from dlcore.data.sources import locate as sources

WIDTH = 100
"""Dimensions of a vector."""
MEMBER = "glove.6B.100d.txt"


@dataclass(frozen=True)
class WordVectors:
    """Vectors (V, 100) float32 of a vocabulary; `known` (V,) marks words that GloVe has, others are zero."""

    vectors: np.ndarray
    known: np.ndarray


def load_vectors(words: Sequence[str]) -> WordVectors:
    """Load the vectors of words; a word with an apostrophe that GloVe splits has the mean of its parts.

    Raises:
        DataMissingError: GloVe is not on this machine.
        DataError: The file is invalid.
    """
    names, table = _table(sources.require("glove"))
    positions = {name: k for k, name in enumerate(names)}
    vectors = np.zeros((len(words), WIDTH), dtype=np.float32)
    known = np.zeros(len(words), dtype=bool)
    for number, word in enumerate(words):
        rows = [positions[part] for part in _parts(word, positions) if part in positions]
        if rows:
            vectors[number], known[number] = np.asarray(table[rows], dtype=np.float32).mean(axis=0), True
    return WordVectors(vectors, known)


def most_frequent_words(count: int) -> list[str]:
    """Return the most frequent words of GloVe.

    Raises:
        DataMissingError: GloVe is not on this machine.
    """
    return _table(sources.require("glove"))[0][:count]


def _parts(word: str, positions: dict[str, int]) -> list[str]:
    """Split a word with an apostrophe like GloVe's tokenizer, unless GloVe has it: film's -> film, 's."""
    plain = word.replace("’", "'")
    if plain in positions or "'" not in plain:
        return [plain]
    if plain.endswith("n't"):
        return [plain[:-3], "n't"]
    before, _, after = plain.partition("'")
    return [before, f"'{after}"]


def _table(file: Path) -> tuple[list[str], np.ndarray]:
    """Return all words and their vectors (N, 100) float16, memory-mapped from the cache."""
    stat = file.stat()
    key = array_cache.checksum(salt=f"glove-1 {file.name} {stat.st_size} {stat.st_mtime_ns}")
    folder = array_cache.get_or_create("glove", key, lambda draft: _read(file, draft))
    return (folder / "words.txt").read_text(encoding="utf-8").split("\n"), array_cache.load(folder / "vectors.npy")


def _read(file: Path, into: Path) -> None:
    words, rows = [], []
    with _open_lines(file) as lines:
        for number, line in enumerate(lines, start=1):
            word, *values = line.rstrip().split(" ")
            if len(values) != WIDTH:
                raise DataError(f"{file}, line {number}: expected a word and {WIDTH} numbers, not {len(values)}.")
            words.append(word)
            rows.append(np.array(values, dtype=np.float16))
    np.save(into / "vectors.npy", np.stack(rows))
    (into / "words.txt").write_text("\n".join(words), encoding="utf-8")


@contextmanager
def _open_lines(file: Path) -> Iterator[Iterator[str]]:
    if file.suffix != ".zip":
        with file.open(encoding="utf-8", newline="\n") as lines:
            yield lines
        return
    try:
        with zipfile.ZipFile(file) as archive, archive.open(MEMBER) as member:
            yield io.TextIOWrapper(member, encoding="utf-8", newline="\n")
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{file}: it has no {MEMBER} ({str(error)[:60]}); download it again.") from None
