"""Attention computed in the browser equals PyTorch's; a changed number is drawn at once; graphs fold and unfold."""

import numpy as np
import pytest

pytest.importorskip("playwright")
import torch
from components import open_component, serve
from server import visit
from torch.nn import functional

pytestmark = pytest.mark.browser
RUN = """async (input) => {
  const { attend } = await import("/self_attention/attention.js");
  const of = (rows) => rows && { rows: rows.length, cols: rows[0].length, data: Float64Array.from(rows.flat()) };
  const a = { ...input };
  for (const name of ["x", "Wq", "Wk", "Wv", "Wo", "bq", "bk", "bv", "bo"]) a[name] = of(input[name]);
  const { results, tape } = attend(a);
  const rows = Object.fromEntries(Object.entries(results).map(([key, m]) => [key, Array.from(m.data)]));
  return { rows, last: tape.at(-1).key, shapes: tape.map((op) => op.shape), sources: tape.map((op) => op.sources) };
}"""


@pytest.fixture(scope="module")
def attend(chromium):
    page = chromium.new_page()
    serve(page)
    yield lambda inputs: page.evaluate(RUN, inputs)
    page.close()


@pytest.mark.parametrize(
    ("heads", "scaled", "causal", "padding", "biases", "out", "positions"),
    [
        (1, True, False, 0, False, False, False),
        (1, False, True, 0, True, True, False),
        (2, True, False, 2, True, True, True),
        (4, True, True, 1, True, True, False),
        (2, False, True, 3, False, False, True),
    ],
)
def test_numbers_equal_pytorch(attend, heads, scaled, causal, padding, biases, out, positions):
    n, d, dk = 6, 4, 3
    draw = np.random.default_rng(heads * 10 + padding)
    x = draw.normal(size=(n, d))
    tables = {name: draw.normal(size=(d, heads * dk)) for name in ("Wq", "Wk", "Wv")} | {
        "Wo": draw.normal(size=(heads * dk, d)) if out else None
    }
    widths = {"bq": heads * dk, "bk": heads * dk, "bv": heads * dk, "bo": d}
    offsets = {
        name: draw.normal(size=(1, width)) if biases and (out or name != "bo") else None
        for name, width in widths.items()
    }
    inputs = {name: None if part is None else part.tolist() for name, part in {"x": x, **tables, **offsets}.items()}
    result = attend(
        {**inputs, "heads": heads, "scaled": scaled, "causal": causal, "padding": padding, "positions": positions}
    )
    if positions:
        place, column = np.arange(n)[:, None], np.arange(d)
        angle = place / 10000 ** ((column - column % 2) / d)
        x = x + np.where(column % 2, np.cos(angle), np.sin(angle))
    q, k, v = (
        torch.from_numpy(x @ tables[f"W{letter}"] + (0 if offsets[f"b{letter}"] is None else offsets[f"b{letter}"]))
        .unflatten(1, (heads, dk))
        .transpose(0, 1)
        for letter in "qkv"
    )
    is_token = torch.arange(n) < n - padding
    mask = is_token & torch.ones(n, n, dtype=torch.bool).tril() if causal else is_token.expand(n, n)
    z = functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask.expand(heads, n, n), scale=None if scaled else 1
    )
    expected = z.transpose(0, 1).flatten(1).numpy()
    if out:
        expected = expected @ tables["Wo"] + (0 if offsets["bo"] is None else offsets["bo"])
    assert np.abs(np.reshape(result["rows"][result["last"]], expected.shape) - expected).max() < 1e-9
    for head in range(heads):
        weights = np.reshape(result["rows"][f"A{head + 1}" if heads > 1 else "A"], (n, n))
        assert np.abs(weights.sum(axis=1) - 1).max() < 1e-12
        assert (weights[~mask.numpy()] == 0).all()
    assert all(source < place for place, sources in enumerate(result["sources"]) for source in sources)


def test_changed_number_redraws_at_once_and_shows_its_formula(address, page, console):
    visit(page, f"{address}/attention")
    page.locator(".dla-is-x summary").click()
    cell = page.locator("td[data-key=x][data-r='0'][data-c='0']")
    cell.click()
    box = page.locator(".dla-edit input[type=number]")
    before = page.locator("td[data-key=O]").all_inner_texts()
    box.fill("3.5")
    assert cell.inner_text() == "3.50"
    assert page.locator("td[data-key=O]").all_inner_texts() != before
    times = []
    for value in np.linspace(-2, 2, 12):
        box.fill(f"{value:.2f}")
        times.append(float(page.locator(".dla").get_attribute("data-ms")))
    assert np.median(times) < 100
    page.locator("td[data-key=A][data-r='2'][data-c='1']").click()
    assert "attention weight of “cat” for “sat”" in page.locator(".dla-says").inner_text()
    page.keyboard.press("ArrowRight")
    assert "attention weight of “sat” for “sat”" in page.locator(".dla-says").inner_text()
    page.get_by_label("Mask").select_option("causal")
    masked = page.locator("td[data-key=A].dla-masked")
    assert masked.count() == 15 and set(masked.all_inner_texts()) == {"0.00"}
    assert [message for message in console if "_stcore" not in str(getattr(message, "location", ""))] == []


def test_graph_folds_and_unfolds_by_click_and_key(address, page):
    visit(page, f"{address}/anatomy?anatomy-how=Choose+a+model&of=vit%2Fvit")
    count = page.locator(".dlg-count")
    count.wait_for()
    page.get_by_role("button", name="Fold all", exact=True).click()
    folded = page.locator(".dlg-node").count()
    page.locator(".dlg-node[aria-expanded=false]").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".dlg-node").count() > folded
    page.keyboard.press("Escape")
    assert page.locator(".dlg-node").count() == folded
    page.get_by_role("button", name="Unfold all", exact=True).click()
    assert count.inner_text().startswith(f"{page.locator('.dlg-node').count()} nodes")
    assert page.locator(".dlg-list li").count() == page.locator(".dlg-node").count() > folded
    width = float(page.locator(".dlg-view svg").get_attribute("width"))
    page.get_by_role("button", name="Zoom in").click()
    assert float(page.locator(".dlg-view svg").get_attribute("width")) > width


def test_prepared_sentence_survives_another_panel_and_a_reload(page, console):
    data = {"sentence": "the cat sat", "version": "1"}
    open_component(page, "self_attention", data)
    page.locator(".dla-sentence input").fill("one two three four five six seven eight nine ten eleven")
    page.locator(".dla-mask").select_option("causal")
    page.locator(".dla-heads").select_option("2")
    assert page.locator(".dla-cut").inner_text() == "The first 10 of 11 words are used."
    page.evaluate("for (const stage of document.querySelectorAll('details')) stage.open = true")
    page.locator('td[data-key="x"][data-r="0"][data-c="0"]').click()
    page.locator(".dla-edit input").first.fill("1.5")
    open_component(page, "self_attention", data)  # as after a reload of the tab
    assert page.locator(".dla-sentence input").input_value().endswith("eleven")
    assert page.locator(".dla-mask").input_value() == "causal" and page.locator(".dla-heads").input_value() == "2"
    assert page.locator('td[data-key="x"][data-r="0"][data-c="0"]').text_content().startswith("1.5")
