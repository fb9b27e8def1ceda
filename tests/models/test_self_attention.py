"""Self-attention compared with PyTorch's."""

import pytest
import torch
from torch.nn import functional

from dlcore.data.text import recall
from dlcore.models.self_attention import PAD, QUESTION, AssociativeRecall, SelfAttention, SelfAttentionConfig


def test_model_and_data_use_the_same_token_ids():
    assert (PAD, QUESTION) == (recall.PAD, recall.QUESTION)


@pytest.mark.parametrize("mask", ["none", "causal"])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("heads", [1, 4])
def test_equals_scaled_dot_product_attention(heads, scaled, mask):
    torch.manual_seed(0)
    layer = SelfAttention(SelfAttentionConfig(heads=heads, key_size=8, size=12, scaled=scaled, mask=mask)).double()
    x = torch.randn(3, 7, 12, dtype=torch.float64)
    padding = torch.arange(7) < torch.tensor([7, 5, 1])[:, None]
    allowed = padding[:, None, None, :].expand(3, heads, 7, 7)
    if mask == "causal":
        allowed = allowed & torch.ones(7, 7, dtype=torch.bool).tril()
    q, k, v = (part(x).unflatten(2, (heads, 8)).transpose(1, 2) for part in (layer.query, layer.key, layer.value))
    scale = None if scaled else 1.0
    expected = functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed, scale=scale)
    expected = layer.out(expected.transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(x, padding), expected, rtol=0, atol=1e-12)
    weights = layer.attention_weights(x, padding)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, heads, 7, dtype=torch.float64))
    assert (weights[~allowed] == 0).all()


def test_without_positions_order_does_not_matter():
    torch.manual_seed(0)
    sequences = recall.make_sequences(5, pairs=6, question="last", seed=0)
    letters, values = torch.from_numpy(sequences.letters), torch.from_numpy(sequences.values)
    order = torch.randperm(letters.shape[1])
    for positions in (False, True):
        module = AssociativeRecall(SelfAttentionConfig(positions=positions), letters=10, classes=10, length=7)
        same = torch.allclose(module(letters, values), module(letters[:, order], values[:, order]), atol=1e-5)
        assert same is not positions
