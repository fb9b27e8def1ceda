"""The prediction script of a text classifier: label and probabilities of a text."""

import itertools
import json
import re
import sys
import unicodedata
from typing import Any

import numpy as np

from dlcore.data.text.cleaning import clean_text
from dlcore.runs.standalone.predict_common import describe_classes, read_facts, run_network


def normalize_bert(text: str) -> str:
    """Lowercase a text without accents and control characters, with spaces around Chinese characters."""
    letters = (
        each for each in text if each in "\t\n\r" or not (unicodedata.category(each)[0] == "C" or each == "\ufffd")
    )
    spaced = "".join(
        f" {each} " if 0x4E00 <= ord(each) <= 0x9FFF or 0x3400 <= ord(each) <= 0x4DBF else each for each in letters
    )
    return "".join(each for each in unicodedata.normalize("NFD", spaced) if unicodedata.category(each) != "Mn").lower()


def split_word_pieces(word: str, ids: dict[str, int]) -> list[int]:
    """Return the longest word pieces of a word, from its start; unknown (1) if one is missing."""
    pieces, start = [], 0
    while start < len(word):
        stop = next((end for end in range(len(word), start, -1) if "##" * (start > 0) + word[start:end] in ids), 0)
        if not stop or len(word) > 100:
            return [1]
        pieces.append(ids["##" * (start > 0) + word[start:stop]])
        start = stop
    return pieces


def merge_byte_pairs(word: str, ids: dict[str, int], ranks: dict[tuple[str, str], int]) -> list[int]:
    """Return the ids of a word after merging its letters, the most frequent pair first."""
    parts = [letter if place == 0 else f"##{letter}" for place, letter in enumerate(word)]
    while len(parts) > 1:
        pairs = list(itertools.pairwise(parts))
        best = min(range(len(pairs)), key=lambda place: ranks.get(pairs[place], len(ranks)))
        if pairs[best] not in ranks:
            break
        parts[best : best + 2] = [parts[best] + parts[best + 1].removeprefix("##")]
    return [ids.get(part, 1) for part in parts]


def encode(text: str, preprocessing: dict[str, Any]) -> np.ndarray:
    """Return the ids (1, T) of a cleaned text."""
    ids = {word: number for number, word in enumerate(preprocessing["words"])}
    if preprocessing["kind"] == "wordpiece":
        letters = (
            f" {each} " if unicodedata.category(each)[0] == "P" or (each.isascii() and not each.isalnum()) else each
            for each in re.sub(r"\s", " ", normalize_bert(text))
        )
        numbers = [number for word in "".join(letters).split() for number in split_word_pieces(word, ids)]
    else:
        words = re.findall(r"\w+(?:['’]\w+)?|[!?]", unicodedata.normalize("NFKC", text).lower())
        if preprocessing["kind"] == "words":
            numbers = [ids.get(word, 1) for word in words]
        else:
            ranks = {(left, right): number for number, (left, right) in enumerate(preprocessing["merges"])}
            numbers = [number for word in words for number in merge_byte_pairs(word, ids, ranks)]
    length = preprocessing["length"]
    selected = numbers[:length] if preprocessing["keep"] == "start" else numbers[-length:]
    return np.array([selected or [1]], np.int64)


def predict(text: str) -> dict[str, Any]:
    """Return label and probabilities of a text."""
    facts = read_facts()
    return describe_classes(run_network(encode(clean_text(text), facts["preprocessing"]))[0], facts)


def main() -> None:
    """Print the answer to the text on the command line, or to each line of standard input, as JSON."""
    for text in sys.argv[1:] or sys.stdin:
        sys.stdout.write(f"{json.dumps(predict(text))}\n")
