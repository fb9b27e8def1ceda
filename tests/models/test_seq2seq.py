"""The encoder-decoder is torch's from the same weights; padding and what comes later change nothing."""

import pytest
import torch
from torch import nn

from dlcore.models import seq2seq
from dlcore.models.seq2seq import Seq2Seq, Seq2SeqConfig

SOURCE = torch.tensor([[5, 9, 4, 7, 6], [8, 4, 9, 0, 0], [6, 0, 0, 0, 0]])
GIVEN = torch.tensor([[2, 7, 5, 4], [2, 6, 0, 0], [2, 4, 8, 0]])


def built(**settings) -> Seq2Seq:
    torch.manual_seed(0)
    config = Seq2SeqConfig(width=16, layers=3, heads=2, feed_forward=24, **settings)
    return Seq2Seq(config, sources=12, symbols=10, source_length=8, length=8).eval()


@pytest.fixture(scope="module")
def pair() -> tuple[Seq2Seq, nn.Transformer]:
    torch.manual_seed(1)
    theirs = nn.Transformer(16, 2, 3, 3, 24, dropout=0.0, batch_first=True)  # as in training: no nested tensors
    for parameter in theirs.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)  # biases and norms too, which torch starts at 0 and 1
    ours = built()
    missing, unexpected = ours.load_state_dict(seq2seq.from_torch(theirs.state_dict()), strict=False)
    assert not unexpected and {name.partition(".")[0] for name in missing} == {
        "source_embedding",
        "embedding",
        "symbols",
    }
    return ours, theirs


def test_it_is_torchs_transformer_from_the_same_weights(pair):
    ours, theirs = pair
    with torch.no_grad():
        read = ours.source_embedding(SOURCE) + ours.places[:5]
        embedding = ours.embedding(GIVEN) + ours.places[:4]
        padding = SOURCE == 0
        states = theirs(
            read,
            embedding,
            tgt_mask=torch.ones(4, 4, dtype=torch.bool).triu(1),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        memory, _ = ours.encode(SOURCE)
        torch.testing.assert_close(ours(SOURCE, GIVEN), ours.symbols(states), rtol=0, atol=1e-5)
        encoder = theirs.encoder(read, src_key_padding_mask=padding)
    torch.testing.assert_close(memory[~padding], encoder[~padding], rtol=0, atol=1e-5)


def test_padding_and_what_comes_later_change_nothing(pair):
    ours, _ = pair
    with torch.no_grad():
        together = ours(SOURCE, GIVEN)
        alone = ours(SOURCE[1:2, :3], GIVEN[1:2, :2])
        later = GIVEN.clone()
        later[:, 2:] = 9
        changed = ours(SOURCE, later)
    torch.testing.assert_close(together[1:2, :2], alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(together[:, :2], changed[:, :2], rtol=0, atol=1e-6)
    assert (together[:, 2:] - changed[:, 2:]).abs().max() > 1e-3


def test_cross_attention_is_that_of_the_way_forward(pair):
    ours, theirs = pair
    with torch.no_grad():
        cross_attention = ours.cross_attention(SOURCE, GIVEN)
        assert cross_attention.shape == (3, 3, 2, 4, 5)
        torch.testing.assert_close(cross_attention.sum(dim=-1), torch.ones(3, 3, 2, 4))
        assert cross_attention[2, ..., 1:].abs().max() == 0  # nothing but its one symbol to look at
        layer = theirs.decoder.layers[0]
        x = ours.embedding(GIVEN) + ours.places[:4]
        mask = torch.ones(4, 4, dtype=torch.bool).triu(1)
        asks = layer.norm1(x + layer.self_attn(x, x, x, attn_mask=mask, need_weights=False)[0])
        memory, _ = ours.encode(SOURCE)
        _, result = layer.multihead_attn(
            asks, memory, memory, key_padding_mask=SOURCE == 0, average_attn_weights=False, need_weights=True
        )
    torch.testing.assert_close(cross_attention[:, 0], result, rtol=0, atol=1e-5)
