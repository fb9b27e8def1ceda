"""Panel Predict of a comparison page: one input, answered by several networks or by one run."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.compare.networks import answer_all, choose_networks, list_networks, show_answers
from dlcore.ui.modalities.gallery import predict as predict_one
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.modalities.upload import upload_image
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.choice import choose

COMPARE, RUN = "Compare", "Run"
SAMPLE, CUSTOM = "Test sample", "Your image"


def predict(project: Project, run: Run | None) -> dict[str, Any] | None:
    """Answer an image with the networks of a comparison, or with the opened run."""
    by_id = list_networks(project)
    view = choose("Networks", [COMPARE, RUN] if by_id else [RUN], key="networks", default=COMPARE if by_id else RUN)
    if view == RUN or not by_id:
        return predict_one(project, run)
    networks = choose_networks(project)
    choice = choose("Image", [SAMPLE, CUSTOM], key="compared-input")
    if choice == SAMPLE:
        _answer_sample(project, networks)
    else:
        _answer_upload(project, networks)
    return None


def _answer_sample(project: Project, networks: Mapping[str, Bundle]) -> None:
    first = next(iter(networks.values()))
    stored, labels = run_cache.predictions(first), first.labels
    row = load_modality(project).pick_sample(project, first.config.dataset, stored["test_ids"], key="compared-sample")
    sample, truth = int(stored["test_ids"][row]), int(stored["test_targets"][row])
    image, answers = st.columns([1, 3], gap="large")
    with image:
        load_modality(project).show(first.config, [sample], [labels[truth].replace("_", " ")], large=True)
    with answers:
        predictions = {}
        for name, bundle in networks.items():
            rows = np.flatnonzero(run_cache.predictions(bundle)["test_ids"] == sample)
            if bundle.config.dataset == first.config.dataset and len(rows):
                predictions[name] = run_cache.stored_prediction(bundle, int(rows[0]))
        show_answers(predictions, labels, truth=truth)


def _answer_upload(project: Project, networks: Mapping[str, Bundle]) -> None:
    payload = upload_image(project)
    if payload is None:
        return
    image, answers = st.columns([1, 3], gap="large")
    with answers:
        predictions = answer_all(project, networks, payload)
        show_answers(predictions, next(iter(networks.values())).labels)
    if predictions:
        with image:
            pixels = [np.array(prediction["pixels"], dtype=np.uint8) for prediction in predictions.values()]
            samples.show_images([max(pixels, key=len)], ["model input"], alt="Your image", width=224)
