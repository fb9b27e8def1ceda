"""Explain: what a reader wants to know of autoencoders, answered."""

import streamlit as st

from dlcore.projects.project import Project
from dlcore.runs import Run


def explain(project: Project, run: Run | None) -> None:
    """Why autoencoders, how they find what is strange, where they fail, and what helps."""
    st.subheader("Why squeeze a thing only to unfold it again?", anchor=False)
    st.markdown(
        "An autoencoder is asked for its own input. Could it copy, that would be easy; the bottleneck forbids it. "
        "32 numbers have to say what 1,000 said, so it must find out **what the inputs have in common** and keep only "
        "in what they differ. No label is needed for that."
    )
    st.latex(r"z = W_2\,\mathrm{relu}(W_1 x + b_1) + b_2 \in \mathbb{R}^{32}")
    st.latex(r"\hat x = \sigma\!\left(W_4\,\mathrm{relu}(W_3 z + b_3) + b_4\right)")
    st.latex(r"L = \frac{1}{1000}\sum_{i=1}^{1000} (x_i - \hat x_i)^2")
    st.markdown(
        "With linear layers alone its best solution spans the same space as the first 32 principal components "
        "(Baldi & Hornik 1989). What the ReLUs add must therefore be measured against those: the Results panel does so."
    )
    st.subheader("Why does it find what is strange?", anchor=False)
    st.markdown(
        "It learnt to unfold what it was shown. A thing of another kind is squeezed with the wrong words and comes "
        "back as something it is not: the **reconstruction error** is its strangeness. A threshold turns it into "
        "a call; here it is the 95th percentile of errors on pictures held back from training, so one known picture in "
        "twenty is called strange by construction."
    )
    st.latex(r"\text{strange} \iff \frac{1}{1000}\lVert x - \hat x\rVert^2 > \theta")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Where it fails", anchor=False)
        st.markdown(
            "- **It rebuilds strangers too well.** A wide bottleneck, or a stranger made of known parts, and the error "
            "says nothing: a small error is no proof of normality.\n"
            "- **The error measures size, not meaning.** A bright, detailed known thing has a larger error than a "
            "dark, plain stranger.\n"
            "- **Training data is dirty.** Strange things among it are learnt as ordinary ones.\n"
            "- **Information is lost.** Rare details go first, and they may be what one looks for.\n"
            "- **The world moves.** What was ordinary last year raises alarms today.\n"
            "- **It gives no reason**, it takes data and time, and every input costs a whole forward pass."
        )
    with right:
        st.subheader("What helps", anchor=False)
        st.markdown(
            "- **Noise on the input** (denoising autoencoder, Vincent et al. 2008): it may not copy, it has to know.\n"
            "- **Judge the error where it belongs:** by pixel, feature or hour of the week, divided by what is usual "
            "there.\n"
            "- **Several networks**, from several starts or each without a part of the data; their mean error, and how "
            "far they differ.\n"
            "- **A few labels** to set the threshold by its costs, or to bend the score (semi-supervision).\n"
            "- **What one knows of the field** as an input: calendar, machine, place.\n"
            "- **Watch the errors of ordinary days** and train anew when they rise; keep old data in, or it forgets.\n"
            "- **Show which part of the input the error comes from:** that is a reason people can check."
        )
    st.caption(
        "The Anomaly detection page puts several of these to the test on a series. What an explanation is worth there "
        "is measured, not claimed."
    )
