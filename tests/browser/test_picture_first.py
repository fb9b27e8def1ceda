"""Every page opens on its main picture: inside 1280x800, and its top inside 390x844."""

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect
from server import visit, wait_until

from dlcore import runs
from dlcore.ui.pages.anomaly import threshold
from dlcore.ui.shell.first_paint import KEY
from dlcore.ui.shell.menu import find_pages, workspace_pages
from dlcore.ui.widgets import run_cache

pytestmark = pytest.mark.browser
PAGES = [page.slug for page in (*find_pages(), *workspace_pages())]
COMPARED = "runs?runs=reference:fashion/dense,reference:fashion/improved"
PICTURE = f".st-key-{KEY}"
BOX = f"""() => {{
  const whole = document.querySelector("{PICTURE}");
  const marked = [...whole.querySelectorAll("[data-picture]")].filter((part) => part.getClientRects().length);
  const boxes = (marked.length ? marked : [whole]).map((part) => part.getBoundingClientRect());
  return [Math.min(...boxes.map((box) => box.top)), Math.max(...boxes.map((box) => box.bottom))];
}}"""


PROSE = {
    "anatomy": 95,
    "anomaly": 554,
    "architectures": 298,
    "attention": 223,
    "backprop": 293,
    "bert": 231,
    "fashion": 295,
    "food": 337,
    "forecast": 248,
    "gradients": 434,
    "news": 227,
    "questions": 231,
    "reviews_bert": 280,
    "reviews_lstm": 279,
    "reviews_transformer": 276,
    "rnn": 353,
    "seq2seq": 134,
    "vit": 296,
}
"""Words of the first panel's paragraphs and lists before; now at most half of them."""
COUNT_WORDS = """() => {
  const isOpen = (part) => part.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const control = "button, label, summary, [role=radiogroup], [data-testid=stWidgetLabel]";
  const parts = [...document.querySelectorAll("[data-testid=stMain] :is(p, li)")];
  const texts = parts.filter((part) => isOpen(part) && !part.closest(control)).map((part) => part.innerText);
  return texts.join(" ").split(/\\s+/).filter((word) => /[\\p{L}\\p{N}]/u.test(word)).length;
}"""


def open_plain(page: Page, address: str, slug: str) -> tuple[float, float]:
    """Open a page without parameters; return top and bottom of its main picture, once they no longer change."""
    page.goto("about:blank")
    visit(page, f"{address}/{slug}")
    expect(page.locator(PICTURE)).to_be_visible()
    before: list[float] = []
    for _ in range(20):
        page.wait_for_timeout(500)
        box = page.evaluate(BOX)
        if box == before:
            break
        before = box
    return box[0], box[1]


@pytest.mark.parametrize("slug", [*PAGES, COMPARED])
def test_main_picture_is_inside_the_first_screen(page, address, slug):
    page.set_viewport_size({"width": 1280, "height": 800})
    top, bottom = open_plain(page, address, slug)
    assert top > 0 and bottom <= 800 and bottom - top > 60, f"from {top:.0f} to {bottom:.0f} px"
    assert page.evaluate(COUNT_WORDS) <= 0.5 * PROSE.get(slug, 160)
    page.set_viewport_size({"width": 390, "height": 844})
    top, _ = open_plain(page, address, slug)
    assert 0 < top < 844 - 60, f"from {top:.0f} px"


@pytest.mark.parametrize("slug", ["anomaly", "forecast", "gradients"])
def test_first_frame_needs_no_chart_script(page, address, slug):
    page.set_viewport_size({"width": 1280, "height": 800})
    for files in ("**/app/static/**", "**/PlotlyChart.*"):
        page.route(files, lambda route: route.abort())
    page.goto(f"{address}/{slug}")
    frame = page.locator(f"{PICTURE} .dl-frame img")
    expect(frame).to_be_visible(timeout=30_000)
    assert frame.evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)")
    wait_until(
        page, f"document.querySelector('{PICTURE} .dl-frame img').getBoundingClientRect().height > 150"
    )  # styled
    box = frame.bounding_box()
    assert box is not None and box["height"] > 150 and box["y"] + box["height"] <= 800


def test_first_frame_has_box_and_axis_of_the_live_chart(page, address):
    page.set_viewport_size({"width": 1280, "height": 800})
    visit(page, f"{address}/anomaly")
    page.wait_for_selector(".dlt[data-drawn]", timeout=90_000)
    frame = page.locator(f"{PICTURE} .dl-frame")
    expect(frame).to_be_hidden()
    live, first = (page.locator(name).bounding_box() for name in (".dlt-score", f"{PICTURE} .dl-frame"))
    assert {side: round(live[side] - first[side]) for side in live} == {"x": 0, "y": 0, "width": 0, "height": 0}
    axis = page.evaluate("(({ low, high, log }) => [low, high, log])(document.querySelector('.dlt').dlcore.axis)")
    run = runs.references("anomaly")[0]
    view = threshold.make_view(
        threshold.load_splits(run.finished_bundle),
        run_cache.evaluation(run.finished_bundle).threshold,
        axis=threshold.SeriesAxis(times=None),
    )
    assert list(threshold.score_limits(view.scores, view.run_threshold)) == pytest.approx(axis)
