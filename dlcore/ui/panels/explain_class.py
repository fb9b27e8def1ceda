"""Why a text got its class: integrated gradients by word, and whether they add up."""

import html
from typing import Any

import numpy as np
import streamlit as st

from dlcore.data import text
from dlcore.plots import attribution as plots
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.figure import show_figure
from dlcore.ui.panels import reading, samples
from dlcore.ui.panels.classification_try import pick_sample

TRUSTED = 0.05
"""The contributions may miss the answer by this share of it and still be called trustworthy."""
SETTLING = (64, 256, 1024)
"""Steps of integrated gradients, tried in turn until the sum is trusted."""


def explain_text(project: Project, run: Run, bundle: Bundle) -> None:
    """Which words speak for and against a class."""
    row, target = choose_sample(project, run, bundle)
    origin = int(reading.predictions(bundle)["test_ids"][row])
    said = samples.text_of(run.config.dataset, origin)
    if not said:
        st.info("The text of this sample is not on this machine; get the dataset, then come back.")
        return
    found = _of_text(reading.key_of(bundle), said, target, _bundle=bundle)
    label, words = bundle.labels[target], found["words"]
    figure = plots.token_contributions(words, found["values"], label=label)
    show_figure(figure, key="explained", alt=f"The words that did most for or against {label}, as bars")
    st.caption("The number behind a word is its place among the words that the model read.")
    st.html(highlighted(words, found["values"]))
    st.caption(
        f"All words the model read: orange-red underlined speak for “{label}”, blue dotted against it. Method: "
        "integrated gradients (Sundararajan et al. 2017) at the words' vectors, compared with a text of unknown words."
    )
    _adds_up(found, nothing="as many unknown words")


def highlighted(words: list[str], values: np.ndarray) -> str:
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
    stored = reading.predictions(bundle)
    row = pick_sample(project, run.config.dataset, stored["test_ids"], key="explained-sample")
    scores, labels = stored["test_scores"][row], bundle.labels
    answer, truth = int(scores.argmax()), int(stored["test_targets"][row])
    target: int = st.selectbox(
        "What speaks for", range(len(labels)), index=answer, format_func=lambda k: f"{labels[k]} ({scores[k]:.1%})",
        key=f"explained-class-{row}",
    )  # fmt: skip
    verdict = "right" if answer == truth else "wrong"
    st.markdown(
        f"The model says **{labels[answer]}** ({scores[answer]:.1%}), which is **{verdict}**: it is “{labels[truth]}”."
    )
    return row, target


@st.cache_data(max_entries=64, show_spinner="Working out what each word did")
def _of_text(key: str, said: str, target: int, _bundle: Any) -> dict[str, Any]:
    import torch

    from dlcore.explanation.attribution import attribute

    model = reading.loaded(_bundle)
    length, keep = int(model.preprocessing["length"]), model.preprocessing["keep"]
    known = text.from_preprocessing(model.preprocessing)
    words = known.tokens(said)
    words = (words[:length] if keep == "start" else words[-length:]) or ["?"]
    ids = known.encode([said], length=length, keep=keep)[:, : len(words)]
    # From padding, zero vectors, the path crosses a cliff and the sum settles at none of the steps tried (64 to 1,024);
    # from unknown words most reviews settle at 64, a long one may need all 1,024 (3 s).
    unknown = torch.full(ids.shape, text.UNKNOWN, dtype=torch.from_numpy(ids).dtype)
    for steps in SETTLING:
        found = attribute(model.module, torch.from_numpy(ids), target, baseline=unknown, steps=steps)
        kept = _kept(found, found.values[0])
        if abs(kept["delta"]) <= TRUSTED * abs(kept["output"] - kept["floor"]):
            break
    return {"words": words, **kept}


def _kept(found: Any, values: np.ndarray) -> dict[str, Any]:
    return {
        "values": values,
        "output": float(found.output[0]),
        "floor": float(found.baseline_output[0]),
        "delta": float(found.delta[0]),
    }


def _adds_up(found: dict[str, Any], *, nothing: str) -> None:
    """Whether the contributions add up to what they explain, in words."""
    total, gap = found["output"] - found["floor"], abs(found["delta"])
    share = gap / max(abs(total), 1e-9)
    trusted = share <= TRUSTED or gap < 0.01
    verdict = (
        "close enough to trust what is shown above" if trusted else "too far off: read what is shown above with care"
    )
    st.markdown(
        f"**Does it add up?** The class's score, before it becomes a probability, is {found['output']:.3f} here and "
        f"{found['floor']:.3f} for {nothing}: a difference of {total:.3f}. The contributions add up to "
        f"{total + found['delta']:.3f}, a gap of {gap:.4f} ({share:.1%}): {verdict}."
    )
