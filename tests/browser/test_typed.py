"""A text typed into the page is classified when typing pauses, its words can be masked, and none of it runs as HTML."""

import json

import pytest

pytest.importorskip("playwright")
from server import calm, errors, visit, wait_until

pytestmark = pytest.mark.browser
TEXT = "A dull <img src=x onerror=document.title='gone'> and lifeless film \U0001f600"


def test_typed_text_is_classified_and_its_words_can_be_masked(address, page, console):
    visit(page, f"{address}/reviews_lstm?panel=predict")
    page.locator(".dl-typed-words button").first.wait_for()
    page.locator(".dl-typed textarea").fill(TEXT)
    wait_until(page, f"document.querySelector('.dl-typed').dataset.answered === {json.dumps(TEXT)}")
    calm(page)
    words = page.locator(".dl-typed-words button")
    assert words.all_text_contents() == ["a", "dull", "and", "lifeless", "film"]
    assert page.get_by_text("Predicted: negative").count() == 1
    words.nth(1).focus()
    page.keyboard.press("Enter")
    page.get_by_text("Without “dull”").wait_for()
    assert words.nth(1).get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Unmask all").click()
    page.get_by_text("Without “dull”").wait_for(state="detached")
    assert words.nth(1).get_attribute("aria-pressed") == "false"
    assert page.title() != "gone"
    page.locator(".dl-typed textarea").fill("")
    page.get_by_text("Type a text to see a prediction.").wait_for()
    assert errors(console) == []


def test_masked_words_are_reset_for_a_model_with_another_tokenizer(address, page, console):
    visit(page, f"{address}/questions?panel=predict&run=reference:questions/bert_gru")
    words = page.locator(".dl-typed-words button")
    words.first.wait_for()
    assert words.first.text_content() == "who"  # [CLS] before it is not a button
    words.first.click()
    page.get_by_text("Without “who”").wait_for()
    page.get_by_role("combobox", name="Run").first.click()
    page.get_by_role("option").filter(has_text="GRU · accuracy").first.click()
    page.wait_for_url("**questions%2Fgru**")
    page.get_by_text("Without “who”").wait_for(state="detached")
    calm(page)
    assert page.locator(".dl-typed-words button[aria-pressed=true]").count() == 0
    words.nth(1).click()
    page.get_by_text("Without “was”").wait_for()
    assert errors(console) == []


def test_right_to_left_text_runs_from_the_right(address, page, console):
    visit(page, f"{address}/reviews_lstm?panel=predict&text=%D7%94%D7%A1%D7%A8%D7%98+%D7%98%D7%95%D7%91")
    words = page.locator(".dl-typed-words button")
    words.nth(1).wait_for()
    direction = "element => getComputedStyle(element).direction"
    assert page.locator(".dl-typed textarea").evaluate(direction) == "rtl"
    first, second = words.nth(0).bounding_box(), words.nth(1).bounding_box()
    assert words.first.text_content() == "הסרט" and first["x"] > second["x"]
    page.locator(".dl-typed textarea").fill("A film")
    page.get_by_role("button", name="film").wait_for()
    assert page.locator(".dl-typed-words").evaluate(direction) == "ltr"
    assert errors(console) == []
