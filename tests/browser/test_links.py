"""Links: thirty states restored in a clean browser, and the addresses that the components write."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect
from server import visit, wait_until

pytestmark = pytest.mark.browser

CONV = "run=reference:anomaly/conv"
RUNS = "runs=reference:fashion/dense,reference:fashion/improved"
STATES = {
    "threshold": ("anomaly?panel=results&threshold=15.5", "main_picture", "15.5"),
    "score": ("anomaly?panel=results&smoothing=Unsmoothed", "smoothing", "Unsmoothed"),
    "alarm": ("anomaly?panel=explain&explain-nothing=Training+mean,+time+hidden", "explain-nothing", "time hidden"),
    "clicked-alarm": (f"anomaly?panel=results&{CONV}&threshold-alarm=5954", "why-window", "2014"),
    "manual-label": (
        f"anomaly?panel=results&{CONV}&threshold-labels=1417824000000~1417910400000",
        "main_picture",
        "Sat 6 Dec 2014, 00:00 to Sun 7 Dec 2014, 00:00",
    ),
    "feedback": (
        f"anomaly?panel=results&{CONV}&threshold-labels=1417824000000~1417910400000&missed-events=true",
        "missed-events",
        "Missed event: 1 of your labels",
    ),
    "forecast-week": ("forecast?panel=results&week-start=20+Mar+2005", "week-start", "20 Mar 2005"),
    "forecast-variable": ("forecast?panel=results&week-variable=T,+temperature+(°C)", "week-variable", "temperature"),
    "typed-sentence": ("reviews_lstm?panel=predict&text=A+dull+film", "main_picture", "A dull film"),
    "attention-mask": ("news?panel=predict&text=Shares+fell+again&masked=1", "main_picture", "fell"),
    "explained-text": ("reviews_lstm?panel=explain&text=A+dull+film", "explained-text-reviews_lstm", "A dull film"),
    "explained-text-class": (
        "reviews_lstm?panel=explain&run=reference:reviews_lstm/improved_lstm&text=A+dull+film"
        "&explained-class=positive+(7.3+%25)",
        "explained-class",
        "positive",
    ),
    "lesson-text": ("reviews_lstm?panel=results&lesson-said=Never+again", "lesson-said", "Never again"),
    "tokenizers": ("questions?panel=data&cut-template_questions=Who+am+I?", "cut-template_questions", "Who am I?"),
    "decoded-text": (
        "seq2seq?panel=predict&seq2seq-text-dates_in_words=monday,+may+4th,+2026",
        "seq2seq-text-dates_in_words",
        "monday, may 4th",
    ),
    "beams": ("seq2seq?panel=predict&seq2seq-beams=5", "seq2seq-beams", "5"),
    "decoding-step": ("seq2seq?panel=predict&seq2seq-step-11=4", "seq2seq-step-11", "4"),
    "head": ("seq2seq?panel=predict&seq2seq-cross-head=layer+2,+head+1", "seq2seq-cross-head", "layer 2, head 1"),
    "test-item": ("seq2seq?panel=explain&seq2seq-row=33", "seq2seq-row", "33"),
    "bert-sentence": (
        "bert?panel=explain&bert-look-said=Dogs+bark",
        "bert-look-said",
        "Dogs bark",
    ),
    "bert-blank": (
        "bert?panel=explain&bert-view=Fill+in+the+blank&bert-blank-said=I+like+[MASK]",
        "bert-blank-said",
        "I like [MASK]",
    ),
    "bert-head": (
        "bert?panel=explain&heads-head=7&heads-token=2",
        "bert-look",
        "Shown: attention of",
    ),
    "walk-step": ("backprop?walk-step=5", "main_picture", "Step 6 of 23"),
    "time-step": ("rnn?unrolled-t=3&unrolled-d=2", "main_picture", "Time step 3 of 28, unit 2"),
    "attention-sentence": (
        "attention?self-attention-sentence=one+two+three&self-attention-mask=causal",
        "self-attention",
        "one two three",
    ),
    "patch": ("vit?panel=explain&patch-query=9", "main_picture", "row 2, column 2 is the query"),
    "sample": ("fashion?panel=explain&explained-sample-shipped-fashion=7", "explained-sample-shipped-fashion", "7"),
    "method": (
        "fashion?panel=explain&explained-how-gradients-occlusion=Occlusion",
        "explained-how-gradients-occlusion",
        "Occlusion",
    ),
    "curves": ("fashion?panel=results&view=Compare&curves-x=samples&curves-smoothing=0.5", "main_picture", "samples"),
    "comparison": ("fashion?panel=results&view=Compare", "view", "Compare"),
    "scatter": (f"runs?{RUNS}&view=Scatter&scatter-y=Calibration+error", "scatter-y", "Calibration error"),
    "grid": (
        "gradients?panel=predict&gradients-mode=Grid&grid-depth=8&grid-skip_connections=plain&grid-trained=1",
        "grid-measure",
        "Gradient norm",
    ),
    "measure": ("gradients?flow-measure=Dead+units", "flow-measure", "Dead units"),
    "reconstruction": ("anatomy?panel=predict&anatomy-kind=Known+class&anatomy-which=80", "anatomy-which", "80"),
    "query": ("attention?panel=predict&recall-text=a1+b2+a?", "recall-text", "a1 b2 a?"),
}
"""Name → address, key of the control or figure, and what it shows: text, a value, or the selected choice."""

SHOWS = """([key, text]) => [...document.querySelectorAll(`[class*="st-key-${key}"]`)].some((element) => {
    const pick = (selector, read) => [...element.querySelectorAll(selector)].map(read).join("|");
    const radios = pick("[role=radio]", () => "");
    const chosen = pick("[aria-checked=true], [data-selected=true], :checked", (each) => each.innerText ?? "");
    const values = pick("input, textarea, select", (each) => each.getAttribute("aria-valuetext") ?? each.value);
    return (element.matches("[class*=st-key-main_picture]") || !radios ? element.innerText : "").includes(text)
        || chosen.includes(text) || values.split("|").some((value) => value.includes(text));
})"""


@pytest.fixture(scope="module")
def clean(chromium):
    """A browser that has seen no page of the workbench."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize("name", STATES)
