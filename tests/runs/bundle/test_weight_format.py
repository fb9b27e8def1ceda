import typing

import pytest
import torch
from torch import nn

from dlcore import cli
from dlcore.runs.bundle import weight_format
from dlcore.runs.bundle.weight_format import WeightFormat, decode, encode, round_trip


def weights():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Embedding(300, 20), nn.Conv2d(8, 70, 3), nn.BatchNorm2d(70), nn.Linear(10, 10))
    return {**module.state_dict(), "zero": torch.zeros(100, 50), "tiny": torch.full((100, 50), 1e-40)}


def test_eight_bits_are_off_by_half_a_step_of_the_row_at_most():
    found = round_trip(weights(), "int8")
    for name, tensor in weights().items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
        if tensor.numel() >= weight_format.SMALL:
            step = tensor.flatten(1).abs().amax(dim=1) / 127
            assert ((found[name] - tensor).flatten(1).abs().amax(dim=1) <= step * 0.5001 + 1e-37).all()


def test_a_quarter_as_large_and_small_ones_in_half_precision():
    kept = encode(weights(), "int8")
    assert kept["0.weight"].dtype == torch.int8 and kept["0.weight:scale"].shape == (300,)
    assert kept["3.weight"].dtype == torch.float16 and "3.weight:scale" not in kept
    assert kept["2.num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize("form", typing.get_args(WeightFormat))
def test_rounded_twice_is_rounded_once_to_the_last_bit(form):
    once = round_trip(weights(), form)
    again = round_trip(once, form)
    assert all(torch.equal(once[name], again[name]) for name in once)
    if form == "float32":
        assert all(torch.equal(once[name], tensor) for name, tensor in weights().items())


def test_a_stranger_among_the_names_is_refused():
    kept = encode(weights(), "int8")
    kept["other:scale"] = torch.ones(3)
    with pytest.raises(KeyError):
        decode(kept, weights())


def test_the_command_line_knows_every_form():
    parser = cli.build_parser()
    for form in typing.get_args(WeightFormat):
        assert parser.parse_args(["train", "anomaly", "--bundle", "x", "--weights", form]).weights == form
