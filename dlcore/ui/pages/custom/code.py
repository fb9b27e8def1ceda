"""Panel Code: paste or upload a network, check it, and train it."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore import projects, runs
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.sources import locate as sources
from dlcore.projects.custom import fields, networks, source
from dlcore.projects.custom.check import CheckResult
from dlcore.runs import Run
from dlcore.ui.pages.custom.task import choose_task
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.shell.links import OPEN
from dlcore.ui.shell.run_picker import remember_run
from dlcore.ui.train.new_run import choose_dataset, offer_dataset
from dlcore.ui.widgets import run_actions

if TYPE_CHECKING:
    from dlcore.projects.project import Project

HEIGHT = 420
_SIGNS = {
    "ok": (":material/check_circle:", "green"),
    "warning": (":material/warning:", "orange"),
    "failed": (":material/error:", "red"),
}
_CONTEXT = 3
"""Lines of code around the line of a failed check."""


def code(project: "Project", run: Run | None) -> None:
    """Draw the editor, the checks and the button that trains the network."""
    slug = project.slug
    try:
        source.require_allowed()
    except WorkbenchError as error:
        st.warning(error_line(error), icon=":material/lock:")
        return
    left, right = st.columns([3, 2], gap="medium")
    with left, main_picture():
        text = _editor(slug, run)
    with right:
        choose_task(slug)
        with st.container(key="network-file"):
            st.file_uploader(
                "Python file or notebook",
                type=["py", "ipynb"],
                max_upload_size=1,
                key=f"network-file-{slug}",
                on_change=_upload,
                args=(slug,),
            )
        names = source.list_classes(text)
        target = (
            st.selectbox("Network", names, index=_default(names, text), key=f"class-{slug}-{names}")
            if len(names) > 1
            else ""
        )
        functions = _choose_functions(slug, text, target)
        dataset = choose_dataset(projects.list_datasets(slug), projects.configure(slug).dataset, key=f"dataset-{slug}")
        offer_dataset(slug, dataset)
        is_pressed = st.button(
            "Check",
            type="primary",
            icon=":material/rule:",
            width="stretch",
            key=f"check-{slug}",
            disabled=not sources.is_available(dataset),
            help="Builds it, runs a batch of the data through it, and trains on that batch; in a process with limits.",
        )
        key, request = f"checked-{slug}", (text, target, dataset, functions)
        former, results = st.session_state.get(key, ((), []))
        if is_pressed:
            results = _check(slug, *request)
            st.session_state[key] = (request, results)
        elif former == request:
            for result in results:
                _show(result, text)
        if (is_pressed or former == request) and _has_passed(results):
            _offer_training(slug, source.parse_text(text, target=target), dataset, functions)


def _choose_functions(slug: str, text: str, target: str) -> dict[str, str]:
    """Choose a loss and an augmentation of the code; empty where it defines none or all stay at the task's."""
    try:
        network = source.parse_text(text, target=target)
    except WorkbenchError:
        return {}  # the check says why
    functions = {}
    for setting, help_text in fields.FUNCTIONS.items():
        if names := list(network.functions_of(setting)):
            label, key = setting.replace("_", " ").capitalize(), f"{setting}-{slug}-{names}"
            functions[setting] = st.selectbox(label, [fields.NO_FUNCTION, *names], key=key, help=help_text)
    return {setting: name for setting, name in functions.items() if name != fields.NO_FUNCTION}


def _editor(slug: str, run: Run | None) -> str:
    """Draw the editor with the last edited code, the code of the run, or the example."""
    if f"code-{slug}" not in st.session_state:
        network = (source.find(run.record.model) if run is not None else None) or source.example(slug)
        st.session_state[f"code-{slug}"] = st.session_state.get(f"code-kept-{slug}") or network.text
    with st.container(key="network-code"):
        text = st.text_area("Code", key=f"code-{slug}", height=HEIGHT, max_chars=source.MAX_BYTES)
    st.session_state[f"code-kept-{slug}"] = text
    return text


def _upload(slug: str) -> None:
    """Put an uploaded file into the editor."""
    file = st.session_state.get(f"network-file-{slug}")
    if file is None:
        return
    try:
        st.session_state[f"code-{slug}"] = source.read_source(file.getvalue(), name=file.name).text
    except WorkbenchError as error:
        st.toast(error_line(error), icon=":material/error:")


def _default(names: list[str], text: str) -> int:
    try:
        return names.index(source.parse_text(text).target)
    except (WorkbenchError, ValueError):
        return 0


def _check(slug: str, text: str, target: str, dataset: str, functions: dict[str, str]) -> list[CheckResult]:
    """Run the checks and draw each result as it comes."""
    place = st.container()

    def report(result: CheckResult) -> None:
        with place:
            _show(result, text)

    try:
        with st.spinner("Checking in a separate process ..."):
            return networks.check_network(text, slug, dataset, target=target, settings=functions, on_result=report)
    except WorkbenchError as error:
        result = CheckResult("builds", "failed", error_line(error), networks.line_of(str(error)))
        report(result)
        return [result]


def _show(result: CheckResult, text: str) -> None:
    icon, color = _SIGNS[result.status]
    st.markdown(f":{color}[{icon}] **{result.name.capitalize()}**: {as_text(result.sentence.replace('`', ''))}")
    if result.line and result.status == "failed":
        lines = text.splitlines()
        first = max(0, result.line - _CONTEXT)
        numbered = [f"{number + 1:>4}  {lines[number]}" for number in range(first, min(len(lines), result.line + 2))]
        st.code("\n".join(numbered), language="python")


def _has_passed(results: list[CheckResult]) -> bool:
    return bool(results) and all(result.status != "failed" for result in results)


def _offer_training(slug: str, network: source.NetworkSource, dataset: str, functions: dict[str, str]) -> None:
    """Draw the button that stores the network and starts a quick run."""
    settings = list(fields.create_config(network).model_fields)
    if settings:
        st.caption(f"Settings under Train: {', '.join(name.replace('_', ' ') for name in settings)}.")
    if not st.button("Train", type="primary", icon=":material/play_arrow:", width="stretch", key=f"train-code-{slug}"):
        return
    try:
        model = source.save(network, slug)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    run_id = run_actions.launch_run(
        lambda: runs.create(projects.configure(slug, model=model, dataset=dataset, preset="quick", settings=functions))
    )
    if run_id:
        st.session_state[f"model-{slug}"] = model
        remember_run(slug, run_id)
        st.query_params[OPEN] = "train"
        st.rerun()
