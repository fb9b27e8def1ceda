"""Behavioral tests: cases from templates, and files that a person adds."""

import pytest

from dlcore.core.errors import DataError
from dlcore.data.text import behavior
from dlcore.data.text.behavior import parse_suite

FILE = """
labels = ["bad", "good"]
[words]
dish = "soup, bread, fish"
praise = "fine, nice, excellent"
person = "Ada, Bob"
[[tests]]
capability = "Negation"
name = "negated praise"
kind = "minimum"
label = "bad"
train = ["The {dish} wasn't {praise}."]
test = ["The {dish} is not {praise}.", "I had a {praise} {dish}? No."]
[[tests]]
capability = "Names"
name = "another person"
kind = "invariance"
change = "word:person"
test = ["{person} made the {dish}, and {person} ate it."]
[[tests]]
capability = "Evidence"
name = "more praise"
kind = "directional"
label = "good"
test = ["The {dish} is [|very ]{praise}."]
"""


def test_cases_fill_slots_and_differ():
    suite = parse_suite(FILE, "food")
    minimum, names, more = suite.tests
    texts = [case.text for case in suite.cases(minimum)]
    assert len(set(texts)) == len(texts) == 18 and "I had an excellent soup? No." in texts
    assert suite.cases(minimum) == suite.cases(minimum)
    for case in suite.cases(names):
        assert case.text.split(" made")[0] != case.changed.split(" made")[0]
        assert case.text.split("the ")[1][:4] == case.changed.split("the ")[1][:4], "other slots stay"
    assert all(case.changed == case.text.replace("is ", "is very ") for case in suite.cases(more))


def test_halves_share_no_template_and_no_word_of_a_long_list():
    for suite in behavior.shipped_suites():
        assert suite.tests and all(len(suite.cases(test)) >= 20 for test in suite.tests)
        assert not {text for text, _ in suite.texts("train")} & {text for text, _ in suite.texts("test")}
        for test in suite.tests:
            assert test.train and not set(test.train) & set(test.test), test.name


def test_long_word_lists_are_halved():
    suite = parse_suite(FILE.replace('"soup, bread, fish"', '"d1, d2, d3, d4, d5, d6, d7, d8"'), "food")
    words = {
        half: {part for text, _ in suite.texts(half) for part in text.split() if part[1:].isdigit()}
        for half in ("train", "test")
    }
    assert words == {"train": {"d1", "d3", "d5", "d7"}, "test": {"d2", "d4", "d6", "d8"}}


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        ("order", "One is here. Two is there.", "Two is there. One is here."),
        ("typo", "abcde", {"acbde", "abdce"}),
        ("casing", "Good film.", {"GOOD FILM.", "good film."}),
    ],
)
def test_changes(change, text, expected):
    test = f'capability = "c"\nname = "n"\nkind = "invariance"\nchange = "{change}"\ntest = ["{text}"]'
    suite = parse_suite(f'labels = ["a"]\n[words]\n[[tests]]\n{test}', "x")
    (case, *_) = suite.cases(suite.tests[0])
    assert case.changed.lower() in {word.lower() for word in ([expected] if isinstance(expected, str) else expected)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "minimum"', 'kind = "other"', "kind is one of"),
        ('label = "bad"', 'label = "poor"', "label is one of bad, good"),
        ("{dish} is not", "{meal} is not", "{meal} is not in"),
        ("[|very ]", "", "has no [before|after]"),
        ('change = "word:person"', 'change = "word:cook"', "change is one of"),
        ('labels = ["bad", "good"]', "", "it needs labels"),
        ("[words]", "[words", "not a TOML file"),
    ],
)
def test_invalid_files_name_the_place(old, new, message):
    with pytest.raises(DataError, match="food") as error:
        parse_suite(FILE.replace(old, new, 1), "food")
    assert message in str(error.value)


def test_custom_templates_are_stored_checked_and_deleted(home):
    behavior.save_custom(FILE, "food")
    assert [suite.name for suite in behavior.custom_suites()] == ["food"]
    with pytest.raises(DataError, match="letters"):
        behavior.save_custom(FILE, "../food")
    (behavior.custom_folder() / "torn.toml").write_text("labels = ")
    assert [suite.name for suite in behavior.custom_suites()] == ["food"]
    behavior.delete_custom("food")
    assert behavior.custom_suites() == []


def test_suites_suit_models_by_their_labels():
    shipped = {suite.name: suite for suite in behavior.shipped_suites()}
    fine = ["abbreviation: x", "description: y", "entity: z", "human: one person", "location: city", "numeric: date"]
    for labels, name in (
        (["negative", "positive"], "sentiment"),
        (fine, "questions"),
        (["abbreviation", "description", "entity", "human or group", "location", "numeric"], "questions"),
        (["World", "Sports", "Business", "Sci/Tech"], "news"),
    ):
        assert [suite.name for suite in behavior.suites_for(labels, shipped.values())] == [name]
    assert behavior.suites_for(["negative", "neutral", "positive"], shipped.values()) == []
    assert behavior.match_label("human", ["human or group", "humane"]) == ["human or group"]
