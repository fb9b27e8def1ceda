"""More than two hundred tries to reach the run of another person: each is answered like an unknown id."""

import argparse
import hashlib

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import cli, projects, runs
from dlcore.core import access
from dlcore.core.access import Viewer
from dlcore.core.errors import WorkbenchError
from dlcore.core.settings import ROOT
from dlcore.projects.search_space import parse_parameters
from dlcore.runs import annotations, comparisons, disk_usage, run_comparison, trash
from dlcore.runs.bundle import exchange
from dlcore.runs.diagnosis import diagnose
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import write_state
from dlcore.runs.report import document
from dlcore.runs.search import searches

ANNA, BORIS = Viewer("anna@example.org"), Viewer("boris@example.org")
SECRET = "anna's secret"
STATES = ("finished", "running", "paused", "failed", "queued")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A shared server with runs of Anna in every state, one in the trash, and a search; Boris is signed in."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "shared.toml").write_text('administrators = ["ada@example.org"]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_HOME", str(folder / "home"))
        patch.setenv(access.SHARED, str(folder / "shared.toml"))
        patch.setenv(access.USER, "")
        config = projects.configure("fashion", dataset="digits", preset="quick", device="cpu")
        with access.acting_as(ANNA):
            run_ids = [
                runs.create(config, tags={"group": "secretgroup", "group_title": SECRET, "variant": str(index)}).run_id
                for index in range(len(STATES) + 1)
            ]
            for run_id, state in zip(run_ids, STATES, strict=False):
                annotations.annotate(run_id, name=SECRET, note=SECRET)
                write_state(of_run(run_id), state)
            trash.move_to_trash(run_ids[-1])
            search = searches.create(
                config, parse_parameters(["learning_rate=1e-4..1e-2"], config), n_trials=2
            ).search_id
        yield {"home": folder / "home", "runs": run_ids, "search": search}


@pytest.fixture(autouse=True)
def _unchanged(server, monkeypatch):
    """No attempt of Boris changes anything of Anna."""
    monkeypatch.setenv("DLCORE_HOME", str(server["home"]))
    before = digest(server["home"])
    yield
    access._sessions.clear()
    monkeypatch.setenv(access.USER, "")
    assert digest(server["home"]) == before


