"""Greedy decoding and beam search, compared with an exhaustive search."""

import itertools

import pytest
import torch

from dlcore.inference.decode import decode
from dlcore.models.seq2seq import Seq2Seq, Seq2SeqConfig

SYMBOLS, LENGTH = 7, 3  # 4 special tokens, 3 symbols
SOURCE = torch.tensor([[4, 5, 6], [6, 4, 0]])


@pytest.fixture(scope="module")
def module() -> Seq2Seq:
    torch.manual_seed(3)
    config = Seq2SeqConfig(width=8, layers=1, heads=2, feed_forward=8)
    network = Seq2Seq(config, sources=7, symbols=SYMBOLS, source_length=3, length=LENGTH).eval()
    with torch.no_grad():
        network.symbols.weight *= 6  # sharper predictions
    return network


def log_probability(module, source, ids) -> float:
    """Sum of the log probabilities of the symbols, in one forward pass; special tokens are excluded."""
    decoder_input = torch.tensor([[2, *ids[:-1]]])
    with torch.no_grad():
        logits = module(source[None], decoder_input)[0]
    logits[:, [0, 1, 2]] = float("-inf")
    return float(logits.log_softmax(dim=-1)[range(len(ids)), list(ids)].sum())


def all_texts():
    """Yield every output of at most LENGTH symbols, ended or truncated."""
    for length in range(LENGTH + 1):
        for text in itertools.product(range(4, SYMBOLS), repeat=length):
            yield (*text, 3) if length < LENGTH else text


def without_padding(ids) -> tuple[int, ...]:
    return tuple(number for number in ids.tolist() if number)


def test_exhaustive_beam_finds_the_most_probable_output(module):
    result = decode(module, SOURCE, length=LENGTH, beams=40)
    for row, source in enumerate(SOURCE):
        every = {text: log_probability(module, source, text) for text in all_texts()}
        assert without_padding(result.best[row]) == max(every, key=every.__getitem__)
        assert float(torch.tensor(list(every.values())).exp().sum()) == pytest.approx(1, abs=1e-5)
        scores = {
            without_padding(ids): float(score)
            for ids, score in zip(result.ids[row], result.scores[row], strict=True)
            if score > float("-inf")
        }
        assert scores == pytest.approx(every, abs=1e-4)


def test_greedy_decoding_selects_the_most_probable_symbol_at_each_step(module):
    result = decode(module, SOURCE, length=LENGTH)
    for row, source in enumerate(SOURCE):
        ids = without_padding(result.best[row])
        assert float(result.scores[row, 0]) == pytest.approx(log_probability(module, source, ids), abs=1e-4)
        for place in range(len(ids)):
            candidates = [log_probability(module, source, (*ids[:place], number)) for number in range(3, SYMBOLS)]
            assert 3 + max(range(len(candidates)), key=candidates.__getitem__) == ids[place]


def test_steps_are_consistent_and_contain_no_special_token_before_the_end(module):
    result = decode(module, SOURCE, length=LENGTH, beams=4)
    assert torch.equal(result.steps[-1].scores, result.scores)
    for before, after in itertools.pairwise(result.steps):
        drafts = before.ids.gather(1, after.parents[..., None].expand(-1, -1, before.ids.shape[2]))
        assert torch.equal(drafts, after.ids[..., :-1])
        assert (after.scores.diff(dim=1) <= 0).all()
    for text in result.ids.flatten(0, 1).tolist():
        ended = text.index(3) if 3 in text else LENGTH
        assert all(number >= 4 for number in text[:ended]) and not any(text[ended + 1 :])


def test_batch_size_does_not_change_the_beams(module):
    module.train()
    together = decode(module, SOURCE, length=LENGTH, beams=3)
    alone = decode(module, SOURCE[1:, :2], length=LENGTH, beams=3)
    assert module.training and torch.equal(together.ids[1], alone.ids[0])
    module.eval()
