"""A shared server: each person sees their own runs and those that others share, through every door."""

import json

import pytest

from dlcore import projects, runs
from dlcore.core import access
from dlcore.core.access import ANONYMOUS, Viewer
from dlcore.core.errors import RequestError, RunError, WorkbenchError
from dlcore.runs import trash
from dlcore.runs.annotations import annotate, share_run
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import stored_state, write_state

ANNA, BORIS = Viewer("anna@example.org"), Viewer("boris@example.org")


@pytest.fixture
def server(home, monkeypatch):
    """A shared server whose sessions belong to `server["viewer"]`."""
    settings = home.parent / "shared.toml"
    settings.write_text('administrators = ["ada@example.org"]\n')
    monkeypatch.setenv(access.SHARED, str(settings))
    monkeypatch.delenv(access.USER, raising=False)
    return home


def stored_run(viewer: Viewer = ANNA, state: str = "finished") -> str:
    with access.acting_as(viewer):
        run_id = runs.create(projects.configure("fashion", dataset="digits", preset="quick", device="cpu")).run_id
        write_state(of_run(run_id), state)
    return run_id


def refusal(action) -> str:
    with pytest.raises(WorkbenchError) as caught:
        action()
    return str(caught.value)


def test_a_run_belongs_to_who_created_it(server):
    run_id = stored_run()
    with access.acting_as(ANNA):
        assert [record.run_id for record in runs.list_runs()] == [run_id]
        assert runs.open_run(run_id[:8]).record.owner == ANNA.name
    for viewer in (BORIS, ANONYMOUS):
        with access.acting_as(viewer):
            assert runs.list_runs() == []
            assert refusal(lambda: runs.open_run(run_id)) == refusal(lambda: runs.open_run("f" * 32)).replace(
                "f" * 32, run_id
            )


def test_prefix_of_an_id_is_unique_among_the_runs_one_sees(server):
    run_id, foreign = stored_run(), "a" * 32
    stored = stored_run(BORIS)
    of_run(stored).path.rename(of_run(foreign).path)
    with access.acting_as(ANNA):
        assert runs.open_run(run_id[:1]).run_id == run_id if run_id[0] != "a" else True
        assert "no run 'a" in refusal(lambda: runs.open_run("aaaa"))


def test_shared_run_is_read_and_forked_but_not_changed(server):
    run_id = stored_run(state="paused")
    with access.acting_as(ANNA):
        assert share_run(run_id, is_shared=True).is_shared
    with access.acting_as(BORIS):
        assert [record.run_id for record in runs.list_runs()] == [run_id]
        assert runs.list_paused() == [] and trash.list_trash() == []
        for change in (
            lambda: runs.pause(run_id),
            lambda: runs.stop(run_id),
            lambda: runs.resume(run_id),
            lambda: runs.delete_run(run_id),
            lambda: trash.move_to_trash(run_id),
            lambda: annotate(run_id, name="mine"),
            lambda: share_run(run_id, is_shared=False),
            lambda: write_state(of_run(run_id), "failed"),
        ):
            assert "is shared by anna@example.org" in refusal(change)
        assert runs.fork(run_id, {}).owner == BORIS.name
    with access.acting_as(ANNA):
        share_run(run_id, is_shared=False)
        assert runs.open_run(run_id).record.state == "paused"
    with access.acting_as(BORIS):
        assert run_id not in {record.run_id for record in runs.list_runs()}


def test_deleted_run_is_restored_by_its_owner_only(server):
    run_id = stored_run()
    with access.acting_as(ANNA):
        trash.move_to_trash(run_id)
    with access.acting_as(BORIS):
        assert trash.list_trash() == [] and trash.empty_trash([run_id]) == 0
        assert "in the trash" in refusal(lambda: trash.restore(run_id))
    with access.acting_as(ANNA):
        assert trash.restore(run_id).run_id == run_id


def test_nothing_changes_the_owner(server):
    run_id = stored_run()
    with access.acting_as(ANNA):
        write_state(of_run(run_id), "stopped", owner=BORIS.name)
        assert stored_state(of_run(run_id))["owner"] == ANNA.name


def test_anonymous_visitors_create_nothing(server):
    config = projects.configure("fashion", dataset="digits", preset="quick", device="cpu")
    with access.acting_as(ANONYMOUS), pytest.raises(RequestError, match="not signed in"):
        runs.create(config)
    assert not list((server / "runs").glob("*"))


def test_web_server_without_a_session_sees_nothing(server, monkeypatch):
    run_id = stored_run()
    monkeypatch.setattr(access, "_sessions", [])
    assert runs.open_run(run_id)  # the administrator on the machine
    access.use_sessions(lambda: "")
    assert runs.list_runs() == []
    access.use_sessions(lambda: " Anna@Example.org ")
    assert runs.open_run(run_id).record.owner == ANNA.name


