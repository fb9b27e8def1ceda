"""Explain panel of the sequence-to-sequence page: occlusion of input symbols beside cross-attention."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
import torch

from dlcore.core.markdown import as_text
from dlcore.data.text.sequences import PAD, START
from dlcore.inference import decode
from dlcore.inference.predict import evaluation_mode
from dlcore.plots import sequences as plots
from dlcore.projects.language import seq2seq
from dlcore.runs import Run
from dlcore.ui.pages.seq2seq.predict import show_attention
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project


def explain(project: "Project", run: Run | None) -> None:
    """Draw, for one test item, the effect of hiding each input symbol on each output symbol, and the attention."""
    bundle = run_cache.finished_bundle(run, to_see="explanations of its outputs")
    if bundle is None:
        return
    stored, loaded = run_cache.predictions(bundle), run_cache.load_model(bundle)
    n = len(stored["test_sources"])
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    right.button("Random sample", icon=":material/casino:", key="seq2seq-chance", on_click=_draw, args=(n,))
    if (
        "seq2seq-row" not in st.session_state and "seq2seq-row" not in st.query_params
    ):  # a long item is most instructive
        st.session_state["seq2seq-row"] = int((stored["test_sources"][:50] != PAD).sum(axis=1).argmax())
    row = int(left.number_input(f"Test item, 0 to {n - 1:,}", 0, n - 1, key="seq2seq-row", bind="query-params"))
    source_alphabet, target = seq2seq.alphabets(bundle.preprocessing)
    text = source_alphabet.decode(stored["test_sources"][row].tolist())
    source = torch.from_numpy(source_alphabet.encode([text], length=len(text)))
    decoded = decode.decode(loaded.module, source, length=int(loaded.facts["target_length"]))
    ids = decoded.best[0, : int(decoded.best[0].ne(PAD).sum())]
    symbols = [target.name(int(number)) for number in ids]
    actual = target.decode(stored["test_targets"][row].tolist())
    predicted = target.decode(ids.tolist())
    verdict = "correct" if predicted == actual else f"incorrect, the target is **{as_text(actual)}**"
    st.markdown(f"Input **{as_text(text)}**, output **{as_text(predicted)}**: {verdict}.")
    effect = _occlusion_effect(loaded.module, source, ids)
    st.subheader("Occlusion: effect of each input symbol", anchor=False)
    figure = plots.over_source(
        100 * effect,
        [symbol.replace(" ", "␣") for symbol in text],
        symbols,
        title="Loss of probability when hidden",
        unit="points",
        hover="without “{column}”, “{row}” loses {value} points",
    )
    top = np.unravel_index(int(effect.argmax()), effect.shape)
    show_figure(
        figure,
        key="seq2seq-lost",
        alt=f"“{symbols[top[0]]}” loses most, {100 * effect[top]:.0f} points, without “{text[top[1]]}”",
    )
    st.caption(
        "Each input symbol is masked in turn and the same output is scored again; columns are input symbols, rows "
        "output symbols. The network was never trained on masked inputs, so these are out of distribution. "
        "Redundant symbols, such as most letters of a month, can be masked without effect."
    )
    with evaluation_mode(loaded.module) as module:
        decoder_input = torch.cat([torch.tensor([START]), ids[:-1]])[None]
        attention = module.cross_attention(source, decoder_input)[0].numpy()  # type: ignore[operator]
    show_attention(attention, text, symbols, at=-1, key="seq2seq-explain")
    st.caption("Attention is not effect: compare the two figures.")


def _draw(n: int) -> None:
    st.session_state["seq2seq-row"] = int(np.random.default_rng().integers(n))


def _occlusion_effect(module: torch.nn.Module, source: torch.Tensor, ids: torch.Tensor) -> np.ndarray:
    """Return the probability that each output symbol (L,) loses when an input symbol is masked: (L, S), at least 0."""
    size = source.shape[1]
    masked = source.repeat(size, 1)
    masked.fill_diagonal_(PAD)  # the other positions stay
    decoder_input = torch.cat([torch.tensor([START]), ids[:-1]])[None]
    with evaluation_mode(module):
        before, after = (
            module(batch, decoder_input.expand(len(batch), -1)).softmax(dim=-1)[:, torch.arange(len(ids)), ids]
            for batch in (source, masked)
        )
    effect: np.ndarray = (before - after).clamp(min=0).T.numpy()
    return effect
