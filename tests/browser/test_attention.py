"""Attention maps in the browser: every map shows the row of the query patch, set by pointer or key."""

import numpy as np
import pytest

pytest.importorskip("playwright")
from components import open_component

from dlcore.ui.components.attention import component as attention

pytestmark = pytest.mark.browser
ROWS, COLUMNS, BLOCKS, HEADS = 2, 3, 2, 2


@pytest.fixture
def view() -> attention.AttentionView:
    """Block 1, head 1 attends to the next patch only; the others attend uniformly."""
    t = 1 + ROWS * COLUMNS
    attentions = np.full((BLOCKS, HEADS, t, t), 1 / t)
    attentions[0, 0] = np.roll(np.eye(t), 1, axis=1)
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)[:, :8]
    return attention.AttentionView(pixels[:8, :8], (ROWS, COLUMNS), 4, attentions, np.eye(t))


@pytest.fixture
def attention_page(page, view, monkeypatch):
    sent = {}
    monkeypatch.setattr(attention, "mount", lambda component, data, key: sent.update(data))
    attention.show_attention(view, version="one", key="attention")
    open_component(page, "attention", sent)
    return page


def test_pointer_and_keys_select_the_query_patch(attention_page, console):
    root, words = attention_page.locator(".dl-attention"), attention_page.locator(".dl-attention-words")
    assert root.get_attribute("data-query") == "0" and "class token is the query" in words.inner_text()
    first = attention_page.locator(".dl-cell canvas").first
    assert "attends most to the patch in row 1, column 1, 100 %" in first.get_attribute("aria-label")
    box = attention_page.locator(".dl-attention-picture").bounding_box()
    attention_page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.75 * box["height"])
    assert root.get_attribute("data-query") == "5"  # row 2, column 2
    assert "attends most to the patch in row 2, column 3, 100 %" in first.get_attribute("aria-label")
    assert "Sharpest: block 1, head 1" in words.inner_text()
    attention_page.locator(".dl-attention-picture").focus()
    attention_page.keyboard.press("ArrowUp")
    assert root.get_attribute("data-query") == "2"
    attention_page.keyboard.press("Escape")
    assert root.get_attribute("data-query") == "0"
    assert not console


def test_attended_patch_is_orange(attention_page):
    """The class token of block 1, head 1 attends to the first patch: its center is orange, that of the last is not."""
    pixels = attention_page.evaluate(
        """() => { const canvas = document.querySelector('.dl-cell canvas'), context = canvas.getContext('2d');
        const at = (x, y) => Array.from(context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data);
        return [at(1 / 6, 1 / 4), at(5 / 6, 3 / 4)]; }"""
    )
    assert pixels[0][0] > 150 and pixels[0][2] < 60 and pixels[1][0] < 60
