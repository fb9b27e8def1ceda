"""Writing symbol by symbol: greedy takes the likeliest, a wide beam finds the likeliest text of all."""

import itertools

import pytest
import torch

from dlcore.inference.decode import decode
from dlcore.models.seq2seq import Seq2Seq, Seq2SeqConfig

SYMBOLS, LENGTH = 7, 3  # 4 special numbers, 3 symbols
SOURCE = torch.tensor([[4, 5, 6], [6, 4, 0]])


@pytest.fixture(scope="module")
def module() -> Seq2Seq:
    torch.manual_seed(3)
    config = Seq2SeqConfig(width=8, layers=1, heads=2, feed_forward=8)
    result = Seq2Seq(config, sources=7, symbols=SYMBOLS, source_length=3, length=LENGTH).eval()
    with torch.no_grad():
        result.symbols.weight *= 6  # a network that is sure of something
    return result


def log_probability(module, source, ids) -> float:
    """By one way forward, symbol by symbol, over what may be written."""
    tensor = torch.tensor([[2, *ids[:-1]]])
    with torch.no_grad():
        logits = module(source[None], tensor)[0]
    logits[:, [0, 1, 2]] = float("-inf")
    return float(logits.log_softmax(dim=-1)[range(len(ids)), list(ids)].sum())


def every_text():
    """All that can be written with LENGTH symbols at most: ended, or cut at the length."""
    for length in range(LENGTH + 1):
        for text in itertools.product(range(4, SYMBOLS), repeat=length):
            yield (*text, 3) if length < LENGTH else text


def plain(ids) -> tuple[int, ...]:
    return tuple(number for number in ids.tolist() if number)


def test_a_beam_that_keeps_everything_finds_the_likeliest_text_of_all(module):
    result = decode(module, SOURCE, length=LENGTH, beams=40)
    for row, source in enumerate(SOURCE):
        every = {text: log_probability(module, source, text) for text in every_text()}
        assert plain(result.best[row]) == max(every, key=every.__getitem__)
        assert float(torch.tensor(list(every.values())).exp().sum()) == pytest.approx(1, abs=1e-5)
        values = {
            plain(ids): float(score)
            for ids, score in zip(result.ids[row], result.scores[row], strict=True)
            if score > float("-inf")
        }
        assert values == pytest.approx(every, abs=1e-4)


def test_greedy_takes_the_likeliest_symbol_each_time(module):
    result = decode(module, SOURCE, length=LENGTH)
    for row, source in enumerate(SOURCE):
        ids = plain(result.best[row])
        assert float(result.scores[row, 0]) == pytest.approx(log_probability(module, source, ids), abs=1e-4)
        for place in range(len(ids)):
            log_probabilitys = [log_probability(module, source, (*ids[:place], number)) for number in range(3, SYMBOLS)]
            assert 3 + max(range(len(log_probabilitys)), key=log_probabilitys.__getitem__) == ids[place]


def test_steps_lead_to_the_end_and_never_a_sign_in_between(module):
    result = decode(module, SOURCE, length=LENGTH, beams=4)
    assert torch.equal(result.steps[-1].scores, result.scores)
    for before, after in itertools.pairwise(result.steps):
        drafts = before.ids.gather(1, after.parents[..., None].expand(-1, -1, before.ids.shape[2]))
        assert torch.equal(drafts, after.ids[..., :-1])
        assert (after.scores.diff(dim=1) <= 0).all()
    for text in result.ids.flatten(0, 1).tolist():
        ended = text.index(3) if 3 in text else LENGTH
        assert all(number >= 4 for number in text[:ended]) and not any(text[ended + 1 :])


def test_a_beam_of_the_same_text_alone_or_in_a_batch_and_the_module_stays_as_it_was(module):
    module.train()
    together = decode(module, SOURCE, length=LENGTH, beams=3)
    alone = decode(module, SOURCE[1:, :2], length=LENGTH, beams=3)
    assert module.training and torch.equal(together.ids[1], alone.ids[0])
    module.eval()
