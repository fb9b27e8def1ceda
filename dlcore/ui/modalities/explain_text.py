"""Why a text got its class: integrated gradients by word, and whether they may be trusted."""

import html
from typing import Any

import numpy as np
import streamlit as st
from torch import Tensor, nn

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.text.corpora import read_text
from dlcore.explanation import findings
from dlcore.explanation.findings import MASKED, TEXT
from dlcore.plots import attribution as plots
from dlcore.projects.language import texts
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.components.typed.component import shorten
from dlcore.ui.modalities.predict import OWN, SAMPLE, last_typed, pick_sample, remember_typed
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.findings import show_check

TRUSTED = 0.05
"""The contributions may miss the answer by this share of it and still be called trustworthy."""
FEWEST = 5
"""Words from which an order of them can be compared."""
SETTLING = (64, 256, 1024)
"""Steps of integrated gradients, tried in turn until the sum is trusted."""
MOST_PIECES = 20_000
"""Through a whole BERT so many go at most after the first try, steps times pieces: a processor takes 15 s for them."""


def explain_text(project: Project, run: Run, bundle: Bundle) -> None:
    """Which words of a test sample, or of a text of one's own, speak for and against a class."""
    of = st.segmented_control(
        "What to explain",
        [SAMPLE, OWN],
        default=SAMPLE if samples.is_available(run.config) else OWN,
        required=True,
        key="explain",
        bind="query-params",
    )
    chosen = _own_text(project, bundle) if of == OWN else _sample(project, run, bundle)
    if chosen is not None:
        _explained(*chosen, bundle)


def _sample(project: Project, run: Run, bundle: Bundle) -> tuple[str, int] | None:
    """The text of a test sample and the class to explain; None where its text is not here."""
    row, target = choose_sample(project, run, bundle)
    origin = int(run_cache.predictions(bundle)["test_ids"][row])
    said = samples.get_text(run.config.dataset, origin) if samples.is_available(run.config) else ""
    if not said:
        st.info(samples.GONE, icon=":material/search_off:")
        return None
    return said, target


def _own_text(project: Project, bundle: Bundle) -> tuple[str, int] | None:
    """A text of one's own, at first the one that was typed under Try it, and the class to explain."""
    key, loaded = f"explained-text-{project.slug}", run_cache.load_model(bundle)
    if key not in st.session_state:
        st.session_state[key] = last_typed(project)
    typed = st.text_area("Your text, in English", key=key, height=120)
    remember_typed(project, typed)
    payload = typed.encode("utf-8", "replace")
    try:
        said, found = read_text(payload), project.answer(loaded, payload)
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return None
    labels, odds = bundle.labels, found["probabilities"]
    target: int = st.selectbox(
        "What speaks for",
        range(len(labels)),
        index=labels.index(found["label"]),
        format_func=lambda k: f"{labels[k]} ({odds[labels[k]]:.1%})",
        key=f"explained-own-class-{run_cache.bundle_key(bundle)}-{hash(said)}",
    )
    why = run_cache.threshold_note(labels, probability=found["probability"], threshold=found.get("threshold"))
    st.markdown(f"The model says **{found['label']}** ({found['probability']:.1%}).{why}")
    return said, target


def _explained(said: str, target: int, bundle: Bundle) -> None:
    """The words' contributions, drawn and marked in the text, and whether they may be trusted."""
    found = _of_text(run_cache.bundle_key(bundle), said, target, _bundle=bundle)
    label, words = bundle.labels[target], [shorten(word) for word in found["words"]]
    figure = plots.token_contributions(words, found["values"], label=label)
    show_figure(figure, key="explained", alt=f"The words that did most for or against {label}, as bars")
    st.caption("The number behind a word is its place among the words that the model read.")
    st.html(highlight(words, found["values"]))
    nothing = "masked words" if found["masked"] else "unknown words, so an unknown one does nothing"
    st.caption(
        f"All words the model read: orange-red underlined speak for “{label}”, blue dotted against it. Method: "
        f"integrated gradients (Sundararajan et al. 2017) at the words' vectors, compared with a text of {nothing}."
    )
    _trust(run_cache.bundle_key(bundle), said, target, found, bundle)


def highlight(words: list[str], values: np.ndarray) -> str:
    """The words as HTML, escaped, each coloured by what it did, and underlined so that colour is not alone."""
    reach = float(np.abs(values).max()) or 1.0
    parts = [
        f'<span style="background: rgba({"213,94,0" if value > 0 else "0,114,178"}, {0.55 * abs(value) / reach:.2f});'
        f'{_underline(value / reach)}">{html.escape(word)}</span>'
        for word, value in zip(words, values, strict=True)
    ]
    return f'<p style="line-height: 1.9">{" ".join(parts)}</p>'


def _underline(strength: float) -> str:
    if abs(strength) < 0.15:
        return ""
    return f"text-decoration: underline {'solid' if strength > 0 else 'dotted'}; text-underline-offset: 3px;"


