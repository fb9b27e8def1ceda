"""Behavioral tests of text classifiers: cases from templates in TOML files (CheckList, Ribeiro et al. 2020)."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from dlcore.core import access, settings
from dlcore.core.errors import DataError

Kind = Literal["minimum", "invariance", "directional"]
"""Minimum functionality: the label is given. Invariance: the label must not change. Directional: the probability of a
label must not fall."""
Half = Literal["train", "test"]
FOLDER = settings.ASSETS / "behavior"
CASES = 150
"""Most cases of one test."""
HALVED = 8
"""Word lists of this length or more are halved too: even places for training, odd ones for the test half."""
MOST_BYTES, MOST_TEMPLATES, MOST_CHARACTERS = 200_000, 500, 400
CHANGES = ("typo", "casing", "order")
_BRACKETS = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Case:
    """One text, with the changed text of invariance and directional tests."""

    text: str
    changed: str = ""


@dataclass(frozen=True)
class BehaviorTest:
    """Templates of one capability; `label` is the expected or the favored class, empty for invariance."""

    capability: str
    name: str
    kind: Kind
    label: str = ""
    change: str = ""
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """Tests for models with these labels, and the words that fill the slots of the templates."""

    name: str
    labels: tuple[str, ...]
    tests: tuple[BehaviorTest, ...]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def cases(self, test: BehaviorTest, half: Half = "test") -> list[Case]:
        """Return at most `CASES` different cases of one half, about the same number of each template; always the same
        ones."""
        templates = test.train if half == "train" else test.test
        seed = int.from_bytes(sha256(f"{test.capability}/{test.name}/{half}".encode()).digest()[:4], "big")
        random = np.random.default_rng(seed)
        cases: dict[Case, None] = {}
        for place, template in enumerate(templates):
            room = (CASES - len(cases)) // (len(templates) - place)
            fresh: dict[Case, None] = {}
            for _ in range(room * 6):
                if len(fresh) == room:
                    break
                case = self._draw(test, template, half, random)
                if case not in cases and (test.kind == "minimum" or case.changed != case.text):
                    fresh[case] = None
            cases |= fresh
        return list(cases)

    def _draw(self, test: BehaviorTest, template: str, half: Half, random: np.random.Generator) -> Case:
        """Return one random case of a template."""
        variants = (_BRACKETS.sub(r"\1", template), _BRACKETS.sub(r"\2", template))
        values: list[tuple[str, str]] = [self._pick(slot, half, random) for slot in _SLOT.findall(template)]
        replaced = test.change.removeprefix("word:") if test.change.startswith("word:") else ""
        text, changed = (_fill(variant, template, values, part, replaced) for part, variant in enumerate(variants))
        if test.kind == "minimum":
            return Case(text)
        if test.change in CHANGES:
            changed = _CHANGERS[test.change](text, random)
        return Case(text, changed)

    def _pick(self, slot: str, half: Half, random: np.random.Generator) -> tuple[str, str]:
        """Return two different words of a slot."""
        words = self.words[slot]
        if len(words) >= HALVED:
            words = words[::2] if half == "train" else words[1::2]
        first = int(random.integers(len(words)))
        second = (first + 1 + int(random.integers(max(1, len(words) - 1)))) % len(words)
        return words[first], words[second]

    def texts(self, half: Half) -> list[tuple[str, str]]:
        """Return the texts of minimum functionality tests with their labels: training texts, for the training half."""
        minimum = [test for test in self.tests if test.kind == "minimum"]
        return [(case.text, test.label) for test in minimum for case in self.cases(test, half)]

    @property
    def checksum(self) -> str:
        """Sha256 over all test cases."""
        rows = (f"{test}{case}" for test in self.tests for case in self.cases(test))
        return sha256("\n".join(rows).encode()).hexdigest()


def _fill(variant: str, template: str, values: Sequence[tuple[str, str]], part: int, replaced: str) -> str:
    """Fill the slots of a variant; a word is the same in both variants, except those of the replaced slot."""
    by_slot: dict[str, list[tuple[str, str]]] = {}
    for slot, pair in zip(_SLOT.findall(template), values, strict=True):
        by_slot.setdefault(slot, []).append(pair)
    queues = {slot: iter(pairs) for slot, pairs in by_slot.items()}
    text = _SLOT.sub(lambda match: next(queues[match[1]])[part if match[1] == replaced else 0], variant)
    text = re.sub(r"\b([Aa]) (?=[aeioAEIO]|ugly)", r"\1n ", text)
    return text[:1].upper() + text[1:]


def _swap_letters(text: str, random: np.random.Generator) -> str:
    """Swap two neighboring different letters inside a word of five letters or more."""
    places = [
        place
        for match in re.finditer(r"[A-Za-z]{5,}", text)
        for place in range(match.start() + 1, match.end() - 2)
        if text[place] != text[place + 1]
    ]
    if not places:
        return text
    place = places[int(random.integers(len(places)))]
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _change_case(text: str, random: np.random.Generator) -> str:
    return text.upper() if random.random() < 0.5 else text.lower()


def _reorder(text: str, random: np.random.Generator) -> str:
    """Move the last sentence to the front."""
    sentences = re.split(r"(?<=[.!?]) ", text)
    return " ".join([sentences[-1], *sentences[:-1]])


_CHANGERS: dict[str, Callable[[str, np.random.Generator], str]] = {
    "typo": _swap_letters,
    "casing": _change_case,
    "order": _reorder,
}


def parse_suite(content: str, name: str) -> Suite:
    """Read and check the content of a template file.

    Raises:
        DataError: it is not TOML, or a test lacks a field, has an unknown one, or names an unknown slot or label.
    """
    if len(content.encode()) > MOST_BYTES:
        raise DataError(f"{name}: the templates have more than {MOST_BYTES:,} bytes: split the file.")
    try:
        value = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{name}: not a TOML file ({str(error)[:100]}): see docs/behavior.md.") from None
    labels, words, tests = value.get("labels"), value.get("words", {}), value.get("tests")
    if not isinstance(labels, list) or not _is_texts(labels) or not isinstance(words, dict) or not _is_filled(tests):
        raise DataError(f"{name}: it needs labels = [...], [words] and at least one [[tests]]: see docs/behavior.md.")
    if not all(isinstance(entry, str) and entry.strip() for entry in words.values()):
        raise DataError(f"{name}: every entry of [words] is one text with words separated by commas.")
    by_slot = {slot: tuple(dict.fromkeys(word.strip() for word in text.split(","))) for slot, text in words.items()}
    return Suite(name, tuple(labels), tuple(_parse_test(test, name, labels, by_slot) for test in tests or ()), by_slot)


def _parse_test(value: Any, name: str, labels: Sequence[str], words: Mapping[str, tuple[str, ...]]) -> BehaviorTest:
    where = f"{name}, test '{str(value.get('name', '') if isinstance(value, dict) else value)[:60]}'"
    known = set(BehaviorTest.__dataclass_fields__)
    if not isinstance(value, dict) or not {"capability", "name", "kind", "test"} <= set(value) <= known:
        raise DataError(f"{where}: it needs capability, name, kind and test, and may have label, change and train.")
    if value["kind"] not in get_args(Kind):
        raise DataError(f"{where}: kind is one of {', '.join(get_args(Kind))}.")
    if value["kind"] != "invariance" and value.get("label") not in labels:
        raise DataError(f"{where}: label is one of {', '.join(labels)}.")
    test, train = value["test"], value.get("train", [])
    if not _is_texts(test) or not _is_list_of_texts(train) or len(test) + len(train) > MOST_TEMPLATES:
        raise DataError(f"{where}: test and train are lists of at most {MOST_TEMPLATES} templates.")
    change = value.get("change", "")
    if change not in ("", *CHANGES, *(f"word:{slot}" for slot in words)):
        raise DataError(f"{where}: change is one of {', '.join(CHANGES)} or word:SLOT.")
    for template in (*test, *train):
        if len(template) > MOST_CHARACTERS:
            raise DataError(f"{where}: a template has more than {MOST_CHARACTERS} characters.")
        if unknown := [slot for slot in _SLOT.findall(template) if slot not in words]:
            raise DataError(f"{where}: {{{unknown[0]}}} is not in [words].")
        if value["kind"] != "minimum" and not change and not _BRACKETS.search(template):
            raise DataError(f"{where}: '{template[:60]}' has no [before|after] and the test no change.")
    return BehaviorTest(
        str(value["capability"]),
        str(value["name"]),
        cast(Kind, value["kind"]),
        str(value.get("label", "")),
        str(change),
        train=tuple(train),
        test=tuple(test),
    )


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) and entry.strip() for entry in value)


def _is_filled(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _is_texts(value: Any) -> bool:
    return _is_list_of_texts(value) and bool(value)


def read_suite(path: Path) -> Suite:
    """Read a template file.

    Raises:
        DataError: the file cannot be read, or is not valid.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}): name a TOML file.") from None
    return parse_suite(content, path.stem)


