"""Code of a training script that all tasks share: constants, training loop, start."""

from string import Template
from typing import Any

from dlcore import projects
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.construction import INITIAL, Construction

DATA_FILE = "data.npz"


def fill(template: str, *flags: str, **values: Any) -> str:
    """Return a template with values for `$name`; a line that begins with `?flag|` is left out without its flag."""
    lines = [line.partition("|") if line.startswith("?") else ("", "", line) for line in template.splitlines()]
    included = [line for flag, _, line in lines if not flag or flag[1:] in flags]
    return Template("\n".join(included)).substitute(values)


def settings_code(config: RunConfig, construction: Construction) -> str:
    """Return the constants at the start of a script."""
    training = config.training
    values = (config.seed, training.epochs, training.batch_size, training.learning_rate)
    lines = [f"SEED, EPOCHS, BATCH_SIZE, LEARNING_RATE = {', '.join(map(repr, values))}"]
    lines.append('DEVICE = "cuda" if torch.cuda.is_available() else "cpu"')
    if construction.threads:
        lines.append(f"torch.set_num_threads({construction.threads})  # the fastest for a network of this size")
    return "\n".join(lines)


RATES = {
    "cosine": "0.5 * (1 + math.cos(math.pi * done))",
    "one_cycle": "0.04 + 0.96 * done / 0.3 if done < 0.3 else 0.5 * (1 + math.cos(math.pi * (done - 0.3) / 0.7))",
    "step": "1.0 if done < 0.6 else 0.1 if done < 0.85 else 0.01",
}
"""Share of the maximum learning rate by schedule, from the share `done` of the steps; see `training.schedules`."""


def training_code(config: RunConfig, loss: str, construction: Construction) -> str:
    """Return the code of `train(model, data)`: the loop of `training.fit` with the settings of the run.

    loss: an expression of `outputs` and `targets`.
    """
    training, decay = config.training, f"weight_decay={config.training.weight_decay!r}, fused=True"
    is_bf16 = training.precision == "bf16-mixed"
    flags = {
        "schedule": training.schedule != "constant",
        "bf16": is_bf16,
        "32": not is_bf16,
        "channels_last": is_bf16 and projects.get(config.project).modality == "image",
        "clip": bool(training.clip_norm),
        "patience": bool(training.patience),
        "rates": construction.has_rates,
        "augmentation": "custom_augmentation" in construction.functions,
    }
    parameters = "groups" if construction.has_rates else "model.parameters()"
    kinds = {"sgd": f"SGD(PARAMETERS, momentum={training.momentum!r})", "adamw": "AdamW(PARAMETERS)"}
    optimizer = kinds.get(training.optimizer, "Adam(PARAMETERS)")
    return fill(
        _TRAIN,
        *(name for name, is_used in flags.items() if is_used),
        optimizer=optimizer.replace("PARAMETERS", f"{parameters}, lr=LEARNING_RATE, {decay}"),
        rate=RATES.get(training.schedule, ""),
        loss="custom_loss(outputs, targets)" if "custom_loss" in construction.functions else loss,
        clip=repr(training.clip_norm),
        patience=training.patience,
    )


_TRAIN = """\
def train(model: nn.Module, data: dict[str, Tensor]) -> None:
?channels_last|    model.to(memory_format=torch.channels_last)  # bf16 is faster
?rates|    rates = model.rates()
?rates|    groups = [{"params": part, "lr": rate * LEARNING_RATE, "rate": rate} for rate, part in rates]
    optimizer = torch.optim.$optimizer
    full, left_over = divmod(len(epoch_order(data, 1)), BATCH_SIZE)
    sizes = [BATCH_SIZE] * full + [left_over] * (left_over > 0)
    if full and left_over == 1:  # batch norm needs two samples
        sizes = [*sizes[:-2], BATCH_SIZE + 1]
    best, best_epoch, weights, step = float("inf"), 0, {}, 0
    for epoch in range(1, EPOCHS + 1):
        model.train()
        for rows in epoch_order(data, epoch).split(sizes):
?schedule|            done = step / (EPOCHS * len(sizes))
?schedule|            share = $rate
?schedule|            for group in optimizer.param_groups:
?schedule|                group["lr"] = share * group.get("rate", 1.0) * LEARNING_RATE
            inputs, targets = batch(data, "train", rows, training=True)
?augmentation|            inputs = custom_augmentation(inputs)
?bf16|            with torch.autocast(DEVICE, torch.bfloat16):
?bf16|                outputs = model(*inputs)
?bf16|            outputs = outputs.float()
?32|            outputs = model(*inputs)
            loss = $loss
            optimizer.zero_grad()
            loss.backward()
?clip|            nn.utils.clip_grad_norm_(model.parameters(), $clip)
            optimizer.step()
            step += 1
        model.eval()
        with torch.no_grad():
            value = validation_loss(model, data)
        print(f"epoch {epoch}: validation loss {value:.6f}", flush=True)
        if value < best:
            best, best_epoch, weights = value, epoch, copy.deepcopy(model.state_dict())
?patience|        if epoch - best_epoch >= $patience:
?patience|            break
    model.load_state_dict(weights)"""
_MAIN = """\
data = load(sys.argv[1] if len(sys.argv) == 2 else "$file")
torch.manual_seed(SEED)
model = $call.to(DEVICE)
?initial|initial = {name[$skip:]: value for name, value in data.items() if name.startswith("$prefix")}
?initial|model.load_state_dict(initial, strict=False)  # pretrained weights
train(model, data)
with torch.no_grad():
    metrics = test(model.eval(), data)
print(*(f"{name} {value:.4f}" for name, value in metrics.items()), sep="\\n")"""


def main_code(construction: Construction) -> str:
    """Return what a script does when it is started."""
    flags = ["initial"] if construction.initial else []
    return fill(_MAIN, *flags, file=DATA_FILE, call=construction.call, skip=len(INITIAL), prefix=INITIAL)


LOAD = """\
def load(path: str) -> dict[str, Tensor]:
    with np.load(path) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}
"""
