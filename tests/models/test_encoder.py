"""Encoder layers compared with PyTorch's, from the same weights; parameter counts of the classic encoder."""

import pytest
import torch
from torch import nn

from dlcore.core.errors import ConfigError
from dlcore.models import encoder
from dlcore.models.news_encoder import ImprovedEncoderConfig, NewsEncoder, NewsEncoderConfig

SMALL = NewsEncoderConfig(width=20, layers=2, heads=4, feed_forward=32)


@pytest.fixture
def ids() -> torch.Tensor:
    torch.manual_seed(1)
    ids = torch.randint(1, 50, (6, 30), dtype=torch.int32)
    for row, length in enumerate((1, 2, 10, 29, 30, 17)):
        ids[row, length:] = 0
    return ids


@pytest.fixture
def model() -> NewsEncoder:
    torch.manual_seed(0)
    return NewsEncoder(SMALL, vocabulary=50, length=300, classes=4).eval()


def test_classic_encoder_has_12_012_196_parameters_1_810_596_of_them_trainable():
    model = NewsEncoder(NewsEncoderConfig(), vocabulary=102_016, length=128, classes=4)
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    assert sum(n for n, _ in counts) == 12_012_196
    assert sum(n for n, trained in counts if trained) == 1_810_596
    assert sum(p.numel() for p in model.layers[0].parameters()) == 452_548
    assert model.classes.weight.numel() + model.classes.bias.numel() == 404


@pytest.mark.parametrize("width_heads", [(100, 5), (64, 2)])
def test_encoder_layers_match_pytorch(width_heads, ids):
    width, heads = width_heads
    torch.manual_seed(0)
    theirs = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(width, heads, 2048, 0.0, batch_first=True), 4, enable_nested_tensor=False
    ).eval()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.1)
    ours = nn.ModuleDict({"layers": nn.ModuleList(encoder.EncoderLayer(width, heads, 2048, 0.0) for _ in range(4))})
    ours.load_state_dict(encoder.from_torch(theirs.state_dict()))
    x, mask = torch.randn(*ids.shape, width), encoder.padding_mask(ids)
    expected, actual = theirs(x, src_key_padding_mask=~mask), x
    for layer in ours["layers"]:
        actual = layer(actual, mask[:, None, None])
    torch.testing.assert_close(actual[mask], expected[mask], rtol=1e-5, atol=1e-5)


def test_decoder_layer_matches_pytorch(ids):
    torch.manual_seed(0)
    theirs = nn.TransformerDecoderLayer(20, 4, 32, 0.0, batch_first=True).eval()
    state = {}
    for name, tensor in theirs.state_dict().items():
        renamed = (
            name.replace("norm2", "memory_norm").replace("norm3", "norm2").replace("multihead_attn", "memory.self_attn")
        )
        state[renamed] = tensor
    state = {
        name.replace("memory.attention", "memory_attention"): each for name, each in encoder.from_torch(state).items()
    }
    ours = encoder.DecoderLayer(20, 4, 32, 0.0).eval()
    ours.load_state_dict(state)
    mask, x, memory = encoder.padding_mask(ids), torch.randn(6, 30, 20), torch.randn(6, 30, 20)
    actual = ours(x, memory, mask=mask[:, None, None], memory_mask=mask[:, None, None])
    expected = theirs(x, memory, tgt_key_padding_mask=~mask, memory_key_padding_mask=~mask)
    torch.testing.assert_close(actual[mask], expected[mask], rtol=1e-5, atol=1e-5)


def test_padding_does_not_change_the_output(model, ids):
    padded = torch.cat([ids, torch.zeros(6, 200, dtype=torch.int32)], dim=1)
    torch.testing.assert_close(model(padded), model(ids), rtol=0, atol=1e-6)


def test_empty_row_has_finite_logits(model):
    assert torch.isfinite(model(torch.zeros(2, 5, dtype=torch.int32))).all()


def test_attention_weights_sum_to_one_and_exclude_padding(model, ids):
    weights = model.attention_weights(ids)
    assert [layer.shape for layer in weights] == [(6, 4, 30, 30)] * 2
    for layer in weights:
        torch.testing.assert_close(layer.sum(dim=-1), torch.ones(6, 4, 30))
        assert layer[0, :, :, 1:].max() == 0.0


def test_positional_encoding_is_sinusoidal():
    table = encoder.positional_encoding(50, 100)
    assert table[0, 0::2].eq(0).all() and table[0, 1::2].eq(1).all()
    assert table[7, 10] == pytest.approx(torch.tensor(7 / 10_000 ** (10 / 100)).sin().item(), abs=1e-6)
    assert table[7, 11] == pytest.approx(torch.tensor(7 / 10_000 ** (10 / 100)).cos().item(), abs=1e-6)


def test_word_dropout_applies_in_training_only_and_spares_padding(ids):
    torch.manual_seed(0)
    lost = encoder.word_dropout(ids, 0.5)
    assert lost[ids == 0].eq(0).all() and 0.3 < (lost[ids != 0] == 1).float().mean() < 0.7
    model = NewsEncoder(ImprovedEncoderConfig(width=20, heads=4), vocabulary=50, length=30, classes=4).eval()
    assert torch.equal(model(ids), model(ids))


def test_width_must_be_a_multiple_of_heads():
    with pytest.raises(ConfigError, match="not a multiple of heads=3"):
        NewsEncoder(NewsEncoderConfig(heads=3), vocabulary=50, length=30, classes=4)