def test_link_restores_the_state_in_a_clean_browser(address, clean, name):
    place, key, text = STATES[name]
    page = clean.new_page()
    problems: list[object] = []
    page.on("pageerror", lambda error: problems.append(error))
    visit(page, f"{address}/{place}")
    wait_until(page, f"({SHOWS})({json.dumps([key, text])})", timeout=90_000)
    page.wait_for_timeout(300)  # components write the address after a pause
    for param, values in parse_qs(urlsplit(place).query).items():
        assert query(page).get(param) == values
    page.close()
    assert problems == []


def test_there_are_thirty_states():
    assert len(STATES) >= 30


def test_components_write_their_state_into_the_address(page, address):
    visit(page, f"{address}/attention")
    page.get_by_role("textbox", name="Sentence").fill("to be or not")
    page.get_by_label("Mask").select_option("causal")
    wait_until(page, "new URL(location).searchParams.get('self-attention-mask') === 'causal'")
    assert query(page)["self-attention-sentence"] == ["to be or not"]
    assert "self-attention-heads" not in query(page)  # at its initial value
    page.get_by_role("radiogroup", name="Panel").get_by_role("radio", name="Data", exact=True).click()
    expect(page.get_by_role("textbox", name="Sentence")).to_have_count(0, timeout=60_000)
    page.get_by_role("radiogroup", name="Panel").get_by_role("radio", name="Step by step", exact=True).click()
    expect(page.get_by_role("textbox", name="Sentence")).to_have_value("to be or not", timeout=60_000)
    wait_until(page, "new URL(location).searchParams.get('self-attention-mask') === 'causal'")
    visit(page, f"{address}/backprop")
    page.get_by_role("button", name="Next").click()
    wait_until(page, "new URL(location).searchParams.get('walk-step') === '1'")


def test_masks_and_long_texts_are_in_the_address(page, address, clean):
    visit(page, f"{address}/reviews_lstm?panel=predict")
    box = page.get_by_role("textbox", name="Your text, in English")
    text = "a film about a man who " + "walks and talks and " * 40 + "leaves"
    box.fill(text)
    wait_until(page, "new URL(location).searchParams.has('text-z')")
    page.locator(".dl-typed-words button").nth(1).click()
    wait_until(page, "new URL(location).searchParams.get('masked') === '1'")
    assert len(page.url) < 600 and "text=" not in page.url
    second = clean.new_page()
    visit(second, page.url)
    expect(second.get_by_role("textbox", name="Your text, in English")).to_have_value(text, timeout=60_000)
    expect(second.locator(".dl-typed-words button").nth(1)).to_have_attribute("aria-pressed", "true", timeout=60_000)
    second.close()


def test_alarm_and_feedback_come_back(page, address, clean):
    visit(page, f"{address}/anomaly?panel=results&{CONV}")
    page.locator(".dlt-alarms .dlt-row").first.click(timeout=120_000)
    page.get_by_text("In this window the series").wait_for(timeout=60_000)
    page.get_by_role("button", name="False alarm: ").click()
    expect(page.get_by_text("New threshold")).to_be_visible(timeout=60_000)
    wait_until(page, "new URL(location).searchParams.has('false-alarms')")
    alarm = page.locator(".dlt-alarms [aria-pressed=true]").inner_text()
    second = clean.new_page()
    visit(second, page.url)
    expect(second.locator(".dlt-alarms [aria-pressed=true]")).to_have_text(alarm, use_inner_text=True, timeout=60_000)
    expect(second.get_by_text("New threshold")).to_be_visible(timeout=60_000)
    second.close()


def test_drawn_digit_comes_back(page, address, clean):
    visit(page, f"{address}/backprop?panel=predict")
    box = page.wait_for_selector(".dl-draw[data-ready] canvas", timeout=120_000).bounding_box()
    page.mouse.move(box["x"] + 70, box["y"] + 50)
    page.mouse.down()
    for x, y in ((150, 50), (100, 190)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()
    predicted = page.get_by_text("Predicted: ")
    predicted.wait_for(timeout=60_000)
    wait_until(page, "new URL(location).searchParams.has('drawing-z')")
    second = clean.new_page()
    visit(second, page.url)
    expect(second.get_by_text("Predicted: ")).to_have_text(predicted.inner_text(), timeout=60_000)
    second.locator(".dl-draw[data-ready]").wait_for(timeout=120_000)
    inked = "[...document.querySelector('.dl-draw canvas').getContext('2d').getImageData(0, 0, 224, 224).data]"
    wait_until(second, f"{inked}.filter((value, i) => i % 4 === 0 && value > 127).length > 1000")
    second.close()


def test_short_runs_come_back(page, address, clean):
    visit(page, f"{address}/gradients?panel=predict")
    page.get_by_role("button", name="Train 50 steps").click(timeout=120_000)
    wait_until(page, "new URL(location).searchParams.has('short-runs')", timeout=60_000)
    second = clean.new_page()
    visit(second, page.url)
    expect(second.get_by_text("random guessing: 2.3")).to_be_visible(timeout=90_000)
    second.close()