def test_one_person_sees_everything_without_sharing(server, monkeypatch):
    run_id = stored_run()
    monkeypatch.delenv(access.SHARED)
    assert runs.open_run(run_id).record.owner == ANNA.name
    runs.delete_run(run_id)


def test_command_line_acts_as_the_named_person(server, monkeypatch, capsys):
    from dlcore.cli import main

    run_id = stored_run()
    monkeypatch.setenv(access.USER, "")
    assert main(["runs", "show", run_id, "--json"]) == 0  # the administrator
    assert json.loads(capsys.readouterr().out)["owner"] == ANNA.name
    for verb in ("show", "pause", "stop", "delete", "export", "fork", "share"):
        extra = [str(server / "x.zip")] if verb == "export" else []
        assert main(["runs", verb, run_id, *extra, "--user", BORIS.name]) == 2
        assert f"there is no run '{run_id}'" in capsys.readouterr().err
    assert main(["--user", "Anna@example.org", "runs", "show", run_id, "--json"]) == 0


def test_user_needs_a_shared_server(home, monkeypatch, capsys):
    from dlcore.cli import main

    monkeypatch.delenv(access.SHARED, raising=False)
    assert main(["runs", "list", "--user", "anna"]) == 2
    assert "--user needs a shared server" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["running_jobs = 0", "unknown = 1", "running_jobs = [", 'claim = "name"'])
def test_wrong_settings_are_named_in_one_line(server, text):
    from dlcore.core import shared_server

    (server.parent / "shared.toml").write_text(text)
    assert "shared.toml" in refusal(shared_server.load)


def test_missing_settings_close_the_server(server, monkeypatch):
    from dlcore.core import shared_server

    monkeypatch.setenv(access.SHARED, str(server / "missing.toml"))
    assert "cannot be read" in refusal(shared_server.load)
    with access.acting_as(ANONYMOUS):
        assert runs.list_runs() == []


def test_error_type_is_that_of_an_unknown_run(server):
    run_id = stored_run()
    with access.acting_as(BORIS), pytest.raises(RunError):
        runs.open_run(run_id)


def test_administrator_sees_people_and_jobs_and_stops_them(server, monkeypatch):
    from dlcore.runs import administration

    run_id, other = stored_run(state="queued"), stored_run(BORIS)
    for viewer in (ANNA, ANONYMOUS):
        with access.acting_as(viewer):
            for action in (administration.list_people, administration.list_jobs):
                assert "only an administrator" in refusal(action)
            assert "only an administrator" in refusal(lambda: administration.stop_job(run_id))
    with access.acting_as(Viewer("ada@example.org")):
        people = {person.name: person for person in administration.list_people()}
        assert (people[ANNA.name].runs, people[ANNA.name].jobs, people[BORIS.name].jobs) == (1, 1, 0)
        assert people[ANNA.name].stored > 0
        assert [(job.job_id, job.owner, job.live.state) for job in administration.list_jobs()] == [
            (run_id, ANNA.name, "queued")
        ]
        assert runs.list_runs() == []  # elsewhere, an administrator is a person like all
        administration.stop_job(run_id)
        assert administration.list_jobs() == []
        assert "there is no run" in refusal(lambda: runs.open_run(other))
    with access.acting_as(ANNA):
        assert runs.open_run(run_id).record.state == "stopped"


def test_quotas_refuse_the_next_run(server):
    (server.parent / "shared.toml").write_text("running_jobs = 2")
    for _ in range(2):
        stored_run(state="queued")
    assert "2 queued or running jobs" in refusal(stored_run)
    stored_run(BORIS)


def test_custom_code_and_bundles_with_code_are_refused(server, monkeypatch):
    from dlcore.projects.custom import source

    monkeypatch.setenv(source.SETTING, "1")
    for viewer in (ANNA, access.MACHINE):
        with access.acting_as(viewer):
            assert not source.is_allowed()
            assert "custom code is off on a shared server" in refusal(source.require_allowed)


def test_imported_run_belongs_to_who_imported_it(server, bundle, tmp_path):
    import shutil

    forged = tmp_path / "bundle"
    shutil.copytree(bundle.folder, forged)
    value = json.loads((forged / "run.json").read_text())
    for part in (value, *(each for each in value.values() if isinstance(each, dict))):
        part |= {"owner": BORIS.name, "is_shared": True} if part.get("run_id") else {}
    (forged / "run.json").write_text(json.dumps(value))
    with access.acting_as(ANNA):
        run_id = runs.import_run(forged).run_id
        assert runs.open_run(run_id).record.owner == ANNA.name
    with access.acting_as(BORIS):
        assert runs.list_runs() == []
