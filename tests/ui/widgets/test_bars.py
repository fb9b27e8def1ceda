"""Bars of class probabilities: order, marks and escaped labels."""

import re

import numpy as np

from dlcore.ui.widgets.bars import MAX_BARS, render_probabilities


def test_bars_are_sorted_and_mark_the_actual_class():
    text = render_probabilities(np.array([0.2, 0.7, 0.1]), ["a", "b", "c"], truth=0)
    assert re.findall(r"<li><span>(\w)", text) == ["b", "a", "c"]
    assert text.count("✓") == 1 and re.search(r"<li><span>a <span aria-label", text)
    assert "70.0 %" in text and "width: 70.0%" in text


def test_labels_are_text_and_the_least_probable_classes_are_left_out():
    labels = ["<img src=x>", *(f"class {k}" for k in range(MAX_BARS))]
    text = render_probabilities(np.linspace(1, 0, MAX_BARS + 1), labels)
    assert "<img" not in text and "&lt;img src=x&gt;" in text
    assert text.count("<li>") == MAX_BARS
