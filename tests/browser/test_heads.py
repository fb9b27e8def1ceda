"""Attention heads over a sentence in the browser: a click or key selects one and shows it large."""

import numpy as np
import pytest

pytest.importorskip("playwright")
from components import open_component

from dlcore.ui.components.heads import component as heads

pytestmark = pytest.mark.browser
WORDS = ["[CLS]", "the", "<b>cat</b>", "sleeps", "[SEP]"]
LAYERS, HEADS, T = 2, 3, len(WORDS)


@pytest.fixture
def heads_page(page, monkeypatch):
    """Layer 2, head 2 attends to the token before; all others attend uniformly."""
    attentions = np.full((LAYERS, HEADS, T, T), 1 / T)
    attentions[1, 1] = np.eye(T, k=-1)
    attentions[1, 1, 0, 0] = 1.0
    assert heads.sharpest_head(attentions) == 4
    sent = {}
    monkeypatch.setattr(heads, "mount", lambda component, data, key: sent.update(data))
    heads.show_heads_grid(attentions, WORDS, version="one", key="heads")
    open_component(page, "heads", sent)
    return page


def test_selected_head_is_drawn_large(heads_page, console):
    root, words = heads_page.locator(".dl-heads"), heads_page.locator(".dl-heads-words")
    assert heads_page.locator(".dl-heads-grid button").count() == LAYERS * HEADS
    assert "Layer 2, head 2 mostly attends to the token before (100 % on average)" in words.inner_text()
    assert heads_page.locator(".dl-heads-lines line").count() == T
    heads_page.locator(".dl-heads-from button").nth(2).click()
    assert root.get_attribute("data-selected") == "2" and heads_page.locator(".dl-heads-lines line").count() == 1
    assert heads_page.locator(".dl-heads-to > div").nth(1).inner_text() == "the 100 %"
    assert heads_page.locator(".dl-heads-to > div").nth(2).inner_text().startswith("<b>cat</b>")  # never as HTML
    heads_page.locator(".dl-heads-grid button").nth(4).focus()
    heads_page.keyboard.press("ArrowUp")
    assert root.get_attribute("data-head") == "1" and "Layer 1, head 2 attends to several" in words.inner_text()
    heads_page.keyboard.press("ArrowRight")
    heads_page.keyboard.press("ArrowUp")  # there is no layer above the first
    assert root.get_attribute("data-head") == "2"
    assert heads_page.locator(".dl-heads-grid [aria-pressed=true]").count() == 1
    assert not console
