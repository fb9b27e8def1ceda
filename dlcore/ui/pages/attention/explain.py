"""Explain panel of the attention page: the purpose of each stage."""

import streamlit as st

from dlcore.projects.project import Project
from dlcore.runs import Run


def explain(project: Project, run: Run | None) -> None:
    """Draw the stages one by one, and common questions."""
    st.subheader("The stages of attention", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(
            "**Query, key, value.** A token needs three roles: what it looks for, how it "
            "is found, and what it passes on. Three weight matrices provide them."
        )
        st.latex(r"q = xW_q + b_q,\quad k = xW_k + b_k,\quad v = xW_v + b_v")
        st.markdown(
            "**Scores.** The dot product of a query and a key is large if they are aligned. Every token "
            "is compared with every other: no distance, no forgetting, and a cost that grows quadratically with "
            "the length."
        )
        st.latex(r"s_{ij} = \frac{q_i \cdot k_j}{\sqrt{d_k}}")
        st.markdown("**Softmax.** Weights that sum to 1: a differentiable choice of tokens.")
        st.latex(r"a_{ij} = \frac{e^{s_{ij}}}{\sum_m e^{s_{im}}}")
    with right:
        st.markdown(
            "**Weighted sum.** The output is a mixture of values. It depends on *what* the "
            "other tokens are, not on *where* they are."
        )
        st.latex(r"z_i = \sum_j a_{ij}\, v_j")
        st.markdown(
            "**Heads and output.** One softmax focuses on one thing. Several heads focus on several, each "
            "in its own subspace; W_o combines their results into one vector."
        )
        st.latex(r"o_i = [\,z_i^{(1)};\dots;z_i^{(h)}\,]\,W_o + b_o")
        st.markdown(
            "**Mask.** Minus infinity before the softmax gives a weight of exactly 0. A zero after the "
            "softmax would not work: the row would no longer sum to 1."
        )
        st.latex(r"s_{ij} = -\infty \;\Rightarrow\; a_{ij} = 0")
    st.subheader("Why divide by the square root of d_k?", anchor=False)
    st.markdown(
        "If the entries of q and k are independent with variance 1, their product has variance d_k. Unscaled scores "
        "with d_k = 256 have a standard deviation of 16: one weight is 1, the others 0, and the "
        "gradient through the softmax vanishes:"
    )
    st.latex(r"\mathrm{Var}(q \cdot k) = \sum_{i=1}^{d_k}\mathrm{Var}(q_i k_i) = d_k")
    st.latex(r"\frac{\partial a_{ij}}{\partial s_{im}} = a_{ij}\,(\delta_{jm} - a_{im}) \to 0 \text{ for } a \to 0, 1")
    st.markdown("With a small d_k the effect is small; the Predict panel shows a large one.")
    st.subheader("Three surprising facts", anchor=False)
    st.markdown(
        "- **The bias of the keys has no effect.** It adds q·b to every score of a row, and softmax ignores "
        "constants. The biases of queries do matter.\n"
        "- **Without positions, a sentence is a bag of words.** Permuted tokens give permuted outputs. Order "
        "must be added: by positional encoding or a causal mask.\n"
        "- **An attention weight is not an explanation.** It says how much of a value is mixed in, not how it is used."
    )
    st.caption("Vaswani et al., “Attention Is All You Need”, 2017, sections 3.2 and 3.5.")
