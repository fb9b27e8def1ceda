"""Encoder-decoder compared with `nn.Transformer`; padding and causal mask."""

import pytest
import torch
from torch import nn

from dlcore.models import seq2seq
from dlcore.models.seq2seq import Seq2Seq, Seq2SeqConfig

SOURCE = torch.tensor([[5, 9, 4, 7, 6], [8, 4, 9, 0, 0], [6, 0, 0, 0, 0]])
DECODER_INPUT = torch.tensor([[2, 7, 5, 4], [2, 6, 0, 0], [2, 4, 8, 0]])


def build(**settings) -> Seq2Seq:
    torch.manual_seed(0)
    config = Seq2SeqConfig(width=16, layers=3, heads=2, feed_forward=24, **settings)
    return Seq2Seq(config, sources=12, symbols=10, source_length=8, length=8).eval()


@pytest.fixture(scope="module")
def pair() -> tuple[Seq2Seq, nn.Transformer]:
    torch.manual_seed(1)
    theirs = nn.Transformer(16, 2, 3, 3, 24, dropout=0.0, batch_first=True)  # as in training: no nested tensors
    for parameter in theirs.parameters():
        parameter.data += 0.3 * torch.randn_like(
            parameter
        )  # including biases and norms, which torch initializes to 0 and 1
    ours = build()
    missing, unexpected = ours.load_state_dict(seq2seq.from_torch(theirs.state_dict()), strict=False)
    assert not unexpected and {name.partition(".")[0] for name in missing} == {
        "source_embedding",
        "embedding",
        "symbols",
    }
    return ours, theirs


def test_outputs_match_nn_transformer(pair):
    ours, theirs = pair
    with torch.no_grad():
        source = ours.source_embedding(SOURCE) + ours.positional_encoding[:5]
        decoder_input = ours.embedding(DECODER_INPUT) + ours.positional_encoding[:4]
        padding = SOURCE == 0
        states = theirs(
            source,
            decoder_input,
            tgt_mask=torch.ones(4, 4, dtype=torch.bool).triu(1),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        memory, _ = ours.encode(SOURCE)
        torch.testing.assert_close(ours(SOURCE, DECODER_INPUT), ours.symbols(states), rtol=0, atol=1e-5)
        expected = theirs.encoder(source, src_key_padding_mask=padding)
    torch.testing.assert_close(memory[~padding], expected[~padding], rtol=0, atol=1e-5)


def test_padding_and_later_symbols_do_not_change_the_output(pair):
    ours, _ = pair
    with torch.no_grad():
        together = ours(SOURCE, DECODER_INPUT)
        alone = ours(SOURCE[1:2, :3], DECODER_INPUT[1:2, :2])
        later = DECODER_INPUT.clone()
        later[:, 2:] = 9
        changed = ours(SOURCE, later)
    torch.testing.assert_close(together[1:2, :2], alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(together[:, :2], changed[:, :2], rtol=0, atol=1e-6)
    assert (together[:, 2:] - changed[:, 2:]).abs().max() > 1e-3


def test_cross_attention_matches_nn_transformer(pair):
    ours, theirs = pair
    with torch.no_grad():
        weights = ours.cross_attention(SOURCE, DECODER_INPUT)
        assert weights.shape == (3, 3, 2, 4, 5)
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 3, 2, 4))
        assert weights[2, ..., 1:].abs().max() == 0  # the source has one symbol
        layer = theirs.decoder.layers[0]
        x = ours.embedding(DECODER_INPUT) + ours.positional_encoding[:4]
        mask = torch.ones(4, 4, dtype=torch.bool).triu(1)
        query = layer.norm1(x + layer.self_attn(x, x, x, attn_mask=mask, need_weights=False)[0])
        memory, _ = ours.encode(SOURCE)
        _, expected = layer.multihead_attn(
            query, memory, memory, key_padding_mask=SOURCE == 0, average_attn_weights=False, need_weights=True
        )
    torch.testing.assert_close(weights[:, 0], expected, rtol=0, atol=1e-5)
