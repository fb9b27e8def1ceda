"""Hostile texts in the browser: nothing runs, no request leaves, no image or link appears, the policy holds."""

import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")
from components import open_component
from server import visit

from dlcore import runs
from dlcore.core.markdown import as_text
from dlcore.core.settings import ASSETS
from dlcore.projects.foundations.backprop_walk import walk
from dlcore.ui.components import mount
from dlcore.ui.pages.backprop.walk import packed

sys.path.append(str(Path(__file__).parents[1] / "attacks"))
from hostile_texts import HOST, TEXT, hostile_bundle

pytestmark = pytest.mark.browser
TRACES = f"""() => [window.hacked, document.querySelectorAll(
    'img[src=x], img[src*="{HOST}"], a[href*="{HOST}"], [onerror]').length]"""
PLACES = (
    ("questions/rnn", "predict"),
    ("gradients/resnet", "train"),
    ("anomaly/dense_16", "results"),
    ("seq2seq/sorting", "explain"),
)


@pytest.fixture
def requests(page, address):
    """Addresses of other hosts that the page requests; none of them is answered."""
    outside: list[str] = []

    def watch(route):
        if route.request.url.startswith((address, "data:", "blob:", "http://components.test")):
            route.fallback()
        else:
            outside.append(route.request.url)
            route.abort()

    page.route("**/*", watch)
    return outside


def gradients_of(reference: str) -> bytes:
    """Return gradient norms whose layers have hostile names."""
    with np.load(ASSETS / "runs" / reference / "gradients.npz") as stored:
        arrays = dict(stored)
    arrays["layers"] = np.array([f"{n} {TEXT}"[:200] for n in range(len(arrays["layers"]))])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(("reference", "panel"), PLACES)
def test_texts_of_a_bundle_do_nothing(
    reference, panel, page, address, server_home, requests, console, tmp_path, monkeypatch
):
    monkeypatch.setenv("DLCORE_HOME", str(server_home))
    changes = {"gradients.npz": gradients_of(reference)} if reference.startswith("gradients") else {}
    record = runs.import_run(hostile_bundle(reference, tmp_path / "a.zip", **changes))
    visit(page, f"{address}/{reference.split('/')[0]}?panel={panel}&run={record.run_id}")
    page.wait_for_timeout(1500)
    runs.delete_run(record.run_id)
    assert page.evaluate(TRACES) == [None, 0] and requests == []
    assert not [message for message in console if "404" not in str(message)]


def test_sentence_of_the_self_attention_page_is_text(page, address, requests, console):
    visit(page, f"{address}/attention?panel=step_by_step")
    page.wait_for_selector(".dla[data-drawn]")
    page.locator(".dla-sentence input").fill(TEXT)
    page.locator(".dla-is-softmax td[data-r]").first.click()
    assert "“<img”" in page.locator(".dla-says").inner_text()
    assert page.evaluate(TRACES) == [None, 0] and requests == []


def test_labels_of_the_walk_are_text(page, requests, tmp_path, home):
    record = runs.import_run(hostile_bundle("backprop/dense", tmp_path / "a.zip"))
    bundle = runs.open_run(record.run_id).finished_bundle
    result = walk(bundle.load().module, np.random.default_rng(0).normal(size=(28, 28)), 3)
    open_component(page, "walk", packed(result, bundle, "one"))
    steps = int(page.get_attribute("input[type=range]", "max"))
    for _ in range(steps // 2):
        page.click(".dl-walk-next")
    assert HOST in page.locator(".dl-walk-open").inner_text()
    assert page.evaluate(TRACES) == [None, 0] and requests == []


def test_policy_stops_a_script_an_image_and_a_request(page, address):
    """What a text could do if it became HTML: an inline handler, an image and a request of another host."""
    response = page.goto(f"{address}/anomaly")
    header = response.headers["content-security-policy"]
    assert "unsafe-eval" not in header and "'unsafe-inline'" not in header.split("style-src")[0]
    stopped = page.evaluate(
        """async (host) => {
          const stopped = [];
          document.addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective));
          document.body.insertAdjacentHTML("beforeend", `<img src=x onerror="window.hacked = 1">`);
          document.body.insertAdjacentHTML("beforeend", `<img src=https://${host}/p.png><iframe src=/></iframe>`);
          await fetch(`https://${host}/`).catch(() => {});
          await new Promise((done) => setTimeout(done, 500));
          return [window.hacked, ...new Set(stopped)].sort();
        }""",
        HOST,
    )
    assert {"connect-src", "frame-src", "img-src", "script-src-attr"} <= set(filter(None, stopped))
    assert page.evaluate("window.hacked") is None


def test_escaped_markdown_is_shown_as_it_is(page, address, requests, server_home, tmp_path, monkeypatch):
    """Streamlit's own Markdown shows the verdict of a bundle letter by letter."""
    monkeypatch.setenv("DLCORE_HOME", str(server_home))
    record = runs.import_run(hostile_bundle("rnn/rnn", tmp_path / "a.zip"))
    visit(page, f"{address}/rnn?panel=results&run={record.run_id}")
    page.get_by_text("onerror=window.hacked").first.wait_for()
    verdict = page.get_by_text("onerror=window.hacked").first.inner_text()
    runs.delete_run(record.run_id)
    assert TEXT in verdict.replace("\u2060", "") and as_text(TEXT).count("\u2060") and requests == []


def test_only_the_helper_sets_html():
    """A component that sets HTML from a text elsewhere escapes nothing. `cleaning.js` reads single entities."""
    sets_html = re.compile(r"(inner|outer)HTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment")
    users = [name for name, script in mount._scripts().items() if sets_html.search(script)]
    assert sorted(users) == ["model/cleaning.js", "shared/markup.js"]
