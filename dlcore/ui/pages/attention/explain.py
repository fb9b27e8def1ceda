"""Explain: what each stage of attention is for, answered."""

import streamlit as st

from dlcore.projects.project import Project
from dlcore.runs import Run


def explain(project: Project, run: Run | None) -> None:
    """The stages one by one, and the questions that readers ask of them."""
    st.subheader("What is each stage for?", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(
            "**Query, key, value.** One vector cannot be three things at once: what a token looks for, by what "
            "it is found, and what it hands on. Three tables of weights make three of it."
        )
        st.latex(r"q = xW_q + b_q,\quad k = xW_k + b_k,\quad v = xW_v + b_v")
        st.markdown(
            "**Scores.** The product of a query and a key is large where both point the same way. Every token "
            "meets every other at once: no distance, no forgetting, and a cost that grows with the square of "
            "the length."
        )
        st.latex(r"s_{ij} = \frac{q_i \cdot k_j}{\sqrt{d_k}}")
        st.markdown("**Softmax.** Shares that sum to 1: the choice of one token, but a soft one, which has a gradient.")
        st.latex(r"a_{ij} = \frac{e^{s_{ij}}}{\sum_m e^{s_{im}}}")
    with right:
        st.markdown(
            "**Weighted sum.** What the token takes home is a mixture of values. It depends on *what* the "
            "others are, not on *where* they stand."
        )
        st.latex(r"z_i = \sum_j a_{ij}\, v_j")
        st.markdown(
            "**Heads and the output.** One softmax can look at one thing. Several heads look at several, each "
            "in a space of its own; W_o mixes what they found back into one vector."
        )
        st.latex(r"o_i = [\,z_i^{(1)};\dots;z_i^{(h)}\,]\,W_o + b_o")
        st.markdown(
            "**Mask.** Minus infinity before the softmax is a weight of exactly 0 after it. A zero after the "
            "softmax would not do: the row would no longer sum to 1."
        )
        st.latex(r"s_{ij} = -\infty \;\Rightarrow\; a_{ij} = 0")
    st.subheader("Why the root of d_k?", anchor=False)
    st.markdown(
        "If the numbers of q and k are independent with variance 1, their product has variance d_k. Undivided, scores "
        "of d_k = 256 have a spread of 16: one weight is 1, the others 0. What the softmax hands back is then almost "
        "nothing:"
    )
    st.latex(r"\mathrm{Var}(q \cdot k) = \sum_{i=1}^{d_k}\mathrm{Var}(q_i k_i) = d_k")
    st.latex(r"\frac{\partial a_{ij}}{\partial s_{im}} = a_{ij}\,(\delta_{jm} - a_{im}) \to 0 \text{ for } a \to 0, 1")
    st.markdown("With a small d_k it hardly matters; the page's Try it shows what it does where it does.")
    st.subheader("Three things that surprise", anchor=False)
    st.markdown(
        "- **The bias of the keys does nothing.** It adds q·b to every score of a row, and the softmax does not see "
        "what is the same in all of them. The biases of queries do count.\n"
        "- **Without positions a sentence is a bag.** Shuffle the tokens, and the outputs are shuffled alike. Order "
        "has to be put in: by adding positions, or by a causal mask.\n"
        "- **A weight is no explanation.** It says how much of a value was mixed in, not what was done with it later."
    )
    st.caption("Vaswani et al., “Attention Is All You Need”, 2017, sections 3.2 and 3.5.")
