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


def test_int8_error_is_at_most_half_a_step_per_row():
    decoded = round_trip(weights(), "int8")
    for name, tensor in weights().items():
        assert decoded[name].dtype == tensor.dtype and decoded[name].shape == tensor.shape
        if tensor.numel() >= weight_format.SMALL:
            step = tensor.flatten(1).abs().amax(dim=1) / 127
            assert ((decoded[name] - tensor).flatten(1).abs().amax(dim=1) <= step * 0.5001 + 1e-37).all()


def test_large_weights_are_int8_and_small_ones_float16():
    encoded = encode(weights(), "int8")
    assert encoded["0.weight"].dtype == torch.int8 and encoded["0.weight:scale"].shape == (300,)
    assert encoded["3.weight"].dtype == torch.float16 and "3.weight:scale" not in encoded
    assert encoded["2.num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize("form", typing.get_args(WeightFormat))
def test_rounding_is_idempotent(form):
    once = round_trip(weights(), form)
    again = round_trip(once, form)
    assert all(torch.equal(once[name], again[name]) for name in once)
    if form == "float32":
        assert all(torch.equal(once[name], tensor) for name, tensor in weights().items())


def test_unknown_name_is_rejected():
    encoded = encode(weights(), "int8")
    encoded["other:scale"] = torch.ones(3)
    with pytest.raises(KeyError):
        decode(encoded, weights())


def test_command_line_accepts_every_format():
    parser = cli.build_parser()
    for form in typing.get_args(WeightFormat):
        assert parser.parse_args(["train", "anomaly", "--bundle", "x", "--weights", form]).weights == form
