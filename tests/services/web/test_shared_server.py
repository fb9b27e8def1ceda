"""A shared server: two people sign in at an OpenID provider, behind a reverse proxy with a path prefix."""

import base64
import json
import os
import re
import signal
import time
import urllib.request

import openid
import pytest
import server as browser_server
import shared

from dlcore import projects, runs
from dlcore.core import access
from dlcore.core.access import Viewer
from dlcore.runs.annotations import annotate, share_run
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import write_state

pytestmark = [pytest.mark.services, pytest.mark.browser]
PREFIX = "/workbench"
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 64m;
    location {prefix}/ {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 1d;
      proxy_buffering off;
    }}
  }}
}}
"""


@pytest.fixture(scope="module")
def chromium():
    if browser_server.find_browser() is None:
        pytest.skip("no browser found: install Chromium (Debian: apt install chromium) or set DLCORE_BROWSER")
    with browser_server.browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def provider():
    with openid.provider() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def site(require, provider, tmp_path_factory):
    """nginx in front of the app; runs of Anna in the home. Returns its address, and the folder of the server."""
    (nginx,) = require("nginx")
    folder = tmp_path_factory.mktemp("site")
    port, upstream = browser_server.free_port(), browser_server.free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream, prefix=PREFIX))
    public = f"http://localhost:{port}{PREFIX}"
    command = [nginx, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    command += ["-g", "user root;"] if os.geteuid() == 0 else []  # its workers write uploads into pytest's folder
    with (
        shared.running(command, folder / "nginx.log"),
        shared.shared_server(folder, provider, port=upstream, public=public, base_path=PREFIX),
    ):
        yield public, folder


def sign_in(chromium, provider, public, person):
    """Return a tab in which the person has signed in, in a new browser context."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.add_cookies([{"name": "person", "value": person, "url": provider}])
    page = context.new_page()
    page.goto(public)
    page.get_by_role("button", name="Sign in").click(timeout=120_000)
    page.locator(".st-key-person").wait_for(timeout=120_000)
    browser_server.calm(page, seconds=120)
    return page


