"""Probabilities after each word, and the effect of switching a head off, against predictions computed directly."""

import numpy as np
import pytest
import torch

from dlcore import projects, runs
from dlcore.projects.language import inside, texts

SENTENCE = "what is the capital of a country"


@pytest.fixture(scope="module", params=["questions/gru", "bert/head", "news/encoder"])
def loaded(request):
    return runs.open_run(f"reference:{request.param}").finished_bundle.load()


def test_probability_after_each_word_is_that_of_the_shorter_text(loaded):
    encoded = texts.encode_text(loaded, SENTENCE)
    after = inside.prefix_probabilities(loaded, encoded)
    assert after.shape == (7, len(loaded.labels))
    np.testing.assert_allclose(after.sum(axis=1), 1.0, atol=1e-5)
    answer = projects.get(loaded.config.project).answer
    for words in (3, 7):
        expected = answer(loaded, " ".join(SENTENCE.split()[:words]).encode())["probabilities"]
        np.testing.assert_allclose(after[words - 1], [expected[label] for label in loaded.labels], atol=1e-5)


def test_heads_are_switched_off_one_at_a_time(loaded):
    encoded = texts.encode_text(loaded, SENTENCE)
    outputs = list(inside.attention_outputs(loaded.module))
    before = {name: weight.clone() for name, weight in loaded.module.named_parameters()}
    layers, effects = inside.head_effects(loaded, encoded, 1)
    assert len(layers) == len(outputs) and effects.shape[0] == len(layers)
    assert all(torch.equal(weight, before[name]) for name, weight in loaded.module.named_parameters())
    if not outputs:
        assert loaded.config.project == "questions"
        return
    _, output, heads = outputs[0]
    size, place = output.weight.shape[1] // heads, []

    def remove_head(module, inputs):
        place.append(inputs[0].shape)
        changed = inputs[0].clone()
        changed[..., size : 2 * size] = 0
        return (changed,)

    def probability():
        return projects.get(loaded.config.project).answer(loaded, SENTENCE.encode())["probabilities"][loaded.labels[1]]

    whole = probability()
    handle = output.register_forward_pre_hook(remove_head)
    changed = probability()
    handle.remove()
    assert place and effects[0, 1] == pytest.approx(changed - whole, abs=1e-5)
