"""Explain panel of the anatomy page: how autoencoders detect anomalies, and their limits."""

import streamlit as st

from dlcore.projects.project import Project
from dlcore.runs import Run


def explain(project: Project, run: Run | None) -> None:
    """Draw the panel."""
    st.subheader("Why compress an input only to reconstruct it?", anchor=False)
    st.markdown(
        "An autoencoder is trained to output its own input. The bottleneck prevents copying: "
        "32 numbers must encode 1,000, so it has to learn **what the inputs have in common** and encode only "
        "how they differ. No labels are needed."
    )
    st.latex(r"z = W_2\,\mathrm{relu}(W_1 x + b_1) + b_2 \in \mathbb{R}^{32}")
    st.latex(r"\hat x = \sigma\!\left(W_4\,\mathrm{relu}(W_3 z + b_3) + b_4\right)")
    st.latex(r"L = \frac{1}{1000}\sum_{i=1}^{1000} (x_i - \hat x_i)^2")
    st.markdown(
        "With linear layers only, the best solution spans the same space as the first 32 principal components "
        "(Baldi & Hornik 1989). The Results panel therefore compares with these."
    )
    st.subheader("Why does it detect anomalies?", anchor=False)
    st.markdown(
        "It was trained to reconstruct known inputs. An input of another kind is encoded poorly and reconstructed "
        "incorrectly: the **reconstruction error** is its anomaly score. A threshold turns the score into "
        "a prediction; here it is the 95 % quantile of the errors on validation images, so 5 % of "
        "known images are flagged by construction."
    )
    st.latex(r"\text{anomaly} \iff \frac{1}{1000}\lVert x - \hat x\rVert^2 > \theta")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Limits", anchor=False)
        st.markdown(
            "- **It may reconstruct anomalies well.** With a wide bottleneck, or an anomaly made of known parts, the "
            "error is uninformative: a small error is no proof of normality.\n"
            "- **The error measures size, not meaning.** A bright, detailed known image has a larger error than a "
            "dark, plain anomaly.\n"
            "- **Contaminated training data.** Anomalies in it are learned as normal.\n"
            "- **Loss of information.** Rare details are lost first, and may be what matters.\n"
            "- **Concept drift.** What was normal last year raises alarms today.\n"
            "- **Interpretability and cost:** it gives no reason, and needs data and a full forward pass per input."
        )
    with right:
        st.subheader("What helps", anchor=False)
        st.markdown(
            "- **Input noise** (denoising autoencoder, Vincent et al. 2008) prevents copying.\n"
            "- **Normalize the error** by pixel, feature or time of the week, relative to its usual size "
            "there.\n"
            "- **Ensembles** from several seeds or data folds: their mean error and "
            "disagreement.\n"
            "- **A few labels** to choose the threshold by cost, or for semi-supervised training.\n"
            "- **Domain knowledge** as input: calendar, machine, location.\n"
            "- **Monitor the errors of normal days** and retrain when they rise, with old data included.\n"
            "- **Attribute the error** to parts of the input: a reason that people can check."
        )
    st.caption(
        "The Anomaly detection page tests several of these on a time series, including the quality of explanations."
    )
