"""Writing a sequence symbol by symbol: the likeliest each time (greedy), or several drafts at once (beam search)."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from dlcore.inference.predict import evaluation_mode


class Decoder(Protocol):
    """A module that reads a source once and then says what comes next, any number of times."""

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(N, S) -> the memory (N, S, D), and where a symbol is (N, 1, 1, S)."""
        ...

    def decode(self, given: Tensor, memory: Tensor, memory_seen: Tensor) -> Tensor:
        """(N, L) -> logits (N, L, V)."""
        ...


@dataclass(frozen=True)
class SpecialTokens:
    """The numbers of what is no symbol: those below `first` are never written, but for the end."""

    pad: int = 0
    start: int = 2
    end: int = 3
    first: int = 4


@dataclass(frozen=True)
class DecodingStep:
    """The drafts after one symbol more: ids (N, B, t), log probabilities (N, B), whose draft each went on (N, B)."""

    ids: Tensor
    scores: Tensor
    parents: Tensor


@dataclass(frozen=True)
class DecodedBeams:
    """The drafts at the end, the likeliest first: ids (N, B, L) with the end, then 0; log probabilities (N, B)."""

    ids: Tensor
    scores: Tensor
    steps: list[DecodingStep]

    @property
    def best(self) -> Tensor:
        """The likeliest draft of each (N, L)."""
        return self.ids[:, 0]


SPECIAL_TOKENS = SpecialTokens()


def decode(
    module: torch.nn.Module, source: Tensor, *, length: int, beams: int = 1, signs: SpecialTokens = SPECIAL_TOKENS
) -> DecodedBeams:
    """Write for sources (N, S), `length` symbols at most, keeping the `beams` likeliest drafts; 1 is greedy.

    A draft's score is the sum of its symbols' log probabilities; it is not divided by the length.
    """
    writer: Decoder = module  # type: ignore[assignment]
    n = len(source)
    with evaluation_mode(module):
        memory, seen = (part.repeat_interleave(beams, dim=0) for part in writer.encode(source))
        ids = torch.full((n, beams, 1), signs.start, dtype=torch.int64, device=source.device)
        scores = torch.full((n, beams), float("-inf"), device=source.device)
        scores[:, 0] = 0.0  # all drafts are alike as yet: one goes on
        done = torch.zeros(n, beams, dtype=torch.bool, device=source.device)
        steps = []
        for _ in range(length):
            logits = writer.decode(ids.flatten(0, 1), memory, seen)[:, -1].unflatten(0, (n, beams))
            total = scores[..., None] + _next(logits.float(), done, signs)  # (N, B, V)
            scores, chosen = total.flatten(1).topk(beams, dim=1)
            parents, symbols = chosen // logits.shape[-1], chosen % logits.shape[-1]
            ids = torch.cat([ids.gather(1, parents[..., None].expand_as(ids)), symbols[..., None]], dim=2)
            done = done.gather(1, parents) | (symbols == signs.end)
            steps.append(DecodingStep(ids[..., 1:], scores, parents))
            if bool(done.all()):
                break
    written = torch.full((n, beams, length), signs.pad, dtype=torch.int64, device=source.device)
    written[..., : ids.shape[2] - 1] = ids[..., 1:]
    return DecodedBeams(written, scores, steps)


def _next(logits: Tensor, done: Tensor, signs: SpecialTokens) -> Tensor:
    """Log probabilities (N, B, V) of what may be written; a draft that has ended goes on with nothing, for certain."""
    logits = logits.clone()
    banned = [sign for sign in range(signs.first) if sign != signs.end]
    logits[..., banned] = float("-inf")
    found = logits.log_softmax(dim=-1)
    ended = torch.full_like(found, float("-inf"))
    ended[..., signs.pad] = 0.0
    return torch.where(done[..., None], ended, found)
