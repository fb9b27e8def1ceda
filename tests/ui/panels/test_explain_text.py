"""Words of a text are shown as text, whatever they contain."""

import numpy as np

from dlcore.ui.panels.classification_data import shortened
from dlcore.ui.panels.explain_class import highlighted


def test_words_cannot_become_html() -> None:
    page = highlighted(["<script>", "fine"], np.array([1.0, -1.0]))
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_for_and_against_differ_by_more_than_colour() -> None:
    for_it, against = highlighted(["a"], np.array([1.0])), highlighted(["a"], np.array([-1.0]))
    assert "underline solid" in for_it and "underline dotted" in against


def test_no_contribution_at_all_is_no_division_by_nought() -> None:
    assert "a" in highlighted(["a", "b"], np.zeros(2))


def test_long_texts_are_cut_at_a_word() -> None:
    assert shortened("one two three", 8) == "one two …"
    assert shortened("one", 8) == "one"
