"""The encoder's parts against PyTorch's own, from the same weights, and the figures of the classic one."""

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


def test_the_classic_one_has_12_012_196_parameters_1_810_596_of_them_trained():
    model = NewsEncoder(NewsEncoderConfig(), vocabulary=102_016, length=128, classes=4)
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    assert sum(n for n, _ in counts) == 12_012_196
    assert sum(n for n, trained in counts if trained) == 1_810_596
    assert sum(p.numel() for p in model.layers[0].parameters()) == 452_548
    assert model.classes.weight.numel() + model.classes.bias.numel() == 404


@pytest.mark.parametrize("width_heads", [(100, 5), (64, 2)])
def test_layers_are_those_of_pytorch_from_its_weights(width_heads, ids):
    width, heads = width_heads
    torch.manual_seed(0)
    theirs = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(width, heads, 2048, 0.0, batch_first=True), 4, enable_nested_tensor=False
    ).eval()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.1)
    ours = nn.ModuleDict({"layers": nn.ModuleList(encoder.EncoderLayer(width, heads, 2048, 0.0) for _ in range(4))})
    ours.load_state_dict(encoder.from_torch(theirs.state_dict()))
    x, result = torch.randn(*ids.shape, width), encoder.padding_mask(ids)
    wanted, got = theirs(x, src_key_padding_mask=~result), x
    for layer in ours["layers"]:
        got = layer(got, result[:, None, None])
    torch.testing.assert_close(got[result], wanted[result], rtol=1e-5, atol=1e-5)


def test_a_decoder_layer_is_pytorchs_from_its_weights(ids):
    torch.manual_seed(0)
    theirs = nn.TransformerDecoderLayer(20, 4, 32, 0.0, batch_first=True).eval()
    state = {}
    for name, tensor in theirs.state_dict().items():
        replace = (
            name.replace("norm2", "memory_norm").replace("norm3", "norm2").replace("multihead_attn", "memory.self_attn")
        )
        state[replace] = tensor
    state = {
        name.replace("memory.attention", "memory_attention"): each for name, each in encoder.from_torch(state).items()
    }
    ours = encoder.DecoderLayer(20, 4, 32, 0.0).eval()
    ours.load_state_dict(state)
    result, x, memory = encoder.padding_mask(ids), torch.randn(6, 30, 20), torch.randn(6, 30, 20)
    got = ours(x, memory, mask=result[:, None, None], memory_mask=result[:, None, None])
    wanted = theirs(x, memory, tgt_key_padding_mask=~result, memory_key_padding_mask=~result)
    torch.testing.assert_close(got[result], wanted[result], rtol=1e-5, atol=1e-5)


def test_padding_changes_nothing(model, ids):
    padded = torch.cat([ids, torch.zeros(6, 200, dtype=torch.int32)], dim=1)
    torch.testing.assert_close(model(padded), model(ids), rtol=0, atol=1e-6)


def test_an_empty_row_is_answered(model):
    assert torch.isfinite(model(torch.zeros(2, 5, dtype=torch.int32))).all()


def test_weights_of_attention_sum_to_one_and_leave_padding_out(model, ids):
    attention_weights = model.attention_weights(ids)
    assert [layer.shape for layer in attention_weights] == [(6, 4, 30, 30)] * 2
    for layer in attention_weights:
        torch.testing.assert_close(layer.sum(dim=-1), torch.ones(6, 4, 30))
        assert layer[0, :, :, 1:].max() == 0.0


def test_places_are_the_papers_sines():
    table = encoder.positional_encoding(50, 100)
    assert table[0, 0::2].eq(0).all() and table[0, 1::2].eq(1).all()
    assert table[7, 10] == pytest.approx(torch.tensor(7 / 10_000 ** (10 / 100)).sin().item(), abs=1e-6)
    assert table[7, 11] == pytest.approx(torch.tensor(7 / 10_000 ** (10 / 100)).cos().item(), abs=1e-6)


def test_words_are_forgotten_in_training_alone_and_padding_never(ids):
    torch.manual_seed(0)
    lost = encoder.word_dropout(ids, 0.5)
    assert lost[ids == 0].eq(0).all() and 0.3 < (lost[ids != 0] == 1).float().mean() < 0.7
    model = NewsEncoder(ImprovedEncoderConfig(width=20, heads=4), vocabulary=50, length=30, classes=4).eval()
    assert torch.equal(model(ids), model(ids))


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ConfigError, match="not a multiple of heads=3"):
        NewsEncoder(NewsEncoderConfig(heads=3), vocabulary=50, length=30, classes=4)