def digest(home):
    paths = [path for kind in ("runs", "searches", "trash") for path in (home / kind).rglob("*") if path.is_file()]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def leaves(parser, words=()):
    """Yield every command that takes the id of a run or search: its words, with PLACE for the id."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for group in groups:
        for name, each in group.choices.items():
            yield from leaves(each, (*words, name))
    if not groups:
        positional = [action for action in parser._actions if not action.option_strings]
        if any(action.dest in ("run", "runs", "search") for action in positional):
            filled = ["PLACE" if action.dest in ("run", "runs", "search") else "file.csv" for action in positional]
            yield (*words, *filled)


COMMANDS = sorted(set(leaves(cli.build_parser())))


def unknown(run_id):
    """An id of the same length that no run has."""
    prefix = "search-" if run_id.startswith("search-") else ""
    return prefix + "0123456789abcdef0123456789abcdef"[: len(run_id) - len(prefix)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command))
def test_commands_answer_as_for_an_unknown_id(command, server, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    ids = [server["search"]] if command[0] == "search" else [*server["runs"], server["search"]]
    for run_id in (text for each in ids for text in (each, each[:12])):
        answers = []
        for text in (run_id, unknown(run_id)):
            words = [text if word == "PLACE" else word for word in command]
            code = cli.main([*words, "--user", BORIS.name])
            captured = capsys.readouterr()
            answers.append((code, (captured.out + captured.err).replace(text, "ID")))
        assert answers[0] == answers[1] and answers[0][0] == 2, (command, run_id)
        assert SECRET not in answers[0][1]


FUNCTIONS = {
    "open": lambda run_id: runs.open_run(run_id),
    "start": runs.start,
    "pause": runs.pause,
    "stop": runs.stop,
    "resume": runs.resume,
    "fork": lambda run_id: runs.fork(run_id, {}),
    "delete": runs.delete_run,
    "wait": lambda run_id: runs.wait(run_id, timeout=0.1),
    "evaluate": runs.evaluate,
    "annotate": lambda run_id: annotations.annotate(run_id, name="x"),
    "share": lambda run_id: annotations.share_run(run_id, is_shared=True),
    "read annotation": lambda run_id: annotations.read_annotation(run_id),
    "trash": trash.move_to_trash,
    "restore": trash.restore,
    "empty": lambda run_id: trash.empty_trash([run_id]),
    "checkpoints": disk_usage.remove_checkpoints,
    "export": lambda run_id: exchange.export_run(run_id, ROOT / "never.zip"),
    "diagnose": diagnose,
    "report": lambda run_id: document.write_report([run_id], ROOT / "never.html"),
    "compare": lambda run_id: run_comparison.compare_runs([run_id, "reference:fashion/dense"]),
    "comparison of runs": lambda run_id: comparisons.from_runs([run_id]),
    "comparison": lambda run_id: comparisons.open_comparison("secretgroup" if run_id[0] != "0" else "nosuchgroup"),
    "open search": searches.open_search,
    "pause search": searches.pause,
    "resume search": searches.resume,
    "delete search": searches.delete,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_answer_as_for_an_unknown_id(name, server):
    def answer(text):
        try:
            return repr(FUNCTIONS[name](text)).replace(text, "ID")
        except WorkbenchError as error:
            return str(error).replace(text, "ID").replace("secretgroup", "GROUP").replace("nosuchgroup", "GROUP")

    with access.acting_as(BORIS):
        for run_id in (*server["runs"], server["search"]):
            assert answer(run_id) == answer(unknown(run_id)), (name, run_id)
            assert SECRET not in answer(run_id)


def test_listings_are_empty(server):
    with access.acting_as(BORIS):
        lists = (runs.list_runs, runs.list_active, runs.list_paused, trash.list_trash, searches.list_searches)
        assert [list(each()) for each in (*lists, searches.active)] == [[]] * 6
        assert disk_usage.measure() == {} and comparisons.list_comparisons("fashion") == []


PAGES = [
    ("vision/fashion", {"run": "RUN"}),
    ("vision/fashion", {"panel": "train", "search": "SEARCH"}),
    ("vision/fashion", {"panel": "train", "comparison": "secretgroup"}),
    ("vision/architectures", {"panel": "results", "comparison": "secretgroup"}),
    ("vision/architectures", {"panel": "results", "comparison": "chosen", "compared": "RUN,RUN2"}),
    ("workspace/runs", {"runs": "RUN,RUN2"}),
    ("workspace/watched", {"run": "RUN"}),
]


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_addresses_show_what_an_unknown_id_shows(page, query, server):
    access.use_sessions(lambda: BORIS.name)
    first, second = server["runs"][:2]
    texts = []
    for run_id, other, search, group in (
        (first, second, server["search"], "secretgroup"),
        (unknown(first), unknown(first)[::-1], unknown(server["search"]), "nosuchgroup"),
    ):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        for key, value in query.items():
            text = value.replace("RUN2", other).replace("RUN", run_id).replace("SEARCH", search)
            app.query_params[key] = text.replace("secretgroup", group)
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
        elements = [*app.main, *app.sidebar, *app.toast]
        text = repr([(each.type, getattr(each, "label", ""), getattr(each, "value", "")) for each in elements])
        for name, place in ((run_id, "RUN"), (other, "RUN2"), (search, "SEARCH"), (group, "GROUP")):
            text = text.replace(name, place)
        texts.append(text)
        assert SECRET not in text and first not in text
    assert texts[0] == texts[1]


def test_owner_sees_what_the_tries_look_for(server):
    access.use_sessions(lambda: ANNA.name)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["run"] = server["runs"][0]
    app.switch_page("pages/vision/fashion.py").run()
    assert not app.exception
    assert SECRET in repr([each.options for each in app.selectbox]) and server["runs"][0] in app.query_params["run"]


def test_there_are_more_than_two_hundred_tries():
    ids = len(STATES) + 2  # one in the trash, and the search
    commands = sum(2 if command[0] == "search" else 2 * ids for command in COMMANDS)
    assert commands + len(FUNCTIONS) * ids + len(PAGES) > 200
