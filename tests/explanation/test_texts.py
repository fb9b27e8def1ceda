"""Integrated gradients by word for every kind of text model: they add up, and cuDNN's flag is left as it was."""

import pytest
import torch

from dlcore.explanation.attribution import attribute
from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig
from dlcore.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from dlcore.models.news_encoder import NewsEncoder, NewsEncoderConfig
from dlcore.models.rnn_classifier import RnnClassifier, RnnClassifierConfig

SIZES = {"vocabulary": 40, "classes": 3}
BUILDS = {
    "base_lstm": lambda: BaseLstm(BaseLstmConfig(embedding=8, hidden=8), **SIZES),
    "encoder": lambda: NewsEncoder(NewsEncoderConfig(width=8, heads=2, layers=2, feed_forward=16), length=20, **SIZES),
    "encoder_decoder": lambda: EncoderDecoder(EncoderDecoderConfig(width=8, feed_forward=16), length=20, **SIZES),
    **{
        cell: (
            lambda cell=cell: RnnClassifier(RnnClassifierConfig(embedding=8, hidden=8, layers=2), cell=cell, **SIZES)
        )
        for cell in ("rnn", "gru", "lstm")
    },
}
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", BUILDS)
def test_words_add_up_to_the_score(name, device):
    torch.manual_seed(0)
    module = BUILDS[name]().to(device).eval()
    ids = torch.randint(2, 40, (1, 9), dtype=torch.int32)
    unknown, flag = torch.ones_like(ids), torch.backends.cudnn.enabled
    before = {key: value.clone() for key, value in module.state_dict().items()}
    result = attribute(module, ids, 1, baseline=unknown, steps=256)
    assert result.values.shape == (1, 9) and abs(result.values).max() > 0
    difference = abs(float(result.output[0] - result.baseline_output[0]))
    assert abs(float(result.delta[0])) <= max(0.02 * difference, 2e-3)
    assert torch.backends.cudnn.enabled == flag and not module.training
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize("name", BUILDS)
def test_a_hidden_word_is_what_feature_ablation_says(name):
    torch.manual_seed(0)
    module = BUILDS[name]().eval()
    ids = torch.randint(2, 40, (1, 6), dtype=torch.int32)
    result = attribute(module, ids, 0, baseline=torch.ones_like(ids), method="feature_ablation")
    hidden = ids.clone()
    hidden[0, 2] = 1
    with torch.no_grad():
        value = float((module(ids) - module(hidden))[0, 0])
    assert float(result.values[0, 2]) == pytest.approx(value, abs=1e-5)
