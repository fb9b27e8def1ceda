"""Checks of custom networks: each error is named in one line with the line of the code."""

import psutil
import pytest
import torch
from broken_networks import BROKEN, BROKEN_FORECASTS, BROKEN_TEXTS, DANGEROUS, UNREADABLE, network, text_network
from torch.nn import functional

from dlcore.core.errors import ConfigError, RequestError
from dlcore.projects.custom import limits, networks, source
from dlcore.projects.custom.check import CheckResult, Session
from dlcore.projects.custom.remote import HostProcess

DATA = {
    "images": lambda: (
        {"channels": 1, "height": 8, "width": 8, "classes": 10},
        (torch.randn(32, 1, 8, 8),),
        torch.randint(0, 10, (32,)),
        functional.cross_entropy,
    ),
    "texts": lambda: (
        {"vocabulary": 500, "length": 20, "classes": 4},
        (torch.randint(0, 500, (32, 20), dtype=torch.int32),),
        torch.randint(0, 4, (32,)),
        functional.cross_entropy,
    ),
    "forecasts": lambda: (
        {"variables": 3, "features": 6, "window": 24, "steps": 2, "horizon": 2, "calendar": 31},
        (torch.randn(32, 24, 6), torch.randn(32, 31)),
        torch.randn(32, 2, 3),
        functional.mse_loss,
    ),
}
"""Facts, inputs, targets and loss by kind of data."""


def check(text: str, kind: str = "images") -> list[CheckResult]:
    """Run the checks in this process; only for code that does no harm."""
    torch.manual_seed(0)
    session = Session(source.parse_text(text), *DATA[kind]())
    results = []
    for name, step in session.steps():
        results.append(session.perform(name, step))
        if results[-1].status == "failed":
            break
    return results


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, id=name)
        for kind, cases in (("images", BROKEN), ("texts", BROKEN_TEXTS), ("forecasts", BROKEN_FORECASTS))
        for name, case in cases.items()
    ],
)
def test_error_is_named_with_its_line(kind, case):
    text, failed, words = case
    result = check(text, kind)[-1]
    assert (result.name, result.status) == (failed, "failed"), result
    assert "\n" not in result.sentence
    for word in words:
        assert word in result.sentence, result.sentence


@pytest.mark.parametrize("name", UNREADABLE)
def test_text_without_a_network_is_rejected(name):
    text, words = UNREADABLE[name]
    with pytest.raises(ConfigError, match=words):
        source.parse_text(text)


def test_healthy_network_passes_all_checks():
    assert [result.status for result in check(network())] == ["ok"] * 5


def test_ids_are_whole_numbers_of_any_length_and_forecasts_may_be_flat():
    text = text_network(
        head="nn.Linear(500, 4)", forward="return self.head(nn.functional.one_hot(x, 500).float().mean(1))"
    )
    results = check(text, "texts")
    assert [result.status for result in results[:3]] == ["ok"] * 3
    assert (results[3].status, results[3].line) == ("warning", 7)  # the embedding is not used
    assert [result.status for result in check(network(head="nn.Linear(144, 6)"), "forecasts")] == ["ok"] * 5


def test_unused_layer_and_softmax_are_warnings():
    unused = check(network(body="self.unused = nn.Linear(3, 3)"))
    assert (unused[3].status, unused[3].line) == ("warning", 8)
    softmax = check(network(forward="return self.head(x.flatten(1)).softmax(1)"))
    assert (softmax[2].status, softmax[2].line) == ("warning", 10)


@pytest.mark.faults
@pytest.mark.parametrize("name", DANGEROUS)
def test_dangerous_code_is_stopped_in_its_process(name, monkeypatch):
    """A process of the code ends with its check, and so do the processes that it started."""
    text, words = DANGEROUS[name]
    processes = []
    start = HostProcess.__init__

    def remember(host, text=""):
        start(host, text)
        processes.append(host.process.pid)

    monkeypatch.setattr(HostProcess, "__init__", remember)
    monkeypatch.setenv("DLCORE_CODE_GB", "4")
    result = networks.check_network(text, "custom", "digits", seconds=6.0)[-1]
    assert result.status == "failed"
    for word in words:
        assert word in result.sentence, result.sentence
    (pid,) = processes
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert [each for each in psutil.process_iter(["pid"]) if _group(each.pid) == pid] == []


def _group(pid: int) -> int:
    import os

    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return 0


def test_setting_turns_custom_code_off(monkeypatch):
    assert source.is_allowed()
    monkeypatch.setenv("DLCORE_ADDRESS", "0.0.0.0")
    with pytest.raises(RequestError, match="listens beyond localhost"):
        source.require_allowed()
    monkeypatch.setenv(source.SETTING, "1")
    source.require_allowed()
    monkeypatch.setenv("DLCORE_ADDRESS", "localhost")
    monkeypatch.setenv(source.SETTING, "0")
    with pytest.raises(RequestError, match="off"):
        networks.check_network(network(), "custom", "digits")


def test_memory_limit_is_a_share_of_the_machine(monkeypatch):
    monkeypatch.delenv("DLCORE_CODE_GB", raising=False)
    assert limits.memory_limit() == int(psutil.virtual_memory().total * limits.MEMORY_SHARE)
    monkeypatch.setenv("DLCORE_CODE_GB", "2")
    assert limits.memory_limit() == 2 * limits.GIB
