import pytest
import torch

from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig

SMALL = BaseLstmConfig(embedding=8, hidden=12)


@pytest.fixture
def model() -> BaseLstm:
    torch.manual_seed(0)
    return BaseLstm(SMALL, vocabulary=50, classes=2).eval()


@pytest.fixture
def ids() -> torch.Tensor:
    torch.manual_seed(1)
    ids = torch.randint(1, 50, (6, 30), dtype=torch.int32)
    for row, length in enumerate((1, 2, 10, 29, 30, 17)):
        ids[row, length:] = 0
    return ids


@pytest.mark.parametrize("extra", [1, 200])
def test_padding_does_not_change_the_output(model, ids, extra):
    padded = torch.cat([ids, torch.zeros(6, extra, dtype=torch.int32)], dim=1)
    torch.testing.assert_close(model(padded), model(ids), rtol=0, atol=1e-6)


def test_output_depends_on_the_last_word(model, ids):
    changed = ids.clone()
    changed[2, 9] = changed[2, 9] % 49 + 1
    change = (model(changed) - model(ids)).abs().amax(dim=1)
    assert change[2] > 1e-4 and change[[0, 1, 3, 4, 5]].max() < 1e-6


def test_last_state_equals_packed_sequences(model, ids):
    """Compare with `pack_padded_sequence`."""
    lengths = ids.ne(0).sum(dim=1)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        model.embedding(ids), lengths, batch_first=True, enforce_sorted=False
    )
    _, (states, _) = model.lstm(packed)
    torch.testing.assert_close(model(ids), model.classes(states[-1]), rtol=1e-5, atol=1e-6)


def test_empty_row_has_finite_logits(model):
    assert torch.isfinite(model(torch.zeros(2, 5, dtype=torch.int32))).all()


def test_default_has_three_layers_open_forget_gates_and_dropout():
    model = BaseLstm(SMALL, vocabulary=50, classes=2)
    assert model.lstm.num_layers == 3 and not model.lstm.bidirectional
    assert model.lstm.dropout == model.dropout.p == SMALL.dropout
    for layer in range(3):
        biases = getattr(model.lstm, f"bias_ih_l{layer}") + getattr(model.lstm, f"bias_hh_l{layer}")
        assert biases[12:24].eq(1).all() and biases[:12].eq(0).all() and biases[24:].eq(0).all()


def test_padding_embedding_stays_zero(model, ids):
    model.train()
    model(ids).sum().backward()
    assert model.embedding.weight[0].eq(0).all() and model.embedding.weight.grad[0].eq(0).all()
