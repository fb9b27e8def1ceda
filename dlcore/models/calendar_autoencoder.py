"""Cross-fitted ensemble of autoencoders over whole weeks, aligned so that each input is one time of the week."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number


class CalendarAutoencoderConfig(Config):
    """Ensemble size and layer widths."""

    seeds: int = number(
        5, low=1, high=10, help="Number of ensembles with different random starts; their scores are averaged."
    )
    folds: int = number(
        7, low=3, high=14, help="Networks per seed; each is trained without one fold of the training weeks."
    )
    hidden: int = number(32, low=4, high=256, unit="units", help="Width of the hidden layers.", log=True)
    latent: int = number(1, low=1, high=32, unit="numbers", help="Size of the latent code.")
    noise: float = number(
        0.05, low=0.0, high=1.0, help="Standard deviation of the noise added in training; the range of values is 1."
    )


class CalendarAutoencoder(nn.Module):
    """(N, L, F) windows, (N, L) folds, (N,) offsets -> (N, M, L): the value as reconstructed by M = seeds x folds
    networks.

    Feature 0 is the value. The offset is the position of a window's first point in the period: windows are rotated by
    it, so that a weight always belongs to the same time of the period.

    The fold of a point names the networks that must not learn from it; -1 marks a point outside training. So every
    training point is scored by networks that never saw it (cross-fitting; Chernozhukov et al. 2018), and its error is
    comparable to that of a new point. In training mode a network returns windows that touch its own fold unchanged: no
    error, no gradient. In evaluation mode a point of fold k is reconstructed by network k of each seed (all K rows of a
    seed are equal), a new point by every network.
    """

    usual: Tensor

    def __init__(self, config: CalendarAutoencoderConfig, *, window: int, places: int) -> None:
        """`places` is the number of points in a period; the error scale is stored for each."""
        super().__init__()
        self.seeds, self.folds, self.noise = config.seeds, config.folds, config.noise
        self.is_rotated = places % window == 0  # otherwise a position in the window is no position in the period
        members = config.seeds * config.folds
        self.read = Stack(members, window, config.hidden)
        self.squeeze = Stack(members, config.hidden, config.latent)
        self.unfold = Stack(members, config.latent, config.hidden)
        self.write = Stack(members, config.hidden, window)
        # Error scale for the points of each fold and (last row) for points outside training.
        self.register_buffer("usual", torch.ones(config.seeds, config.folds + 1, places))

    def forward(self, window: Tensor, fold: Tensor, offset: Tensor) -> Tensor:
        """(N, L, F), (N, L), (N,) -> (N, M, L)."""
        value = window[:, :, 0]
        position = torch.arange(value.shape[1], device=offset.device) + offset[:, None] * self.is_rotated
        position = position % value.shape[1]  # (N, L)
        week = (
            torch.empty_like(value).scatter(1, position, value).expand(len(self.read.weight), *value.shape)
        )  # (M, N, L)
        noisy = week + self.noise * torch.randn_like(week) if self.training and self.noise else week
        latent = self.squeeze(self.read(noisy).relu())  # (M, N, L) -> (M, N, H) -> (M, N, Z)
        rebuilt = self.write(self.unfold(latent).relu()).transpose(0, 1)  # -> (M, N, H) -> (N, M, L)
        rebuilt = rebuilt.gather(2, position[:, None].expand_as(rebuilt))  # rotated back
        return self._freeze_own_fold(rebuilt, value, fold) if self.training else self._select_held_out(rebuilt, fold)

    def _freeze_own_fold(self, rebuilt: Tensor, value: Tensor, fold: Tensor) -> Tensor:
        """Return windows that touch a network's own fold unchanged."""
        numbers = torch.arange(self.folds, device=fold.device)
        touched = (fold[:, :, None] == numbers).any(dim=1).repeat(1, self.seeds)  # (N, L, K) -> (N, M)
        return torch.where(touched[:, :, None], value[:, None], rebuilt)

    def _select_held_out(self, rebuilt: Tensor, fold: Tensor) -> Tensor:
        """Select the reconstruction of each point by the networks that were trained without its fold."""
        by_seed = rebuilt.unflatten(1, (self.seeds, self.folds))  # (N, M, L) -> (N, S, K, L)
        held_out = fold.clamp(min=0)[:, None, None].expand(-1, self.seeds, 1, -1)
        unseen = by_seed.gather(2, held_out)  # (N, S, 1, L)
        return torch.where(fold[:, None, None] >= 0, unseen, by_seed).flatten(1, 2)


class Stack(nn.Module):
    """M independent linear layers: (M, N, inner) -> (M, N, outer)."""

    def __init__(self, members: int, inner: int, outer: int) -> None:
        """Initialize weights uniformly within 1 / sqrt(inner), as `nn.Linear` does; biases at zero."""
        super().__init__()
        self.weight = nn.Parameter((2 * torch.rand(members, inner, outer) - 1) / inner**0.5)
        self.bias = nn.Parameter(torch.zeros(members, 1, outer))

    def forward(self, x: Tensor) -> Tensor:
        """Apply each member's layer to its own rows."""
        return torch.baddbmm(self.bias, x, self.weight)
