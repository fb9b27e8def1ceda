"""A text typed into the page: answered when its writer pauses, its words hidden one by one, none of it run as HTML."""

import pytest

pytest.importorskip("playwright")
from server import calm, errors, visit

pytestmark = pytest.mark.browser
SAID = "A dull <img src=x onerror=document.title='gone'> and lifeless film \U0001f600"


def test_a_typed_text_is_answered_and_its_words_can_be_hidden(address, page, console):
    visit(page, f"{address}/reviews_lstm?panel=Try+it")
    page.locator(".dl-typed-words button").first.wait_for()
    page.locator(".dl-typed textarea").fill(SAID)
    page.wait_for_function("said => document.querySelector('.dl-typed').dataset.answered === said", arg=SAID)
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
    page.get_by_text("the text is empty").wait_for()
    assert errors(console) == []


def test_words_hidden_in_one_model_are_there_again_where_another_cuts_them_otherwise(address, page, console):
    visit(page, f"{address}/questions?panel=Try+it&run=reference:questions/bert_gru")
    words = page.locator(".dl-typed-words button")
    words.first.wait_for()
    assert words.first.text_content() == "who"  # BERT's own mark before it is no button
    words.first.click()
    page.get_by_text("Without “who”").wait_for()
    page.get_by_role("combobox", name="Run").first.click()
    page.get_by_role("option").filter(has_text="gru · trec6").nth(1).click()
    page.wait_for_url("**questions%2Fgru**")
    page.get_by_text("Without “who”").wait_for(state="detached")
    calm(page)
    assert page.locator(".dl-typed-words button[aria-pressed=true]").count() == 0
    words.nth(1).click()
    page.get_by_text("Without “was”").wait_for()
    assert errors(console) == []
