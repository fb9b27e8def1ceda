"""Reading a recurrent network out: from the states at every word of a text to one vector."""

from typing import Literal

import torch
from torch import Tensor

Pooling = Literal["last", "mean_max", "last_padded"]
"""`last` is the state after a text's own last word, `mean_max` the highest and the mean over all of its words, and
`last_padded` the state at the end of the padded row: what goes wrong when padding is forgotten."""


def token_counts(ids: Tensor) -> Tensor:
    """(N, T) ids padded at the end with 0 -> (N,) words, an empty text counted as one."""
    return ids.ne(0).sum(dim=1).clamp(min=1)


def last_state(states: Tensor, ids: Tensor) -> Tensor:
    """(N, T, D), (N, T) -> (N, D): the state after each text's last word."""
    return states[torch.arange(len(ids), device=ids.device), token_counts(ids) - 1]


def max_mean_pool(states: Tensor, ids: Tensor) -> Tensor:
    """(N, T, D), (N, T) -> (N, 2 D): the highest of each number over a text's words, and the mean."""
    count = token_counts(ids)
    found = torch.arange(ids.shape[1], device=ids.device) < count[:, None]  # (N, T)
    highest = states.masked_fill(~found[..., None], torch.finfo(states.dtype).min).amax(dim=1)
    share = found.to(states.dtype) / count[:, None].to(states.dtype)
    return torch.cat([highest, (share[:, None] @ states).squeeze(1)], dim=1)


def reverse_tokens(x: Tensor, ids: Tensor) -> Tensor:
    """(N, T, D), (N, T) -> (N, T, D): each text's words from the last to the first, its padding where it was."""
    at = torch.arange(ids.shape[1], device=ids.device)
    count = token_counts(ids)[:, None]
    place = torch.where(at < count, count - 1 - at, at)
    return x.gather(1, place[..., None].expand_as(x))
