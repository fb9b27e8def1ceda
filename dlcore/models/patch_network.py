"""Patch network with a memory bank: distance of a patch from the stored patches of the training split."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import Config, choice, number
from dlcore.models.pattern_store import PatternStore

KERNELS = (7, 5, 3, 3)
EMBEDDING, PROJECTION = 64, 32
"""Sizes of a patch's embedding, and of the projections that the loss compares."""
LEAST_SPREAD = 0.05
"""Added to a patch's standard deviation in instance normalization, in units of the training range."""
SHARPNESS = 10.0
"""Of the softplus in place of the hinge of the triplet loss: every sample keeps a gradient."""
TINY = 1e-24
"""Lower bound below a square root, whose gradient is infinite at zero."""
CHUNK, SAMPLE = 2**22, 1_000
"""Values compared at once; stored patches that set the unit of a distance."""
EMBED_ROWS = 32
"""Patches embedded at once: always the same number, so that an embedding does not depend on its batch."""


class PatchNetworkConfig(Config):
    """Width of the network, comparison with the memory bank, and the two losses."""

    width: int = number(32, low=8, high=256, unit="channels", help="Channels of the first block; 128 in the paper.")
    scales: int = number(2, low=1, high=3, help="Patch lengths: the whole window, its half, its quarter.")
    neighbors: int = number(3, low=1, high=20, help="Nearest stored patches whose mean distance is the score.")
    use_period: bool = choice(True, help="Compare at the same time of the period only; off: at all times.")
    tolerance: int = number(
        4, low=0, high=48, unit="points", help="Patches are compared at the same time of the period, up to this shift."
    )
    use_values: bool = choice(True, help="Add the distance between the values themselves to that of the embeddings.")
    exclude_self: bool = choice(
        True, help="Never compare a training patch with one less than a period away. Off: the protocol of TSB-AD."
    )
    shift: int = number(8, low=1, high=48, unit="points", help="A patch shifted by up to this is its neighbor.")
    margin: float = number(0.5, low=0.0, high=2.0, help="Margin of the triplet loss, in cosine similarity.")
    pretext_weight: float = number(
        1.0, low=0.0, high=10.0, help="Weight of the pretext loss: which patch comes before?"
    )


@dataclass(frozen=True)
class Match:
    """Distance (N,) of each patch from the memory bank, and the end (N,) of its nearest stored patch."""

    distance: Tensor
    nearest: Tensor


