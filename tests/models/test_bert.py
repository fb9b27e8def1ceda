"""BERT as we wrap it: equal to transformers' own, blind to padding."""

import pytest
import torch

from dlcore.data.sources import bert_weights
from dlcore.data.text import bert_tokens
from dlcore.models import bert

TEXTS = ["A film that nobody should miss, least of all its makers.", "Bad.", "I slept well through most of it!"]


@pytest.fixture(scope="module")
def checkpoint():
    return bert_weights.require(bert_weights.OFFLINE)


@pytest.fixture(scope="module")
def ours(checkpoint):
    return bert.pretrained(checkpoint.config, checkpoint.state())


@pytest.fixture(scope="module")
def rows(checkpoint):
    return bert_tokens.WordPieceTokenizer(checkpoint).encode(TEXTS, length=64)


def test_it_gives_what_transformers_own_model_gives(checkpoint, ours, rows):
    from transformers import BertModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    theirs = BertModel.from_pretrained(checkpoint.folder, local_files_only=True, attn_implementation="eager").eval()
    ids = torch.from_numpy(bert_tokens.pad(rows))
    ne = ids.ne(0)
    with torch.no_grad():
        result = theirs(ids, attention_mask=ne.long(), output_attentions=True, output_hidden_states=True)
        torch.testing.assert_close(ours(ids)[ne], result.last_hidden_state[ne], atol=1e-5, rtol=0)
        torch.testing.assert_close(ours.attentions(ids), torch.stack(result.attentions, 1), atol=1e-5, rtol=0)
        fourth = bert.pretrained(checkpoint.config, checkpoint.state(), layer=4)(ids)
    torch.testing.assert_close(fourth[ne], result.hidden_states[4][ne], atol=1e-5, rtol=0)


def test_padding_changes_nothing(checkpoint, rows):
    ours = bert.pretrained(checkpoint.config, checkpoint.state()).double()  # float32 rounds by 3e-6 where T differs
    short, long = (torch.from_numpy(bert_tokens.pad(rows, length=length)) for length in (0, 200))
    with torch.no_grad():
        first, second = ours(short), ours(long)
    torch.testing.assert_close(second[:, : short.shape[1]], first, atol=1e-6, rtol=0)
    assert not second[:, short.shape[1] :].any()
    assert torch.isfinite(ours(torch.zeros(1, 4, dtype=torch.int64))).all()


def test_nothing_of_it_learns_and_what_does_not_fit_is_refused(checkpoint, ours):
    assert not any(parameter.requires_grad for parameter in ours.parameters()) and not ours.training
    with pytest.raises(RuntimeError, match="Missing"):
        bert.pretrained(checkpoint.config, {})
