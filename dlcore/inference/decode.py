"""Decode sequences symbol by symbol: greedy or beam search."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from dlcore.inference.predict import evaluation_mode


class Decoder(Protocol):
    """A module that encodes a source once and then predicts the next symbol repeatedly."""

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(N, S) -> memory (N, S, D) and padding mask (N, 1, 1, S)."""
        ...

    def decode(self, output: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """(N, L) -> logits (N, L, V)."""
        ...


@dataclass(frozen=True)
class SpecialTokens:
    """Ids of special tokens: ids below `first` are never generated, except the end."""

    pad: int = 0
    start: int = 2
    end: int = 3
    first: int = 4


@dataclass(frozen=True)
class DecodingStep:
    """Beams after one more symbol: ids (N, B, t), log probabilities (N, B), parent beams (N, B)."""

    ids: Tensor
    scores: Tensor
    parents: Tensor


@dataclass(frozen=True)
class DecodedBeams:
    """Finished beams, most likely first: ids (N, B, L) with the end token, then 0; log probabilities (N, B)."""

    ids: Tensor
    scores: Tensor
    steps: list[DecodingStep]

    @property
    def best(self) -> Tensor:
        """Return the most likely beam of each source (N, L)."""
        return self.ids[:, 0]


SPECIAL_TOKENS = SpecialTokens()


def decode(
    module: torch.nn.Module, source: Tensor, *, length: int, beams: int = 1, special: SpecialTokens = SPECIAL_TOKENS
) -> DecodedBeams:
    """Decode sources (N, S) into at most `length` symbols, keeping the `beams` most likely sequences; 1 is greedy.

    A sequence's score is the sum of its symbols' log probabilities, not divided by the length.
    """
    decoder: Decoder = module  # type: ignore[assignment]
    n = len(source)
    with evaluation_mode(module):
        memory, memory_mask = (part.repeat_interleave(beams, dim=0) for part in decoder.encode(source))
        ids = torch.full((n, beams, 1), special.start, dtype=torch.int64, device=source.device)
        scores = torch.full((n, beams), float("-inf"), device=source.device)
        scores[:, 0] = 0.0  # all beams are equal at the start: only one continues
        done = torch.zeros(n, beams, dtype=torch.bool, device=source.device)
        steps = []
        for _ in range(length):
            logits = decoder.decode(ids.flatten(0, 1), memory, memory_mask)[:, -1].unflatten(0, (n, beams))
            total = scores[..., None] + _next(logits.float(), done, special)  # (N, B, V)
            scores, best = total.flatten(1).topk(beams, dim=1)
            parents, symbols = best // logits.shape[-1], best % logits.shape[-1]
            ids = torch.cat([ids.gather(1, parents[..., None].expand_as(ids)), symbols[..., None]], dim=2)
            done = done.gather(1, parents) | (symbols == special.end)
            steps.append(DecodingStep(ids[..., 1:], scores, parents))
            if bool(done.all()):
                break
    padded = torch.full((n, beams, length), special.pad, dtype=torch.int64, device=source.device)
    padded[..., : ids.shape[2] - 1] = ids[..., 1:]
    return DecodedBeams(padded, scores, steps)


def _next(logits: Tensor, done: Tensor, special: SpecialTokens) -> Tensor:
    """Return the log probabilities (N, B, V) of the next symbol; a finished beam continues with padding only."""
    logits = logits.clone()
    banned = [sign for sign in range(special.first) if sign != special.end]
    logits[..., banned] = float("-inf")
    scores = logits.log_softmax(dim=-1)
    ended = torch.full_like(scores, float("-inf"))
    ended[..., special.pad] = 0.0
    return torch.where(done[..., None], ended, scores)
