"""Recurrent classifier over a frozen BERT: state dict, padding and training."""

import pytest
import torch

from dlcore.models.bert import Bert
from dlcore.models.frozen_bert_rnn import FrozenBertRnn, FrozenBertRnnConfig

CONFIG = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 256,
}


def build(cell="gru", pooling="mean_max", **options):
    torch.manual_seed(0)
    config = FrozenBertRnnConfig(hidden=8, pooling=pooling, **options)
    return FrozenBertRnn(config, cell=cell, width=16, classes=3)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("pooling", ["mean_max", "last"])
@pytest.mark.parametrize("both", [True, False])
def test_padding_does_not_change_the_output(cell, pooling, both):
    model = build(cell, pooling, bidirectional=both, layers=2).eval()
    states, mask = torch.randn(2, 5, 16), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    states = states * mask[..., None]
    more = torch.nn.functional.pad(states, (0, 0, 0, 200)), torch.nn.functional.pad(mask, (0, 200))
    with torch.no_grad():
        torch.testing.assert_close(model(*more), model(states, mask), atol=1e-6, rtol=0)


def test_ids_and_precomputed_states_give_the_same_output():
    model, bert = build().double().eval(), Bert(CONFIG).double().eval()  # float32 rounds by 1e-6 for different T
    names = set(model.state_dict())
    model.attach(bert)
    ids = torch.tensor([[2, 7, 8, 9], [2, 11, 0, 0]])
    with torch.no_grad():
        torch.testing.assert_close(model(ids), model(bert(ids), ids), atol=1e-6, rtol=0)
        longer = torch.nn.functional.pad(ids, (0, 200))
        torch.testing.assert_close(model(longer), model(ids), atol=1e-6, rtol=0)
    assert set(model.state_dict()) == names, "the state dict must not contain the pretrained weights"
    build().load_state_dict(model.state_dict())
    model.load_state_dict(build().state_dict())
    with pytest.raises(RuntimeError, match="Missing"):
        model.load_state_dict({})
    assert not any(parameter.requires_grad for parameter in bert.parameters())
    assert not model.train().bert.training


def test_gradient_reaches_every_parameter_and_one_batch_can_be_fit():
    model = build(dropout=0.0)
    states, mask, targets = torch.randn(6, 5, 16), torch.ones(6, 5, dtype=torch.long), torch.tensor([0, 1, 2] * 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(states, mask), targets)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.05
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
