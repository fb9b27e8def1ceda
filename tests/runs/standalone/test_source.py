from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dlcore.core.errors import RunError
from dlcore.evaluation import anomaly, classification
from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig
from dlcore.models.rnn_classifier import RnnClassifier, RnnClassifierConfig
from dlcore.models.vit import Vit
from dlcore.runs.standalone import predict_image, predict_series, predict_text
from dlcore.runs.standalone.archive import script_of
from dlcore.runs.standalone.source import collect, join, order_imports


def run_source(source):
    space = {}
    exec(
        f"from __future__ import annotations\n{order_imports(source.imports)}\n{join(source.definitions.values())}",
        space,
    )
    return space


@pytest.mark.parametrize("is_brief", [False, True])
def test_collected_networks_compute_the_same(is_brief):
    ids = torch.tensor([[3, 4, 5, 0], [6, 7, 2, 1]])
    config = RnnClassifierConfig(embedding=4, hidden=3)
    source = collect([RnnClassifier, BaseLstm], is_brief=is_brief)
    text = join(source.definitions.values())
    assert "dlcore" not in text and "recurrence." not in text and "pooling.max" not in text
    space = run_source(source)
    for name, build, options in (
        ("RnnClassifier", {"cell": "gru"}, config),
        ("BaseLstm", {}, BaseLstmConfig(embedding=4, hidden=3, pooling="mean_max")),
    ):
        kind = {"RnnClassifier": RnnClassifier, "BaseLstm": BaseLstm}[name]
        torch.manual_seed(0)
        original = kind(options, **build, vocabulary=9, classes=2).eval()
        torch.manual_seed(0)
        plain = space[name](SimpleNamespace(**options.model_dump()), **build, vocabulary=9, classes=2).eval()
        assert torch.equal(original(ids), plain(ids))


def test_unused_methods_are_left_out():
    without = join(collect([Vit]).definitions.values())
    used = join(collect([Vit], uses="model.attention_weights(x)").definitions.values())
    assert "def forward" in without and "def attention_weights" not in without and "def attention_weights" in used


def test_two_definitions_of_one_name_are_rejected():
    with pytest.raises(RunError, match="the name 'metrics'"):
        collect([anomaly.metrics, classification.metrics])


@pytest.mark.parametrize("module", [predict_image, predict_series, predict_text], ids=lambda module: module.__name__)
def test_prediction_scripts_compile_without_dlcore(module):
    text = script_of(module)
    compile(text, "predict.py", "exec")
    assert "import dlcore" not in text and "from dlcore" not in text


def test_imports_are_ordered():
    lines = {"import torch", "from torch import nn", "from torch import Tensor", "import sys", "from types import X"}
    assert order_imports(lines) == "import sys\nfrom types import X\n\nimport torch\nfrom torch import Tensor, nn"


@pytest.mark.parametrize("kind", ["words", "byte_pair", "wordpiece"])
def test_texts_are_encoded_as_in_training(kind):
    from dlcore.data.sources import locate
    from dlcore.data.text.vocabulary import Vocabulary, as_preprocessing

    if kind == "wordpiece" and not locate.is_available("bert_vocabulary"):
        pytest.skip("BERT's vocabulary is not installed")
    texts = [
        "Who's the naïve Zürich-born author of 'Faust'?",
        "It's 3.5 km!  Isn't it?",
        "日本 is an unseen word",
        "ﬁne",
    ]
    vocabulary = Vocabulary.fit(texts[:2] * 3, size=60, min_frequency=1, kind=kind)
    preprocessing = as_preprocessing(vocabulary, length=12, keep="end")
    for text in texts:
        expected = vocabulary.encode([text], length=12, keep="end")[0]
        encoded = predict_text.encode(text, preprocessing)[0]
        assert np.array_equal(encoded, expected[: len(encoded)]) and not expected[len(encoded) :].any()