class PatchNetwork(PatternStore):
    """(N, 2 L, F) windows of two consecutive patches -> (N, 4, D) projections for `patch_loss`.

    Feature 0 is the value. A patch is normalized by its own mean and standard deviation (RevIN; Kim et al., ICLR 2022),
    and four Conv1d blocks with batch norm, averaged over time, embed it. `match` compares embeddings, standardized by
    those of the training patches, with the nearest ones of the training split: its score is the mean over the patch
    lengths, each in units of the median training distance.

    Source: Park et al., "PaAno: Patch-based representation learning for time-series anomaly detection", ICLR 2026,
    arXiv 2602.01359: blocks, triplet and pretext loss, memory bank. Differences: several patch lengths, comparison at
    the same time of the period, and a training patch is compared with other periods only.
    """

    _banks: "list[_Bank]"

    def __init__(self, config: PatchNetworkConfig, *, window: int, places: int, points: int) -> None:
        """`places` is the number of points in a period (1: none), `points` that of the training split."""
        super().__init__(
            length=window, places=places if config.use_period else 1, points=points, tolerance=config.tolerance
        )
        self.config, self.gap = config, max(window, places) if config.exclude_self else 0
        self.lengths = tuple(max(4, window >> scale) for scale in range(config.scales))
        channels = (1, config.width, 2 * config.width, config.width, EMBEDDING)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv1d(inner, outer, kernel, padding=kernel // 2, bias=False), nn.BatchNorm1d(outer), nn.ReLU()
                )
                for inner, outer, kernel in zip(channels, channels[1:], KERNELS, strict=False)
            )
        )
        self.project = nn.Sequential(nn.Linear(EMBEDDING, EMBEDDING), nn.ReLU(), nn.Linear(EMBEDDING, PROJECTION))
        self.previous, self.following = nn.Linear(EMBEDDING, PROJECTION), nn.Linear(EMBEDDING, PROJECTION)
        self._forget()

    def train(self, mode: bool = True) -> "PatchNetwork":
        """Set the mode; in training mode the embedded memory bank is dropped, because weights change."""
        if mode:
            self._forget()
        return super().train(mode)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Load weights, and drop the embedded memory bank."""
        self._forget()
        return super().load_state_dict(*args, **kwargs)

    def store(self, values: Tensor, is_usable: Tensor, *, first_place: int) -> None:
        """Store the training values (T,), as `PatternStore` does."""
        super().store(values, is_usable, first_place=first_place)
        self._forget()

    def embed(self, patches: Tensor) -> Tensor:
        """Embeddings (N, 64) of patches (N, L) of any length."""
        centered = patches - patches.mean(dim=1, keepdim=True)
        spread = centered.square().mean(dim=1, keepdim=True).clamp(min=TINY).sqrt()
        return self.blocks((centered / (spread + LEAST_SPREAD))[:, None]).mean(dim=2)

    def forward(self, window: Tensor, *unused: Tensor) -> Tensor:
        """(N, 2 L, F) -> (N, 4, D): projections of the patch and of a neighbor, then of the patch and the one before.

        Patch length and shift are random in training and fixed in evaluation mode.
        """
        values, random = window[:, :, 0], self.training
        stop = values.shape[1]
        length = self.lengths[int(torch.randint(len(self.lengths), ())) if random else 0]
        most = max(1, min(self.config.shift, length // 2))
        shift = torch.randint(1, most + 1, (len(values),), device=values.device) if random else most
        first = torch.as_tensor(stop - length - shift, device=values.device).expand(len(values))
        neighbor_patch = values.gather(1, first[:, None] + torch.arange(length, device=values.device))
        patch, before = values[:, stop - length :], values[:, stop - 2 * length : stop - length]
        anchor, neighbor, previous = self.embed(torch.cat([patch, neighbor_patch, before])).split(len(values))
        pair = functional.normalize(self.project(torch.stack([anchor, neighbor], dim=1)), dim=2)
        order = torch.stack([self.following(anchor), self.previous(previous)], dim=1)
        return torch.cat([pair, order], dim=1)

    def match(self, window: Tensor, index: Tensor, offset: Tensor) -> Match:
        """Compare windows (N, L, F) with indices (N, L) and positions in the period (N,) with the memory bank."""
        values = window[:, :, 0]
        candidates = self._candidates_of(offset)
        excluded = self.is_excluded(index[:, -1], candidates, gap=self.gap)
        memory = self._memory()
        total = torch.zeros(len(values), dtype=torch.float64, device=values.device)
        for place, bank in enumerate(memory):
            mean, best = self._nearest(bank.encode(self, values), bank, candidates, excluded)
            total += mean.double() / bank.unit
            if not place:
                nearest = candidates.gather(1, best)[:, 0]
        return Match(total / len(memory), nearest)

    def stored_patch(self, window: Tensor, match: Match) -> Tensor:
        """Nearest stored patches (N, L) of windows, with the mean and the standard deviation of each window.

        With `use_values` the stored values themselves.
        """
        values, end = window[:, :, 0], match.nearest
        steps = torch.arange(1 - self.length, 1, device=end.device)
        stored = self.bank[(end[:, None] + steps).clamp(min=0)]
        if self.config.use_values:
            return stored
        spread = values.std(dim=1, keepdim=True) / (stored.std(dim=1, keepdim=True) + 1e-6)
        return values.mean(dim=1, keepdim=True) + (stored - stored.mean(dim=1, keepdim=True)) * spread

    def _candidates_of(self, offset: Tensor) -> Tensor:
        """Ends (N, C) of the stored patches for windows at positions (N,) in the period."""
        table = self.candidates()
        if self.places == 1:
            return table.expand(len(offset), -1)
        return table[(offset + self.length - 1) % self.places]

    def _nearest(self, codes: Tensor, bank: "_Bank", candidates: Tensor, excluded: Tensor) -> tuple[Tensor, Tensor]:
        """Mean distance (N,) of codes (N, D) from their nearest candidates (N, C), and the first's column (N, 1)."""
        if self.places > 1:
            rows = max(1, CHUNK // (candidates.shape[1] * codes.shape[1]))
            distance = torch.cat(
                [
                    (part[:, None] - bank.codes_of(ends)).square().sum(2).clamp(min=TINY).sqrt()
                    for part, ends in zip(codes.split(rows), candidates.split(rows), strict=True)
                ]
            )
        else:  # without matrix products, whose rounding depends on the number of rows
            mode = "donot_use_mm_for_euclid_dist"
            distance = torch.cdist(codes, bank.codes_of(candidates[0]), compute_mode=mode)
        count = min(self.config.neighbors, distance.shape[1])
        least = distance.masked_fill(excluded, torch.inf).topk(count, dim=1, largest=False)
        is_finite = least.values.isfinite()
        mean = least.values.masked_fill(~is_finite, 0).sum(1) / is_finite.sum(1).clamp(min=1)
        return mean, least.indices[:, :1]

    def _memory(self) -> "list[_Bank]":
        """The memory bank: codes of all stored patches by length, of embeddings and of values."""
        if not self._banks or self._banks[0].codes.device != self.bank.device:
            with torch.no_grad():
                self._banks = [
                    self._build(length, is_embedded=is_embedded)
                    for is_embedded in ((True, False) if self.config.use_values else (True,))
                    for length in self.lengths
                ]
        return self._banks

    def _build(self, length: int, *, is_embedded: bool) -> "_Bank":
        ends = self.candidates().unique()
        ends = ends[ends >= 0]
        if not len(ends):
            ends = torch.zeros(1, dtype=torch.int64, device=self.bank.device)
        rows = torch.zeros(len(self.bank), dtype=torch.int64, device=ends.device)
        rows[ends] = torch.arange(len(ends), device=ends.device)
        bank = _Bank(length, is_embedded, torch.zeros(0), rows, mean=torch.zeros(1), scale=torch.ones(1))
        steps = torch.arange(1 - self.length, 1, device=ends.device)
        values = self.bank[(ends[:, None] + steps).clamp(min=0)]
        raw = bank.encode(self, values)
        if is_embedded:
            mean, scale = raw.mean(dim=0), raw.std(dim=0, correction=0)
            bank = replace(bank, mean=mean, scale=torch.where(scale > 1e-6 * scale.max(), scale, torch.inf))
            raw = (raw - mean) / bank.scale
        bank = replace(bank, codes=raw)
        some = ends[:: max(1, len(ends) // SAMPLE)]
        candidates = self._candidates_of(some + self.first_place - self.length + 1)
        excluded = self.is_excluded(some, candidates, gap=max(self.gap, self.length))
        distance, _ = self._nearest(bank.codes_of(some), bank, candidates, excluded)
        middle = float(distance.median())
        return replace(bank, unit=middle if middle > 1e-9 else 1.0)  # a constant series has no distances

    def _forget(self) -> None:
        self._banks = []


@dataclass(frozen=True)
class _Bank:
    """Codes (E, D) of stored patches of one length, and how to encode others: standardized embeddings, or values.

    `rows` (T,) is the row of the patch that ends at a point. `unit` is the median distance of training patches.
    """

    length: int
    is_embedded: bool
    codes: Tensor
    rows: Tensor
    mean: Tensor
    scale: Tensor
    unit: float = 1.0

    def codes_of(self, ends: Tensor) -> Tensor:
        """Codes (..., D) of the stored patches with these ends; -1 stands for any."""
        return self.codes[self.rows[ends.clamp(min=0)]]

    def encode(self, network: PatchNetwork, values: Tensor) -> Tensor:
        """Codes (N, D) of windows (N, L)."""
        patches = values[:, values.shape[1] - self.length :]
        if not self.is_embedded:
            return patches
        embedded = []
        for part in patches.split(EMBED_ROWS):
            missing = EMBED_ROWS - len(part)
            padded = torch.cat([part, part[-1:].expand(missing, -1)]) if missing else part
            embedded.append(network.embed(padded)[: len(part)])
        return (torch.cat(embedded) - self.mean.to(values.device)) / self.scale.to(values.device)


def patch_loss(outputs: Tensor, *, margin: float, pretext_weight: float) -> Tensor:
    """Triplet loss between neighboring patches, plus the pretext loss: does this patch come right before that one?

    outputs: (N, 4, D) of `PatchNetwork`. The negative of a patch is the least similar one of the batch, as in the paper
    the farthest one; the pretext loss compares each patch with its predecessor and with that of the next sample.
    """
    anchor, neighbor, following, previous = outputs.unbind(dim=1)
    similarity = anchor @ anchor.T
    triplet = functional.softplus(SHARPNESS * (similarity.min(dim=1).values - (anchor * neighbor).sum(1) + margin))
    logits = torch.stack([(following * previous).sum(1), (following * previous.roll(1, dims=0)).sum(1)], dim=1)
    targets = torch.tensor([1.0, 0.0], device=logits.device).expand_as(logits)
    pretext = functional.binary_cross_entropy_with_logits(logits, targets)
    return triplet.mean() / SHARPNESS + pretext_weight * pretext
