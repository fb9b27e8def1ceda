"""How often the first finding of the diagnosis is right, and whether its remedy helps: planted faults.

python tests/benchmarks/diagnosis.py development     # networks and seeds on which the rules were made
python tests/benchmarks/diagnosis.py measured        # others: run once, into docs/diagnosis.md
"""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diagnosis_networks import DEVELOPMENT, MEASURED, Data, deepen, load, replace_layers, to_tensor
from torch import Tensor, nn
from torch.nn import functional

from dlcore.evaluation import diagnosis
from dlcore.evaluation.data_checks import check_data
from dlcore.inference.structure import check_structure
from dlcore.training import gradients
from dlcore.training.probes import Probe

STEPS, BATCH, EPOCHS, EVERY = 150, 32, 10, 5
FAULTS: dict[str, str] = {
    "rate_too_high": "learning rate too high",
    "rate_too_low": "learning rate too low",
    "softmax": "softmax output",
    "no_activation": "missing activation",
    "not_scaled": "inputs not scaled",
    "shuffled": "labels shuffled",
    "shifted": "targets shifted",
    "leak": "validation leak",
    "dead_units": "dying units",
    "gradient_flow": "vanishing",  # or exploding, by the seed
    "training_mode": "validation in training mode",
    "no_zero_grad": "gradients not zeroed",
    "regularization": "strong regularization",
    "imbalance": "class imbalance",
    "overfitting": "overfitting",
}


@dataclass
class Setup:
    """A training: data, network and loop, with or without a fault."""

    data: Data
    module: nn.Module
    seed: int
    rate: float = 3e-3
    decay: float = 0.0
    steps: int = STEPS
    clip: float = 0.0
    zero_grad: bool = True
    evaluation_mode: bool = True
    class_weights: bool = False
    keep_best: bool = False
    softmax: bool = False


@dataclass
class Result:
    measured: diagnosis.Measurements
    test: float
    loss: float
    leak_gap: float
    """Test loss against that on the validation part."""
    mode_gap: float
    """Reported validation loss against that in evaluation mode."""


def set_up(network: str, networks: dict, seed: int) -> Setup:
    source, build = networks[network]
    data = load(source, seed)
    torch.manual_seed(seed)
    module = build(data.classes)
    rng = np.random.default_rng(seed)
    return Setup(data, module, seed, rate=float(rng.choice([2e-3, 3e-3, 5e-3])))


def plant(fault: str, setup: Setup, seed: int) -> Setup:
    """Plant a fault; returns None where the network cannot have it."""
    rng, parts, module = np.random.default_rng(100 + seed), setup.data.parts, setup.module
    variant = seed % 3
    if fault == "rate_too_high":
        setup.rate = (1.0, 3.0, 0.5)[variant]
    elif fault == "rate_too_low":
        setup.rate = (1e-6, 3e-6, 1e-7)[variant]
    elif fault == "softmax":
        setup.softmax = True
    elif fault == "no_activation":
        replace_layers(module, nn.ReLU, nn.Identity)
    elif fault == "not_scaled":
        if setup.data.is_tokens:
            return None
        factor, offset = ((255.0, 0.0), (1.0, 100.0), (1000.0, 300.0))[variant]
        setup.data.parts = {part: (x * factor + offset, y) for part, (x, y) in parts.items()}
    elif fault in ("shuffled", "shifted"):
        for part in ("train", "validation"):
            x, y = parts[part]
            parts[part] = (x, rng.permutation(y) if fault == "shuffled" else np.roll(y, 1 + variant))
    elif fault == "leak":
        (x, y), (vx, vy) = parts["train"], parts["validation"]
        count, few = int((0.6, 0.75, 0.9)[variant] * len(vx)), max(30, len(x) // 4)
        parts["train"] = (np.concatenate([x[:few], vx[:count]]), np.concatenate([y[:few], vy[:count]]))
    elif fault == "dead_units":
        layers = [part for part in module.modules() if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d)]
        hidden = layers[-2]
        nn.init.constant_(hidden.bias, (-30.0, -100.0, -50.0)[variant])
    elif fault == "gradient_flow":
        if variant == 1:
            for name, parameter in module.named_parameters():
                if parameter.ndim > 1 and "embedding" not in name:
                    parameter.data *= 30
        else:
            deepen(module, lambda size: nn.Sequential(nn.Linear(size, size), nn.Sigmoid()), 8 + 2 * variant)
    elif fault == "training_mode":
        setup.evaluation_mode = False
    elif fault == "no_zero_grad":
        setup.zero_grad = False
    elif fault == "regularization":
        if variant == 1 and any(isinstance(part, nn.Dropout) for part in module.modules()):
            for part in module.modules():
                if isinstance(part, nn.Dropout):
                    part.p = 0.95
        else:
            setup.decay = (0.1, 0.05, 0.2)[variant] / setup.rate
    elif fault == "imbalance":
        x, y = parts["train"]
        rare = y > 0 if variant else y < y.max()
        keep = ~rare | (rng.random(len(y)) < 0.04)
        for each in range(setup.data.classes):
            keep[np.flatnonzero(y == each)[:1]] = True
        parts["train"] = (x[keep], y[keep])
    elif fault == "overfitting":
        x, y = parts["train"]
        few = max(20, int(0.06 * len(x)))
        noisy = y[:few].copy()
        wrong = rng.random(few) < 0.2
        noisy[wrong] = rng.integers(0, setup.data.classes, wrong.sum())
        parts["train"] = (x[:few], noisy)
        for part in module.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        setup.steps, setup.rate = 200, 5e-3
    return setup