@pytest.fixture(scope="module")
def anna(chromium, provider, site):
    page = sign_in(chromium, provider, site[0], "anna")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def boris(chromium, provider, site):
    page = sign_in(chromium, provider, site[0], "boris")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def stored(site):
    """Ids of a private and a shared run of Anna."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_HOME", str(site[1] / "home"))
        patch.setenv(access.SHARED, str(site[1] / "shared.toml"))
        with access.acting_as(Viewer("anna@example.org")):
            config = projects.configure("fashion", dataset="digits", preset="quick", device="cpu")
            run_ids = [runs.create(config).run_id for _ in range(2)]
            for run_id, name in zip(run_ids, ("private of anna", "shared by anna"), strict=True):
                write_state(of_run(run_id), "finished", epoch=1, metrics={"accuracy": 0.91})
                annotate(run_id, name=name)
            share_run(run_ids[1], is_shared=True)
    return run_ids


def text_of(page, address):
    page.goto(address)
    page.locator(".st-key-person").wait_for(timeout=120_000)
    browser_server.calm(page, seconds=120)
    page.wait_for_load_state("networkidle")  # code of widgets that arrives after the script
    return page.inner_text("body")


def shows(page, run_id, name):
    """Whether the page is at the run and comes to show its name."""
    browser_server.wait_until(page, f"document.body.innerHTML.includes({json.dumps(name)})", timeout=60_000)
    return f"run={run_id}" in page.url


def test_each_person_sees_their_runs_and_shared_ones(anna, boris, site, stored):
    private, shared_id = stored
    assert "was not tested" in text_of(anna, f"{site[0]}/fashion?run={private}&panel=predict")
    assert shows(anna, private, "private of anna")
    assert "was not tested" in text_of(boris, f"{site[0]}/fashion?run={shared_id}&panel=predict")
    assert shows(boris, shared_id, "shared by anna")
    for query in (f"run={private}", f"run={private[:10]}&panel=train", f"run={private}&panel=results"):
        text_of(boris, f"{site[0]}/fashion?{query}")
        content = boris.content()
        assert "private of anna" not in content and private[:6] not in content and private not in boris.url
    for query in (f"runs={private}", f"runs={private},{shared_id}"):
        text_of(boris, f"{site[0]}/runs?{query}")
        assert "private of anna" not in boris.content() and private not in boris.url
    assert "Administration" not in boris.inner_text("body")


def test_forged_swapped_and_truncated_cookies_are_refused(chromium, anna, boris, site):
    cookies = {
        name: {cookie["name"]: cookie["value"] for cookie in page.context.cookies(site[0])}
        for name, page in (("anna", anna), ("boris", boris))
    }
    user, tokens = "_streamlit_user", "_streamlit_user_tokens"
    genuine = cookies["boris"][user]
    payload, _, signature = genuine.strip('"').partition(".")
    claims = base64.urlsafe_b64encode(json.dumps({"email": "anna@example.org", "is_logged_in": True}).encode()).decode()
    forged = [
        genuine[:-4],
        genuine[: len(genuine) // 2],
        genuine[:-6] + "AAAAAA",
        f"{claims}.{signature}",
        claims,
        cookies["boris"][tokens],  # signed by the server, for another purpose
        json.dumps({"email": "anna@example.org", "is_logged_in": True, "origin": site[0]}),
        payload,
        "",
    ]
    for value in forged:
        context = chromium.new_context()
        context.add_cookies([{"name": user, "value": value, "url": site[0]}] if value else [])
        page = context.new_page()
        page.goto(site[0])
        page.get_by_role("button", name="Sign in").wait_for(timeout=60_000)
        assert page.locator(".st-key-person").count() == 0
        context.close()


def test_account_without_a_verified_address_sees_nothing(chromium, provider, site):
    context = chromium.new_context()
    context.add_cookies([{"name": "person", "value": "unverified", "url": provider}])
    page = context.new_page()
    page.goto(site[0])
    page.get_by_role("button", name="Sign in").click(timeout=60_000)
    page.get_by_text("no verified email").wait_for(timeout=60_000)
    context.close()


def test_upload_download_and_deep_link_work_under_the_prefix(anna, site):
    assert "Your data" in text_of(anna, site[0])
    anna.goto(f"{site[0]}/food?panel=predict")
    field = anna.locator("input[type=file]").first
    field.wait_for(state="attached", timeout=120_000)
    browser_server.calm(anna, seconds=120)
    photo = browser_server.ROOT / "assets/samples/food/baby_back_ribs.png"
    with anna.expect_response(re.compile(f"{PREFIX}/_stcore/upload_file/"), timeout=60_000) as uploaded:
        field.set_input_files(str(photo))
    assert uploaded.value.status in (200, 204)
    browser_server.calm(anna, seconds=120)
    assert f"{PREFIX}/food" in anna.url


def test_administrator_sees_people_and_jobs(chromium, provider, site, stored):
    page = sign_in(chromium, provider, site[0], "ada")
    text = text_of(page, f"{site[0]}/administration")
    assert "Administration" in text and "0 jobs" in text and "free on the disk" in text
    page.context.close()


def test_other_people_have_no_administration(boris, site):
    text = text_of(boris, f"{site[0]}/administration")
    assert "free on the disk" not in text and "Page not found" in text


def test_killed_web_server_loses_neither_runs_nor_sign_ins(provider, chromium, tmp_path):
    port = browser_server.free_port()
    with shared.shared_server(tmp_path, provider, port=port, keep_secret="s" * 64) as address:
        page = sign_in(chromium, provider, address, "anna")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DLCORE_HOME", str(tmp_path / "home"))
            patch.setenv(access.SHARED, str(tmp_path / "shared.toml"))
            patch.setenv(access.USER, "anna@example.org")
            settings = {"epochs": 10_000, "patience": 0}
            config = projects.configure("fashion", dataset="digits", preset="quick", settings=settings, device="cpu")
            run_id = runs.start(runs.create(config).run_id).run_id
            wait_for(lambda: runs.open_run(run_id).record.epoch >= 1)
            os.kill(shared.pid_of(tmp_path), signal.SIGKILL)
            epoch = runs.open_run(run_id).record.epoch
            wait_for(lambda: runs.open_run(run_id).record.epoch > epoch)  # it trains without the web server
            with shared.shared_server(tmp_path, provider, port=port, keep_secret="s" * 64):
                text_of(page, f"{address}/runs")
                page.locator(".st-key-jobs-bar").get_by_role("button").first.wait_for(timeout=60_000)
                assert runs.stop(run_id).run_id == run_id
                assert runs.wait(run_id, timeout=60).state == "stopped"
            steps = runs.open_run(run_id).history()["validation_loss"].steps
            assert len(set(steps.tolist())) == len(steps)
        page.context.close()


def wait_for(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_health_needs_no_sign_in(site):
    with urllib.request.urlopen(f"{site[0]}/_stcore/health", timeout=10) as answer:
        assert answer.status == 200
