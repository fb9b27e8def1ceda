"""Fine-tuned BERT: trainable parameters, learning rates, state dict and padding."""

import pytest
import torch
from safetensors.torch import load, save

from dlcore.models.fine_tuned_bert import FineTuneConfig, FineTunedBert, FromScratchConfig
from dlcore.models.masked_bert import MaskedBert, has_head, pretrained

SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 256,
    "type_vocab_size": 2,
}
IDS = torch.tensor([[2, 7, 8, 9, 3], [2, 11, 3, 0, 0]])


def network(seed: int = 0, **options) -> FineTunedBert:
    torch.manual_seed(seed)
    return FineTunedBert(FineTuneConfig(**options), config=SIZES, classes=4)


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_padding_does_not_change_the_output(pooling):
    module = network(pooling=pooling).double().eval()
    long = torch.cat([IDS, torch.zeros(2, 200, dtype=torch.int64)], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(module(long), module(IDS), atol=1e-6, rtol=0)
        torch.testing.assert_close(module(IDS[1:, :3]), module(IDS)[1:], atol=1e-6, rtol=0)


def test_pooled_states_go_directly_to_the_head():
    module = network().eval()
    torch.testing.assert_close(module(module.pooled(IDS)), module(IDS))


def test_rates_decay_by_layer_and_exclude_frozen_parameters():
    rates = [share for share, _ in network(encoder_rate=0.5, layer_decay=0.8).rates()]
    assert rates == pytest.approx([1.0, 0.5, 0.4, 0.32, 0.256])  # head, three layers, embeddings
    assert [share for share, _ in network(train="last_layers", top_layers=2).rates()] == pytest.approx([1.0, 0.2, 0.18])
    assert [share for share, _ in network(train="head").rates()] == [1.0]


def test_state_dict_excludes_frozen_parameters():
    first = network(train="last_layers", top_layers=1)
    state = first.state_dict()
    assert state and all(name.startswith(("head.", "bert.network.encoder.layer.2.")) for name in state)
    other = network(seed=1, train="last_layers", top_layers=1)
    other.load_pretrained(first.bert.network.state_dict())
    other.load_state_dict(load(save(state)))
    assert torch.equal(first.eval()(IDS), other.eval()(IDS))
    with pytest.raises(RuntimeError, match=r"head\.1\.bias"):
        other.load_state_dict({name: value for name, value in state.items() if name != "head.1.bias"})
    words = f"{FineTunedBert.WORDS}.weight"
    assert words not in network().state_dict() and words in network(train_embeddings=True).state_dict()
    torch.manual_seed(0)
    from_scratch = FineTunedBert(FromScratchConfig(), config=SIZES, classes=4)
    assert set(from_scratch.state_dict()) == {name for name, _ in from_scratch.named_parameters()}


def test_dropout_is_active_only_in_trained_layers():
    module = network(train="last_layers", top_layers=1).train()
    dropping = {name for name, part in module.named_modules() if isinstance(part, torch.nn.Dropout) and part.training}
    assert dropping and all(name.startswith(("head.", "bert.network.encoder.layer.2.")) for name in dropping)


def test_masked_language_model_head_matches_transformers():
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    theirs = BertForMaskedLM(BertConfig(**SIZES)).eval()
    torch.nn.init.normal_(theirs.cls.predictions.bias)
    state = {name.removeprefix("bert."): value for name, value in theirs.state_dict().items()}
    assert has_head(state) and not has_head(network().bert.network.state_dict())
    ours = pretrained(SIZES, state)
    assert isinstance(ours, MaskedBert)
    with torch.no_grad():
        logits = theirs(IDS, attention_mask=IDS.ne(0).long()).logits
    torch.testing.assert_close(ours(IDS)[IDS.ne(0)], logits[IDS.ne(0)], atol=1e-5, rtol=0)