def choose_sample(project: Project, run: Run, bundle: Bundle) -> tuple[int, int]:
    """A test sample and the class to explain; opens on the class that the model gave."""
    stored = run_cache.predictions(bundle)
    row = pick_sample(project, run.config.dataset, stored["test_ids"], key="explained-sample")
    scores, labels = stored["test_scores"][row], bundle.labels
    answer, truth = int(run_cache.predicted_classes(bundle, scores[None])[0]), int(stored["test_targets"][row])
    target: int = st.selectbox(
        "What speaks for",
        range(len(labels)),
        index=answer,
        format_func=lambda k: f"{labels[k]} ({scores[k]:.1%})",
        key=f"explained-class-{row}-{run_cache.bundle_key(bundle)}",
    )
    verdict = "right" if answer == truth else "wrong"
    threshold = run_cache.evaluation(bundle).threshold
    why = run_cache.threshold_note(labels, probability=float(scores[answer]), threshold=threshold)
    st.markdown(
        f"The model says **{labels[answer]}** ({scores[answer]:.1%}), which is **{verdict}**: it is “{labels[truth]}”."
        f"{why}"
    )
    return row, target


@st.cache_data(max_entries=64, show_spinner="Working out what each word did")
def _of_text(key: str, said: str, target: int, _bundle: Any) -> dict[str, Any]:
    import torch

    from dlcore.explanation.attribution import attribute

    model = run_cache.load_model(_bundle)
    seen = texts.encode_text(model, said)
    ids = torch.from_numpy(seen.ids)
    nothing = seen.without()
    # From padding, zero vectors, the path crosses a cliff and the sum settles at none of the steps tried (64 to 1,024);
    # from unknown words most reviews settle at 64, a long one may need all 1,024 (3 s).
    for steps in SETTLING:
        if seen.marks and steps > SETTLING[0] and steps * ids.numel() > MOST_PIECES:
            break
        found = attribute(model.module, ids, target, baseline=torch.from_numpy(nothing), steps=steps)
        kept = _kept(found, found.values[0])
        if abs(kept["delta"]) <= TRUSTED * abs(kept["output"] - kept["floor"]):
            break
    return {"words": seen.words, "ids": seen.ids, "nothing": nothing, "masked": seen.gone != seen.strange, **kept}


def _kept(found: Any, values: np.ndarray) -> dict[str, Any]:
    return {
        "values": values,
        "output": float(found.output[0]),
        "floor": float(found.baseline_output[0]),
        "delta": float(found.delta[0]),
    }


@fragment
def _trust(key: str, said: str, target: int, found: dict[str, Any], bundle: Bundle) -> None:
    """Four tests of the explanation: sum, random weights, hiding each word, hiding the best words first."""
    st.subheader("May it be trusted?", anchor=False)
    of = MASKED if found["masked"] else TEXT
    show_check(findings.check_completeness(found["output"], found["floor"], found["delta"], of=of))
    if int((found["ids"] != found["nothing"]).sum()) < FEWEST:
        st.caption(f"The other tests need {FEWEST} words or more that the model knows.")
        return
    tests = _tested(key, said, target, _bundle=bundle, _found=found)
    show_check(findings.check_random_weights(tests["likeness"], of=TEXT))
    show_check(
        findings.check_agreement(tests["agree"], one="Integrated gradients", other="Hiding each word alone", of=TEXT)
    )
    curve, label = tests["deletion"], bundle.labels[target]
    show_check(findings.check_deletion(curve, of=TEXT))
    figure = plots.deletion_curve(
        curve.removed, curve.ours, curve.chance, low=curve.low, high=curve.high, label=label, parts=("words", "hidden")
    )
    show_figure(figure, key="deletion", alt=f"Area {curve.area:.2f}, in random order {curve.chance_area:.2f}")
    st.caption("The faster the orange line falls below the grey ones, the better it found the words that matter.")


@st.cache_data(max_entries=64, show_spinner="Putting the explanation to the test")
def _tested(key: str, said: str, target: int, _bundle: Any, _found: Any) -> dict[str, Any]:
    import torch

    from dlcore.explanation import sanity_checks
    from dlcore.explanation.agreement import rank_correlation
    from dlcore.explanation.attribution import attribute

    module, ids = run_cache.load_model(_bundle).module, torch.from_numpy(_found["ids"])
    unknown = torch.from_numpy(_found["nothing"])

    def explained(own: Any) -> np.ndarray:
        if own is module:
            return np.asarray(_found["values"])
        return attribute(own, ids, target, baseline=unknown, steps=SETTLING[0]).values[0]

    relevant = (_found["ids"] != _found["nothing"])[0]
    hidden = attribute(module, ids, target, baseline=unknown, method="feature_ablation").values[0]
    return {
        "likeness": sanity_checks.similarity(module, explained, relevant=relevant, draws=3),
        "agree": rank_correlation(_found["values"][relevant], hidden[relevant]),
        "deletion": sanity_checks.deletion_curve(
            _Row(module), ids, target, _found["values"], baseline=unknown, steps=10
        ),
    }


class _Row(nn.Module):
    """Takes one row of ids as (M, 1, T), as pictures of one line come."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, ids: Tensor) -> Tensor:
        """(M, 1, T) -> (M, K)."""
        scores: Tensor = self.module(ids.squeeze(1))
        return scores
