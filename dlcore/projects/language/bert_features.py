"""Token states of a frozen BERT for every text, computed once and cached for later runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from dlcore.core import progress
from dlcore.data.sources.bert_weights import Checkpoint
from dlcore.data.text import bert_tokens, token_states
from dlcore.data.text.token_states import CHUNK, Chunk, TokenStates
from dlcore.inference.predict import evaluation_mode
from dlcore.models import bert
from dlcore.projects.language.bert_texts import BertTexts

TOKENS_AT_ONCE = 4096
"""Tokens per forward pass, in batches of similar length."""
VERSION = 1
"""Increase it if the states of the same texts change."""


@dataclass(frozen=True)
class FeatureConfig:
    """BERT, maximum length, part of the text, and layer of the states (0: the last)."""

    checkpoint: Checkpoint
    length: int
    keep: bert_tokens.Keep
    layer: int = 0
    device: str = "cpu"

    @property
    def half(self) -> bool:
        """Whether layers run in bfloat16, if the hardware supports it."""
        if self.device.startswith("cuda"):
            return bool(torch.cuda.is_bf16_supported())
        return self.device == "cpu" and torch.cpu._is_avx512_bf16_supported()

    @property
    def decided_by(self) -> str:
        """Everything besides the texts that determines the states."""
        kind = "bfloat16" if self.half else "float32"
        return f"{VERSION} {self.checkpoint.checksum} {self.length} {self.keep} {self.layer} {kind}"


def compute_states(texts: Sequence[str], reading: FeatureConfig, *, rows: np.ndarray | None = None) -> TokenStates:
    """Token states of the texts, in their order; missing ones are computed.

    `rows` (N,), ascending, are the texts' positions in their source. Neighbors are cached together, so other selections
    of texts reuse complete chunks. Default: all texts of the source.

    Raises:
        DataError: not enough disk space.
        StoreError: the cache cannot be written.
    """
    stretches = (np.arange(len(texts)) if rows is None else rows) // CHUNK
    starts = np.flatnonzero(np.diff(stretches, prepend=-1))
    parts = [texts[start:stop] for start, stop in pairwise([*starts.tolist(), len(texts)])]
    keys = [token_states.cache_key(reading.decided_by, part) for part in parts]
    width = reading.checkpoint.width
    chunks = [token_states.load(key, texts=len(part), width=width) for key, part in zip(keys, parts, strict=True)]
    missing = [place for place, chunk in enumerate(chunks) if chunk is None]
    if missing:
        tokenizer = bert_tokens.WordPieceTokenizer(reading.checkpoint)
        ids = {place: tokenizer.encode(parts[place], length=reading.length, keep=reading.keep) for place in missing}
        tokens = sum(len(row) for each in ids.values() for row in each)
        token_states.evict(tokens * width * token_states.BYTES, of=keys)
        for place in _computed(ids, keys, reading):
            chunks[place] = token_states.load(keys[place], texts=len(parts[place]), width=width)
    whole = [chunk for chunk in chunks if chunk is not None]
    if len(whole) != len(parts):
        return compute_states(texts, reading, rows=rows)  # another process deleted some chunks in the meantime
    sizes = [len(part) for part in parts]
    return TokenStates(whole, np.array([(part, row) for part, size in enumerate(sizes) for row in range(size)]))


def states_of(data: BertTexts, reading: FeatureConfig) -> tuple[np.ndarray, TokenStates]:
    """Rows (N,) of the texts of all splits, ascending, and their states in this order: other seeds reuse the chunks.

    Raises:
        DataError: not enough disk space.
        StoreError: the cache cannot be written.
    """
    used = np.sort(np.concatenate(list(data.parts.values())))
    return used, compute_states([data.dataset.texts[row] for row in used], reading, rows=used)


def _computed(ids: dict[int, list[np.ndarray]], keys: Sequence[str], reading: FeatureConfig) -> Iterator[int]:
    """Compute and cache the chunks of `ids`, reporting progress.

    Concurrent processes start at different chunks and reuse each other's.
    """
    network = bert.pretrained(reading.checkpoint.config, reading.checkpoint.state(), layer=reading.layer)
    network.to(reading.device)
    done, total = 0, sum(len(rows) for rows in ids.values())
    for place in np.random.default_rng().permutation(list(ids)).tolist():
        if token_states.load(keys[place], texts=len(ids[place]), width=network.width) is None:
            chunk = _states(network, ids[place], reading, counts=(done, total))
            token_states.save(keys[place], chunk.states, chunk.offsets)
        done += len(ids[place])
        yield place


def _states(network: bert.Bert, ids: list[np.ndarray], reading: FeatureConfig, *, counts: tuple[int, int]) -> Chunk:
    """States of one chunk's texts, computed in batches of similar length."""
    lengths = np.array([len(row) for row in ids])
    offsets = np.concatenate([[0], lengths.cumsum()])
    states = np.zeros((offsets[-1], network.width), dtype=np.float16)
    kind, (done, total) = torch.device(reading.device).type, counts
    with evaluation_mode(network), torch.autocast(kind, torch.bfloat16, enabled=reading.half):
        for rows in _alike(lengths):
            few = torch.from_numpy(bert_tokens.pad([ids[row] for row in rows])).to(reading.device)
            values = network(few).half().cpu().numpy()
            for row, each in zip(rows, values, strict=True):
                states[offsets[row] : offsets[row + 1]] = each[: lengths[row]]
            done += len(rows)
            progress.report(f"Encoding texts with {reading.checkpoint.name} (cached)", done, total)
    return Chunk(states, offsets)


def _alike(lengths: np.ndarray) -> Iterator[list[int]]:
    """Row numbers in groups of similar length with at most `TOKENS_AT_ONCE` padded tokens."""
    group: list[int] = []
    for row in np.argsort(lengths, kind="stable").tolist():
        if group and lengths[row] * (len(group) + 1) > TOKENS_AT_ONCE:
            yield group
            group = []
        group.append(row)
    if group:
        yield group