def custom_folder() -> Path:
    """Return the folder of the templates that a person added."""
    return access.personal_home() / "behavior"


def save_custom(content: str, name: str) -> Suite:
    """Check templates and store them as `NAME.toml`.

    Raises:
        DataError: the name or the content is not valid.
    """
    if not re.fullmatch(r"[\w-]{1,40}", name):
        raise DataError("the name has 1 to 40 letters, digits, _ or -.")
    suite = parse_suite(content, name)
    custom_folder().mkdir(parents=True, exist_ok=True)
    (custom_folder() / f"{name}.toml").write_text(content, encoding="utf-8")
    return suite


def delete_custom(name: str) -> None:
    """Delete the templates that were stored under a name."""
    (custom_folder() / f"{Path(name).name}.toml").unlink(missing_ok=True)


def custom_suites() -> list[Suite]:
    """Return the suites that a person added; files that are no longer valid are left out."""
    suites = []
    for path in sorted(custom_folder().glob("*.toml")):
        try:
            suites.append(read_suite(path))
        except DataError:
            continue
    return suites


def shipped_suites() -> list[Suite]:
    """Return the suites that come with the workbench."""
    return [read_suite(path) for path in sorted(FOLDER.glob("*.toml"))]


def match_label(expected: str, labels: Iterable[str]) -> list[str]:
    """Return the labels of a model that mean `expected`: the same, or a finer or longer one that begins with it."""
    start = expected.lower()
    return [label for label in labels if re.match(rf"{re.escape(start)}(\b|$)", label.lower())]


def suites_for(labels: Sequence[str], suites: Iterable[Suite]) -> list[Suite]:
    """Return the suites that suit a model: each of its labels means one of theirs, and the reverse."""
    return [
        suite
        for suite in suites
        if all(match_label(expected, labels) for expected in suite.labels)
        and set().union(*(match_label(expected, labels) for expected in suite.labels)) == set(labels)
    ]
