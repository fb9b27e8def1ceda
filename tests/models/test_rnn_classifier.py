"""Recurrent classifiers: padding, bidirectional layers and pooling, compared with PyTorch's packed sequences."""

import pytest
import torch
from torch import nn

from dlcore.models import pooling
from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig
from dlcore.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from dlcore.models.recurrence import CELLS
from dlcore.models.rnn_classifier import RnnClassifier, RnnClassifierConfig

LENGTHS = (1, 2, 10, 29, 30, 17)


@pytest.fixture
def ids() -> torch.Tensor:
    torch.manual_seed(1)
    ids = torch.randint(1, 50, (6, 30), dtype=torch.int32)
    for row, length in enumerate(LENGTHS):
        ids[row, length:] = 0
    return ids


def padded(ids: torch.Tensor) -> torch.Tensor:
    return torch.cat([ids, torch.zeros(len(ids), 200, dtype=torch.int32)], dim=1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("how", ["last", "mean_max"])
def test_padding_does_not_change_the_output(cell, bidirectional, how, ids):
    torch.manual_seed(0)
    config = RnnClassifierConfig(embedding=8, hidden=12, layers=2, bidirectional=bidirectional, pooling=how)
    model = RnnClassifier(config, cell=cell, vocabulary=50, classes=3).eval()
    torch.testing.assert_close(model(padded(ids)), model(ids), rtol=0, atol=1e-6)


def test_padding_does_not_change_the_output_of_an_encoder_decoder(ids):
    torch.manual_seed(0)
    for causal in (False, True):
        config = EncoderDecoderConfig(width=8, feed_forward=16, causal=causal)
        model = EncoderDecoder(config, vocabulary=50, length=300, classes=2).eval()
        torch.testing.assert_close(model(padded(ids)), model(ids), rtol=0, atol=1e-6)


def test_output_depends_on_padding_with_last_padded_pooling(ids):
    torch.manual_seed(0)
    config = BaseLstmConfig(embedding=8, hidden=12, pooling="last_padded")
    model = BaseLstm(config, vocabulary=50, classes=2).eval()
    short = ids[:3]
    near, far = model(short), model(padded(short))
    assert (near - far).abs().max() > 1e-3
    assert (far - far[0]).abs().max() < 0.1 * (near - near[0]).abs().max()  # little of the text is left in the state


@pytest.mark.parametrize("cell", CELLS)
def test_bidirectional_layers_match_packed_sequences(cell, ids):
    torch.manual_seed(0)
    ours = RnnClassifier(
        RnnClassifierConfig(embedding=8, hidden=12, layers=2, pooling="last"), cell=cell, vocabulary=50, classes=3
    ).eval()
    theirs = CELLS[cell](8, 12, 2, batch_first=True, bidirectional=True)
    theirs.load_state_dict(
        {
            name.replace("_l0", f"_l{depth}{suffix}"): tensor
            for suffix, layers in (("", ours.forth), ("_reverse", ours.back))
            for depth, layer in enumerate(layers)
            for name, tensor in layer.state_dict().items()
        }
    )
    packed = nn.utils.rnn.pack_padded_sequence(
        ours.embedding(ids), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    _, last = theirs(packed)
    state = last[0] if cell == "lstm" else last  # (layers x directions, N, D)
    expected = ours.classes(torch.cat([state[-2], state[-1]], dim=1))
    torch.testing.assert_close(ours(ids), expected, rtol=1e-5, atol=1e-5)


def test_pooling_ignores_padding():
    states, ids = torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[4, 5, 0]])
    assert pooling.max_mean_pool(states, ids).tolist() == [[3.0, 2.0]]
    assert pooling.last_state(states, ids).tolist() == [[3.0]]
    assert pooling.reverse_tokens(states, ids).flatten().tolist() == [3.0, 1.0, 9.0]
    assert pooling.max_mean_pool(states, torch.zeros(1, 3)).isfinite().all()


def test_encoder_decoder_averages_over_words_only(ids):
    torch.manual_seed(0)
    model = EncoderDecoder(EncoderDecoderConfig(width=8, feed_forward=16), vocabulary=50, length=30, classes=2).eval()
    assert len(model.encoder) == len(model.decoder) == 3 and model.encoder[0].attention.heads == 2
    assert torch.isfinite(model(torch.zeros(2, 5, dtype=torch.int32))).all()
    alone = model(ids[2:3, :10])
    torch.testing.assert_close(model(ids)[2:3], alone, rtol=1e-5, atol=1e-6)
