"""Pool the states of a recurrent network over time into one vector per text."""

from typing import Literal

import torch
from torch import Tensor

Pooling = Literal["last", "mean_max", "last_padded"]
"""`last`: state after a text's last word. `mean_max`: maximum and mean over its words. `last_padded`: state at the end
of the padded row, the error made when padding is ignored.
"""


def token_counts(ids: Tensor) -> Tensor:
    """(N, T) ids padded at the end with 0 -> (N,) token counts, at least 1."""
    return ids.ne(0).sum(dim=1).clamp(min=1)


def last_state(states: Tensor, ids: Tensor) -> Tensor:
    """(N, T, D), (N, T) -> (N, D): state after each text's last token."""
    return states[torch.arange(ids.shape[0], device=ids.device), token_counts(ids) - 1]  # no len(): a trace fixes it


def max_mean_pool(states: Tensor, ids: Tensor) -> Tensor:
    """(N, T, D), (N, T) -> (N, 2 D): maximum and mean over a text's tokens."""
    count = token_counts(ids)
    mask = torch.arange(ids.shape[1], device=ids.device) < count[:, None]  # (N, T)
    highest = states.masked_fill(~mask[..., None], torch.finfo(states.dtype).min).amax(dim=1)
    share = mask.to(states.dtype) / count[:, None].to(states.dtype)
    return torch.cat([highest, (share[:, None] @ states).squeeze(1)], dim=1)


def reverse_tokens(x: Tensor, ids: Tensor) -> Tensor:
    """(N, T, D), (N, T) -> (N, T, D): reverse each text's tokens; padding stays at the end."""
    at = torch.arange(ids.shape[1], device=ids.device)
    count = token_counts(ids)[:, None]
    place = torch.where(at < count, count - 1 - at, at)
    return x.gather(1, place[..., None].expand_as(x))
