"""Predict panel of the sequence-to-sequence page: decode a text symbol by symbol."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
import torch

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.text.sequences import END, PAD, START, Alphabet
from dlcore.evaluation.metrics import format_percent
from dlcore.inference import decode
from dlcore.inference.predict import evaluation_mode
from dlcore.plots import sequences as plots
from dlcore.projects.language import seq2seq
from dlcore.projects.project import LoadedModel
from dlcore.runs import Bundle, Run
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.batch import show_text_batch
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.metric_table import summarize_run

if TYPE_CHECKING:
    from dlcore.projects.project import Project

EXAMPLES = {
    "dates_in_words": "friday, november 20th, 2026",
    "reversing": "workbench",
    "sorting": "20261120",
}
NOTES = {
    "dates_in_words": "The model learned the format, not the calendar. An output is read back in every known format.",
    "reversing": "A text longer than any in training lowers its confidence.",
    "sorting": "More digits than in training lower its confidence.",
}
MAX_BEAMS = 6


def predict(project: "Project", run: Run | None) -> None:
    """Draw the input, decoding options, and every decoding step."""
    bundle = run_cache.finished_bundle(run, to_see="outputs for your text")
    if bundle is None or run is None:
        return
    loaded, dataset = run_cache.load_model(bundle), run.config.dataset
    st.markdown(f":small[{summarize_run(project, bundle)}]")
    with main_picture():
        picture = st.container()
    left, right = picture.columns([3, 2], gap="large")
    text = left.text_input(
        "Input",
        EXAMPLES.get(dataset) or _first(bundle),
        max_chars=seq2seq.MOST,
        key=f"seq2seq-text-{dataset}",
        bind="query-params",
    )
    beams = right.slider(
        "Beam width",
        1,
        MAX_BEAMS,
        3,
        key="seq2seq-beams",
        bind="query-params",
        help="1: greedy decoding. More: beam search, which keeps the most likely sequences.",
    )
    try:
        text, source = seq2seq.encode_source(loaded, text.encode())
    except WorkbenchError as error:
        picture.error(error_line(error), icon=":material/error:")
        return
    decoded = decode.decode(loaded.module, source, length=int(loaded.facts["target_length"]), beams=beams)
    _, target = seq2seq.alphabets(loaded.preprocessing)
    answer = target.decode(decoded.best[0].tolist())
    verified = seq2seq.verify(loaded, text, answer)
    probability = seq2seq.limit_confidence(float(decoded.scores[0, 0].exp()), verified)
    picture.markdown(
        f"Output **`{answer or ' '}`**, probability {format_percent(probability)}.", help=NOTES.get(dataset)
    )
    if verified is False:
        picture.warning(
            "Impossible date, or unknown format: it does not read back as your text.", icon=":material/help:"
        )
    _steps(loaded, text, source, decoded, target)
    show_text_batch(project, bundle)


def _first(bundle: Bundle) -> str:
    """Return the first test item."""
    source, _ = seq2seq.alphabets(bundle.preprocessing)
    return source.decode(run_cache.predictions(bundle)["test_sources"][0].tolist())


def _steps(
    loaded: LoadedModel, text: str, source: torch.Tensor, decoded: decode.DecodedBeams, target: Alphabet
) -> None:
    """Draw one decoding step, selected with a slider."""
    st.subheader("Step by step", anchor=False)
    count = int(decoded.best[0].ne(PAD).sum())
    step = st.slider("Step", 1, count, 1, key=f"seq2seq-step-{count}", bind="query-params") if count > 1 else 1
    ids = decoded.best[0, :count]
    decoder_input = torch.cat([torch.tensor([START]), ids[:-1]])[None]
    with evaluation_mode(loaded.module) as module:
        probabilities = module(source, decoder_input)[0].softmax(dim=-1).numpy()  # (L, V)
        attention = module.cross_attention(source, decoder_input)[0].numpy()  # type: ignore[operator]  # (layers, heads, L, S)
    left, right = st.columns(2, gap="large")
    with left:
        _next(probabilities[step - 1], int(ids[step - 1]), target, prefix=target.decode(ids[: step - 1].tolist()))
    with right:
        _beams(decoded, step, target)
    show_attention(attention, text, [target.name(int(number)) for number in ids], at=step - 1, key="seq2seq-cross")


def _next(probabilities: np.ndarray, symbol: int, target: Alphabet, *, prefix: str) -> None:
    numbers = [END, *range(4, len(target))]
    figure = plots.next_symbols(
        [target.name(number) for number in numbers],
        100 * probabilities[numbers],
        decoded=numbers.index(symbol),
        title=f"Next symbol after “{prefix}”" if prefix else "First symbol",
    )
    show_figure(
        figure,
        key="seq2seq-next",
        alt=f"Selected: {target.name(symbol)}, probability {format_percent(probabilities[symbol])}",
    )


def _beams(decoded: decode.DecodedBeams, step: int, target: Alphabet) -> None:
    current = decoded.steps[step - 1]
    previous = decoded.steps[step - 2].ids[0] if step > 1 else None
    rows = []
    for place, (ids, score, parent) in enumerate(
        zip(current.ids[0].tolist(), current.scores[0].tolist(), current.parents[0].tolist(), strict=True), 1
    ):
        if score == float("-inf"):
            continue
        ended = END in ids or PAD in ids
        rows.append(
            {
                "": place,
                "Beam": target.decode(ids) + (" (ended)" if ended else ""),
                "Parent": "start" if previous is None else f"beam {parent + 1}",
                "Probability, %": round(100 * float(np.exp(score)), 2),
            }
        )
    is_beam_search = len(rows) > 1
    st.markdown(f"**{'Beams' if is_beam_search else 'Sequence'} after step {step}**")
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt=f"First is {rows[0]['Beam']}")
    st.caption(
        "All continuations of all beams are ranked together; the most likely are kept."
        if is_beam_search
        else "Greedy: the chosen symbol is final. Increase the beam width to compare.",
        help="A beam's probability is the product of its symbols' probabilities.",
    )


def show_attention(attention: np.ndarray, text: str, symbols: list[str], *, at: int, key: str) -> None:
    """Draw cross-attention (layers, heads, L, S), averaged over heads or of one head."""
    st.subheader("Cross-attention", anchor=False)
    layers, heads = attention.shape[:2]
    all_heads = [(layer, head) for layer in range(layers) for head in range(heads)]
    head_index: int = st.selectbox(
        "Head",
        range(-1, len(all_heads)),
        key=f"{key}-head",
        bind="query-params",
        format_func=lambda place: (
            "mean of all heads" if place < 0 else f"layer {all_heads[place][0] + 1}, head {all_heads[place][1] + 1}"
        ),
    )
    shares = 100 * (attention.mean(axis=(0, 1)) if head_index < 0 else attention[all_heads[head_index]])
    figure = plots.over_source(
        shares,
        [symbol.replace(" ", "␣") for symbol in text],
        symbols,
        title="Cross-attention",
        unit="share, %",
        hover="“{row}”: {value} % on “{column}”",
        at=at,
    )
    row = max(0, at)
    top = int(shares[row].argmax())
    show_figure(figure, key=key, alt=f"“{symbols[row]}” attends most to “{text[top]}”, position {top + 1}")
    st.caption("Each row is a softmax over the input: the attention when that symbol was generated.")
