"""The BERT wrapper: same outputs as transformers, independent of padding."""

import pytest
import torch

from dlcore.data.sources import bert_weights
from dlcore.data.text import bert_tokens
from dlcore.models import bert

TEXTS = ["A film that everyone should see, even its makers.", "Bad.", "I slept well through most of it!"]


@pytest.fixture(scope="module")
def checkpoint():
    return bert_weights.require(bert_weights.OFFLINE)


@pytest.fixture(scope="module")
def ours(checkpoint):
    return bert.pretrained(checkpoint.config, checkpoint.state())


@pytest.fixture(scope="module")
def rows(checkpoint):
    return bert_tokens.WordPieceTokenizer(checkpoint).encode(TEXTS, length=64)


def test_outputs_match_transformers(checkpoint, ours, rows):
    from transformers import BertModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    theirs = BertModel.from_pretrained(checkpoint.folder, local_files_only=True, attn_implementation="eager").eval()
    ids = torch.from_numpy(bert_tokens.pad(rows))
    mask = ids.ne(0)
    with torch.no_grad():
        expected = theirs(ids, attention_mask=mask.long(), output_attentions=True, output_hidden_states=True)
        torch.testing.assert_close(ours(ids)[mask], expected.last_hidden_state[mask], atol=1e-5, rtol=0)
        torch.testing.assert_close(ours.attentions(ids), torch.stack(expected.attentions, 1), atol=1e-5, rtol=0)
        fourth = bert.pretrained(checkpoint.config, checkpoint.state(), layer=4)(ids)
    torch.testing.assert_close(fourth[mask], expected.hidden_states[4][mask], atol=1e-5, rtol=0)


def test_padding_does_not_change_the_output(checkpoint, rows):
    ours = bert.pretrained(checkpoint.config, checkpoint.state()).double()  # float32 rounds by 3e-6 for different T
    short, long = (torch.from_numpy(bert_tokens.pad(rows, length=length)) for length in (0, 200))
    with torch.no_grad():
        first, second = ours(short), ours(long)
    torch.testing.assert_close(second[:, : short.shape[1]], first, atol=1e-6, rtol=0)
    assert not second[:, short.shape[1] :].any()
    assert torch.isfinite(ours(torch.zeros(1, 4, dtype=torch.int64))).all()


def test_pretrained_is_frozen_and_rejects_missing_weights(checkpoint, ours):
    assert not any(parameter.requires_grad for parameter in ours.parameters()) and not ours.training
    with pytest.raises(RuntimeError, match="Missing"):
        bert.pretrained(checkpoint.config, {})
