"""Batches: every sample once per epoch, in a reproducible order."""

from itertools import chain

import numpy as np
import pytest
import torch

from dlcore.data import batches as module
from dlcore.data.batches import Batches
from dlcore.data.splits import Split


def split(n=103):
    rows = torch.arange(n, dtype=torch.float32).reshape(n, 1)
    return Split((rows,), torch.arange(n), np.arange(n))


def numbers(batches):
    return [targets.tolist() for _, targets in batches]


def test_each_sample_occurs_once_per_epoch():
    steps = numbers(Batches(split(), 16, seed=1).epoch(1))
    assert sorted(chain.from_iterable(steps)) == list(range(103))
    assert [len(step) for step in steps] == [16] * 6 + [7]
    assert len(Batches(split(), 16)) == 7


def test_order_depends_on_epoch_and_seed_only():
    order = numbers(Batches(split(), 16, seed=1).epoch(1))
    assert order == numbers(Batches(split(), 16, seed=1).epoch(1))
    assert order != numbers(Batches(split(), 16, seed=1).epoch(2))
    assert order != numbers(Batches(split(), 16, seed=2).epoch(1))


@pytest.mark.parametrize("start", range(8))
def test_epoch_can_resume_at_any_batch(start, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", 12 * 16 * 2)  # chunks of two batches
    whole = numbers(Batches(split(), 16, seed=1).epoch(3))
    assert numbers(Batches(split(), 16, seed=1).epoch(3, start)) == whole[start:]


def test_chunk_size_does_not_change_the_order(monkeypatch):
    whole = numbers(Batches(split(), 16, seed=1).epoch(1))
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    assert numbers(Batches(split(), 16, seed=1).epoch(1)) == whole


def test_order_without_seed_is_that_of_the_split():
    assert list(chain.from_iterable(numbers(Batches(split(), 16).epoch(5)))) == list(range(103))


def test_inputs_and_targets_stay_together_and_a_target_may_be_the_input():
    for inputs, targets in Batches(split(), 16, seed=4).epoch(1):
        assert inputs[0].flatten().tolist() == targets.tolist()
    rows = torch.rand(10, 2)
    for inputs, targets in Batches(Split((rows,), rows, np.arange(10)), 4, seed=4).epoch(1):
        assert inputs[0] is targets


@pytest.mark.parametrize("world", [2, 3, 4])
@pytest.mark.parametrize("rows", [96, 103, 97, 99, 101])
def test_processes_share_the_batches_of_one_process(world, rows):
    whole = Batches(split(rows), 16, seed=1)
    shares = [Batches(split(rows), 16, seed=1, share=(rank, world)) for rank in range(world)]
    parts = zip(*(numbers(share.epoch(1)) for share in shares), strict=True)
    for number, (batch, pieces) in enumerate(zip(numbers(whole.epoch(1)), parts, strict=True)):
        counted = [share.counts(number) for share in shares]
        assert [size for _, size in counted] == [len(batch)] * world
        assert [sample for part, (count, _) in zip(pieces, counted, strict=True) for sample in part[:count]] == batch
        assert min(len(part) for part in pieces) >= 2  # of a batch that is too small, every process gets all


def test_random_draws_differ_between_processes_and_do_not_depend_on_the_start():
    def draws(rank, start):
        batches = Batches(split(), 16, seed=1, share=(rank, 2), transform=lambda inputs, training: (torch.rand(2),))
        return [inputs[0].tolist() for inputs, _ in batches.epoch(3, start)]

    assert draws(0, 0)[2:] == draws(0, 2)
    assert not any(a == b for a, b in zip(draws(0, 0), draws(1, 0), strict=True))


def test_transform_receives_the_training_flag():
    flags = []

    def note(inputs, training):
        flags.append(training)
        return inputs

    list(Batches(split(), 64, seed=1, transform=note).epoch(1))
    list(Batches(split(), 64, transform=note).epoch(1))
    assert flags == [True, True, False, False]


def test_samples_are_batched_by_length():
    lengths = np.random.default_rng(0).integers(1, 100, 1003)
    padded = Split((torch.arange(1003)[:, None],), torch.arange(1003), np.arange(1003), lengths=lengths)
    steps = numbers(Batches(padded, 16, seed=1).epoch(1))
    assert sorted(chain.from_iterable(steps)) == list(range(1003))
    assert steps == numbers(Batches(padded, 16, seed=1).epoch(1)) != numbers(Batches(padded, 16, seed=1).epoch(2))
    spread = np.mean([np.ptp(lengths[step]) for step in steps[:-1]])
    assert spread < 10  # about 90 for random batches
    first = [lengths[step].mean() for step in steps[:20]]
    assert np.std(first) > 10  # short and long batches alternate
    assert first != sorted(first)


def test_fewer_samples_than_a_batch_with_lengths_are_kept():
    few = Split((torch.arange(5)[:, None],), torch.arange(5), np.arange(5), lengths=np.arange(5))
    assert sorted(numbers(Batches(few, 16, seed=1).epoch(1))[0]) == [0, 1, 2, 3, 4]


def sizes(n, batch_size, **options):
    return [len(step) for step in numbers(Batches(split(n), batch_size, seed=1, **options).epoch(1))]


def test_last_training_sample_joins_the_batch_before(monkeypatch):
    assert sizes(129, 64) == [64, 65] and len(Batches(split(129), 64, seed=1)) == 2
    assert sizes(130, 64) == [64, 64, 2]
    assert sizes(128, 64) == [64, 64]
    assert sizes(1, 64) == [1]
    steps = numbers(Batches(split(129), 64, seed=1).epoch(1))
    assert sorted(chain.from_iterable(steps)) == list(range(129))
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)  # chunks of one batch
    assert numbers(Batches(split(129), 64, seed=1).epoch(1)) == steps
    assert numbers(Batches(split(129), 64, seed=1).epoch(1, 1)) == steps[1:]


def test_batches_for_prediction_are_not_changed():
    assert [len(step) for step in numbers(Batches(split(129), 64).epoch(1))] == [64, 64, 1]


def test_last_sample_joins_the_batch_before_when_lengths_are_sorted():
    n = 129
    rows = torch.arange(n, dtype=torch.float32).reshape(n, 1)
    lengths = np.arange(n) % 7 + 1
    batches = Batches(Split((rows,), torch.arange(n), np.arange(n), lengths=lengths), 64, seed=1)
    steps = numbers(batches.epoch(1))
    assert [len(step) for step in steps] == [64, 65]
    assert sorted(chain.from_iterable(steps)) == list(range(n))


def test_last_sample_joins_the_batch_before_in_numpy():
    from dlcore.data.array_batches import ArrayBatches

    batches = ArrayBatches(np.arange(129.0), np.arange(129), 64, seed=1)
    assert [len(targets) for _, targets in batches.epoch(1)] == [64, 65] and len(batches) == 2
    assert [len(targets) for _, targets in batches.epoch(1, 1)] == [65]