class Softmax(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x).softmax(dim=1)


def train(setup: Setup) -> Result:
    """Train and measure as `dlcore.watch` does: probes of single steps, and a look at data and network."""
    torch.manual_seed(setup.seed)
    parts = {name: (to_tensor(x), to_tensor(y)) for name, (x, y) in setup.data.parts.items()}
    module = Softmax(setup.module) if setup.softmax else setup.module
    (x, y), (vx, vy), (tx, ty) = parts["train"], parts["validation"], parts["test"]
    weights = None
    if setup.class_weights:
        counts = torch.bincount(y, minlength=setup.data.classes).clamp(min=1).float()
        weights = (len(y) / len(counts) / counts).clamp(max=20)
    optimizer = torch.optim.AdamW(module.parameters(), lr=setup.rate, weight_decay=setup.decay)
    layers = gradients.layers(module)
    probe, rng = Probe(module, layers), np.random.default_rng(setup.seed)
    rows = {"losses": [], "norms": [], "ratios": [], "dead": [], "steps": [], "train": [], "validation": []}
    stale, failed, modes = [], 0, []
    best, best_loss = None, float("inf")
    order = np.empty(0, dtype=int)
    for step in range(1, setup.steps + 1):
        module.train()
        if len(order) < BATCH:
            order = np.concatenate([order, rng.permutation(len(x))])
        batch, order = order[:BATCH], order[BATCH:]
        is_probed = step == 1 or step % EVERY == 0
        if is_probed:
            with probe.watching():
                outputs = module(x[batch])
        else:
            outputs = module(x[batch])
        loss = functional.cross_entropy(outputs, y[batch], weight=weights)
        if not torch.isfinite(loss):
            failed = step
            break
        if setup.zero_grad:
            optimizer.zero_grad()
        if is_probed and step > 1:
            stale.append(any(p.grad is not None and bool(p.grad.any()) for p in module.parameters()))
        loss.backward()
        if setup.clip:
            nn.utils.clip_grad_norm_(module.parameters(), setup.clip)
        if is_probed:
            rows["norms"].append(gradients.norms(list(layers.values())))
            probe.before_update()
        optimizer.step()
        if is_probed:
            measures = probe.measures()
            rows["ratios"].append(measures["update_ratio"])
            rows["dead"].append(measures["dead_units"])
            rows["steps"].append(step)
        rows["losses"].append(loss.item())
        if step % (setup.steps // EPOCHS) == 0:
            module.train(not setup.evaluation_mode)
            modes.append(module.training)
            with torch.no_grad():
                scores = module(vx)
            rows["validation"].append(functional.cross_entropy(scores, vy).item())
            rows["train"].append(float(np.mean(rows["losses"][-setup.steps // EPOCHS :])))
            if rows["validation"][-1] < best_loss:
                best_loss, best = rows["validation"][-1], {k: v.clone() for k, v in module.state_dict().items()}
    plain = float((scores.argmax(dim=1) == vy).float().mean()) if rows["validation"] else float("nan")
    structure = check_structure(module, x[:16])
    if setup.keep_best and best is not None:
        module.load_state_dict(best)
    module.eval()
    with torch.no_grad():
        test = balanced(module(tx), ty)
        losses = [functional.cross_entropy(module(a), b).item() for a, b in ((vx, vy), (tx, ty))]
    reported = rows["validation"][-1] if rows["validation"] else float("inf")
    data = setup.data
    measured = diagnosis.Measurements(
        losses=np.array(rows["losses"]),
        train_losses=np.array(rows["train"]),
        validation_losses=np.array(rows["validation"]),
        validation_accuracy=plain,
        steps=np.array(rows["steps"]),
        names=tuple(layers),
        norms=np.array(rows["norms"], dtype=float),
        update_ratios=np.array(rows["ratios"], dtype=float),
        dead=np.array(rows["dead"], dtype=float),
        failed_step=failed,
        kept_gradients=float(np.mean(stale)) if stale else 0.0,
        validation_in_training_mode=any(modes),
        decay=setup.rate * setup.decay,
        dropout=structure.dropout,
        is_softmax=structure.is_softmax,
        products=structure.products,
        bare=structure.bare,
        data=check_data(
            data.parts["train"][0],
            data.parts["train"][1],
            data.parts["validation"][0],
            classes=data.classes,
            is_tokens=data.is_tokens,
        ),
    )
    return Result(
        measured, test=test, loss=losses[1], leak_gap=abs(losses[0] - losses[1]), mode_gap=abs(reported - losses[0])
    )


def balanced(scores: Tensor, y: Tensor) -> float:
    """Return the mean recall of the classes."""
    right = scores.argmax(dim=1) == y
    return float(np.mean([right[y == each].float().mean().item() for each in y.unique()]))


def apply_remedy(kind: str, fault: str, setup: Setup, clean: Setup, result: Result) -> Setup:
    """Do what the remedy of a finding says, with the numbers of the finding."""
    data = result.measured.data
    if kind == "softmax output":
        setup.softmax = False
    elif kind == "gradients not zeroed":
        setup.zero_grad = True
    elif kind == "validation in training mode":
        setup.evaluation_mode = True
    elif kind == "missing activation":
        replace_layers(setup.module, nn.Identity, nn.ReLU)
    elif kind == "inputs not scaled":
        x = setup.data.parts["train"][0]
        mean, std = x.mean(axis=0), x.std(axis=0) + 1e-6
        std = np.maximum(std, 0.05 * std.max())
        setup.data.parts = {p: ((v - mean) / std, y) for p, (v, y) in setup.data.parts.items()}
    elif kind == "targets shifted":
        shift = max(data.agreement, key=data.agreement.__getitem__)
        for part in ("train", "validation"):
            x, y = setup.data.parts[part]
            setup.data.parts[part] = (x, np.roll(y, -shift))
    elif kind == "labels shuffled":
        setup.data = clean.data  # joined correctly
    elif kind == "validation leak":
        x, y = setup.data.parts["train"]
        known = {row.tobytes() for row in np.ascontiguousarray(setup.data.parts["validation"][0])}
        keep = np.array([row.tobytes() not in known for row in np.ascontiguousarray(x)])
        setup.data.parts["train"] = (x[keep], y[keep])
    elif kind == "class imbalance":
        setup.class_weights = True
    elif kind == "strong regularization":
        setup.decay /= 100
        for part in setup.module.modules():
            if isinstance(part, nn.Dropout):
                part.p = min(part.p, 0.2)
    elif kind == "exploding":
        for name, parameter in setup.module.named_parameters():
            if parameter.ndim > 1 and "embedding" not in name:
                parameter.data /= 30
        setup.clip = 1.0
    elif kind == "vanishing":
        replace_layers(setup.module, nn.Sigmoid, nn.ReLU)
        for part in setup.module.modules():
            if isinstance(part, nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
    elif kind == "dying units":
        for part in setup.module.modules():
            if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d) and part.bias is not None:
                nn.init.zeros_(part.bias)
        replace_layers(setup.module, nn.ReLU, nn.LeakyReLU)
    elif kind in ("learning rate too high", "learning rate too low"):
        setup.rate = range_test(setup)
    elif kind == "overfitting":
        setup.keep_best, setup.decay = True, 1.0
        for part in setup.module.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.3
    return setup


def range_test(setup: Setup) -> float:
    """Return the rate that the range test suggests for the network with its initial weights."""
    from dlcore.training.rate_finder import suggest_rate, sweep

    x, y = (to_tensor(part) for part in setup.data.parts["train"])
    rng = np.random.default_rng(setup.seed)
    batches = [rng.integers(0, len(x), BATCH) for _ in range(80)]
    rates, losses = sweep(
        setup.module,
        [((x[rows],), y[rows]) for rows in batches],
        loss=functional.cross_entropy,
        optimizer=lambda module: torch.optim.AdamW(module.parameters(), lr=1e-7, weight_decay=setup.decay),
    )
    return suggest_rate(rates, losses)


def score(fault: str, result: Result) -> float:
    """Return what the remedy has to raise: log likelihood of the test part; for faults of the validation, how true its
    loss is."""
    if not np.isfinite(result.loss):
        return -1e9
    return {"training_mode": -result.mode_gap, "leak": -result.leak_gap}.get(fault, -result.loss)


def is_right(fault: str, kind: str) -> bool:
    expected = (FAULTS[fault], "exploding") if fault == "gradient_flow" else (FAULTS[fault],)
    return kind in expected


def run(networks: dict, seeds: range, healthy: int, faults: list[str]) -> list[dict]:
    rows, began = [], time.time()
    cases = [(fault, name, seed) for fault in faults for name in networks for seed in seeds]
    cases += [("healthy", list(networks)[i % len(networks)], 50 + seeds[0] + i) for i in range(healthy)]
    for fault, name, seed in cases:
        setup = set_up(name, networks, seed)
        if fault != "healthy" and (setup := plant(fault, setup, seed)) is None:
            continue
        result = train(setup)
        findings = diagnosis.diagnose(result.measured)
        row = {"fault": fault, "network": name, "seed": seed, "kinds": [f.kind for f in findings]}
        row |= {"evidence": findings[0].evidence, "confidence": findings[0].confidence, "test": result.test}
        if fault != "healthy":
            again, clean = plant(fault, set_up(name, networks, seed), seed), set_up(name, networks, seed)
            mended = train(apply_remedy(findings[0].kind, fault, again, clean, result))
            row |= {"before": score(fault, result), "after": score(fault, mended)}
            row |= {"test_after": mended.test}
        rows.append(row)
        if len(rows) % 25 == 0:
            print(f"{len(rows)} of {len(cases)}, {time.time() - began:.0f} s", file=sys.stderr, flush=True)
    return rows


def is_raised(row: dict) -> bool:
    """Whether the remedy raises the score."""
    return row["after"] > row["before"]


def report(rows: list[dict]) -> str:
    kinds = [*dict.fromkeys(FAULTS.values()), "exploding", "healthy"]
    planted = [row for row in rows if row["fault"] != "healthy"]
    healthy = [row for row in rows if row["fault"] == "healthy"]
    right = [row for row in planted if is_right(row["fault"], row["kinds"][0])]
    accused = [row for row in healthy if row["kinds"][0] != "healthy"]
    raised = [row for row in planted if is_raised(row)]
    lines = [
        f"First finding right: {len(right)} of {len(planted)} ({len(right) / max(1, len(planted)):.1%}); "
        f"healthy runs accused: {len(accused)} of {len(healthy)}; "
        f"remedy raises the score: {len(raised)} of {len(planted)} ({len(raised) / max(1, len(planted)):.1%}).",
        "",
        "| Planted | n | right | raised | first findings |",
        "|---|---|---|---|---|",
    ]
    for fault in [*FAULTS, "healthy"]:
        group = [row for row in rows if row["fault"] == fault]
        counts = Counter(row["kinds"][0] for row in group)
        named = ", ".join(f"{kind} {counts[kind]}" for kind in kinds if counts[kind])
        good = sum(
            is_right(fault, row["kinds"][0]) if fault != "healthy" else row["kinds"][0] == "healthy" for row in group
        )
        better = sum(is_raised(row) for row in group) if fault != "healthy" else "–"
        lines.append(f"| {fault.replace('_', ' ')} | {len(group)} | {good} | {better} | {named} |")
    return "\n".join(lines)


def main() -> None:
    half, *faults = sys.argv[1:]
    torch.set_num_threads(1)
    is_development = half == "development"
    networks, seeds = (DEVELOPMENT, range(3)) if is_development else (MEASURED, range(10, 13))
    rows = run(networks, seeds, 40, faults or list(FAULTS))
    Path(f"diagnosis-{half}.json").write_text(json.dumps(rows, indent=1))
    print(report(rows))


if __name__ == "__main__":
    main()
