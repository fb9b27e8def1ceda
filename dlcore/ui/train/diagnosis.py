"""The diagnosis of a run on Train: the first finding with its evidence, and a button that forks with the remedy."""

import streamlit as st

from dlcore import runs
from dlcore.core.markdown import as_text
from dlcore.evaluation.diagnosis import RunFinding
from dlcore.runs import ACTIVE, Run, diagnosis
from dlcore.ui.shell.run_picker import remember_run
from dlcore.ui.widgets import run_actions


def show(slug: str, run: Run) -> None:
    """Render the findings about a run; nothing for one that is healthy."""
    findings = [finding for finding in diagnosis.diagnose_run(run) if finding.kind != "healthy"]
    if not findings:
        return
    first, *other_findings = findings
    with st.container(border=True, key=f"diagnosis-{run.run_id}"):
        _finding(first)
        _fork(slug, run, first)
        if other_findings:
            with st.expander("More findings", icon=":material/troubleshoot:"):
                for finding in other_findings:
                    _finding(finding)


def _finding(finding: RunFinding) -> None:
    title = f"**{finding.kind.capitalize()}** ({finding.confidence:.0%} confidence)"
    st.markdown(f"{title}: {as_text(finding.evidence)}")
    st.caption(as_text(finding.remedy))


def _fork(slug: str, run: Run, finding: RunFinding) -> None:
    settings = diagnosis.remedy_settings(run, finding.kind)
    if not settings:
        return
    changes = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items()
    )
    if st.button(
        "Fork with the remedy",
        type="primary",
        icon=":material/healing:",
        key=f"remedy-{run.run_id}",
        help=f"A new run with {changes}.",
        disabled=run.record.state in ACTIVE,
    ):
        forked = run_actions.launch_run(lambda: runs.fork(run.run_id, settings))
        if forked:
            remember_run(slug, forked)
            st.rerun()
