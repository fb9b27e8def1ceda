"""Vocabulary: no retired word in identifiers, docstrings, comments, strings or docs.

`python tests/house/test_words.py` prints every hit with file and line, and the files with the most.
"""

import ast
import collections
import functools
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORDS = Path(__file__).with_name("retired_words.txt")
FOLDERS = ("dlcore", "pages", "docs", "tests", "examples")
SUFFIXES = (".py", ".js", ".css", ".html", ".md")
STORED_VALUES = {
    *("optimiser", "initialisation", "normalisation", "readout", "usual", "centred", "test centred"),
    *("grey", "colour", "picture", "pictures.zip", "arm"),
}
"""Names and values in stored runs; skipped as whole strings or identifiers."""
STORED_PARAMETERS = {
    "rest": ("dlinear.py", "blended_forecaster.py"),
    "usual": ("calendar_autoencoder.py", "scores.py"),
}
"""Parameters of stored models, and the files that define or read them."""
KINDS = {
    "identifier": ("any", "identifier", "spelling"),
    "name": ("name",),
    "text": ("any", "text", "spelling"),
    "comment": ("any", "text", "spelling", "comment"),
}
"""Kinds of patterns that apply to a piece of a file."""


class Piece(NamedTuple):
    """A piece of a file: an identifier, a comment, or a text (docstring, string, line of a document)."""

    kind: str
    line: int
    text: str


class Hit(NamedTuple):
    """A retired word in a file."""

    path: str
    line: int
    kind: str
    word: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r} in {self.text[:100]!r}"


def read_patterns() -> dict[str, re.Pattern[str]]:
    """Return one pattern for each kind of the list."""
    patterns = collections.defaultdict(list)
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, _, pattern = line.partition(" ")
            patterns[kind].append(pattern)
    return {
        kind: re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?![\w-])", re.IGNORECASE)
        for kind, parts in patterns.items()
    }


def split_identifier(name: str) -> str:
    """Return the words of an identifier: `told_to_go` and `ToldToGo` become `told to go`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_+", " ", name).strip().lower()


def python_pieces(source: str) -> Iterator[Piece]:
    """Yield identifiers, comments and strings; implicitly concatenated strings are one text."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.string == "given" and "from hypothesis import" in source:
            continue  # the decorator of hypothesis
        if token.type == tokenize.NAME:
            yield Piece("identifier", token.start[0], split_identifier(token.string))
            yield Piece("name", token.start[0], token.string)
        elif token.type == tokenize.COMMENT:
            yield Piece("comment", token.start[0], token.string.lstrip("# "))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for offset, line in enumerate(paragraphs(node.value)):
                yield Piece("text", node.lineno + offset, line)


def paragraphs(text: str) -> list[str]:
    """Return one string per line, each with the first words of the next, so that wrapped phrases are found once."""
    lines = text.splitlines()
    return [f"{line}\n{' '.join(after.split()[:3])}" for line, after in zip(lines, [*lines[1:], ""], strict=False)]


@functools.cache
def pieces(path: Path) -> list[Piece]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return list(python_pieces(source))
    return [Piece("text", number, line) for number, line in enumerate(paragraphs(source), start=1)]


def find_files(root: Path = ROOT) -> list[Path]:
    files = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*")) if path.suffix in SUFFIXES]
    return [root / "README.md", root / "app.py", *(path for path in files if path != Path(__file__))]


def find_hits(files: Iterable[Path], kinds: Iterable[str], root: Path = ROOT) -> list[Hit]:
    """Return every retired word of these kinds in these files, with its line."""
    patterns = read_patterns()
    hits = []
    for path in files:
        for piece in pieces(path):
            if piece.text.strip() in STORED_VALUES or path.name in STORED_PARAMETERS.get(piece.text, ()):
                continue
            first_line, _, next_words = piece.text.partition("\n")
            text = f"{first_line} {next_words}" if next_words else first_line
            for kind in KINDS[piece.kind]:
                if kind in kinds:
                    hits += [
                        Hit(str(path.relative_to(root)), piece.line, kind, match.group(), " ".join(text.split()))
                        for match in patterns[kind].finditer(text)
                        if match.start() < len(first_line)
                    ]
    return hits


@pytest.mark.parametrize(
    "kinds", [("any", "identifier", "text", "comment"), ("name",), ("spelling",)], ids=["words", "names", "spelling"]
)
def test_there_are_no_retired_words(kinds):
    hits = find_hits(find_files(), kinds)
    assert not hits, f"{len(hits)} retired words:\n" + "\n".join(map(str, hits[:50]))


def test_hits_are_found_in_every_kind_of_piece(tmp_path):
    file = tmp_path / "sample.py"
    file.write_text(
        '"""Turn a\nknob."""\n\n\ndef told_all(found):  # put aside\n'
        '    return "side by " "side", "its colour", ToldAll\n'
    )
    hits = find_hits([file], ("any", "identifier", "name", "text", "spelling"), tmp_path)
    assert sorted((hit.line, hit.word) for hit in hits) == [
        (2, "knob"),
        (5, "found"),
        (5, "put aside"),
        (5, "told"),
        (6, "colour"),
        (6, "side by side"),
        (6, "told"),
    ]


def test_a_phrase_across_two_lines_is_found_once(tmp_path):
    file = tmp_path / "sample.md"
    file.write_text("Models side by\nside are compared.\n")
    assert [(hit.line, hit.kind) for hit in find_hits([file], ("text",), tmp_path)] == [(1, "text")]


def print_hits(top: int = 20) -> None:
    """Print every hit, then the counts by kind and by word, and the files with the most hits."""
    hits = find_hits(find_files(), ("any", "identifier", "name", "text", "comment", "spelling"))
    for hit in hits:
        print(hit)
    for title, key in (("kinds", "kind"), ("words", "word"), ("files", "path")):
        counts = collections.Counter(getattr(hit, key).lower() for hit in hits)
        print(
            f"\n{title}: {len(hits)} hits",
            *(f"{count:5} {value}" for value, count in counts.most_common(top)),
            sep="\n",
        )


if __name__ == "__main__":
    print_hits()
