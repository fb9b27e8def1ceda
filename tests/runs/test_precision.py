import pytest
import torch
from torch import Tensor, nn

from dlcore import projects
from dlcore.core import seeds
from dlcore.data.batches import Batches
from dlcore.data.splits import Split
from dlcore.runs import budgets, execution, precision
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.folder import RunFolder, read_json, write_json
from dlcore.runs.metric_log import MemoryMetricLog
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective

OBJECTIVE = Objective(nn.functional.cross_entropy)


def small_network(width: int = 64) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Dropout(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, 3),
    )


def batches(rows: int = 32) -> Batches:
    inputs = torch.rand(rows, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    return Batches(Split((inputs,), torch.arange(rows) % 3, torch.arange(rows).numpy()), 8, seed=0)


@pytest.fixture
def no_limits(monkeypatch):
    for name in ("RUN_FLOPS", "STEP_FLOPS", "PARAMETERS"):
        monkeypatch.setattr(precision, name, 0)


@pytest.mark.parametrize(
    ("bf16_seconds", "expected"),
    [
        (0.5, "bf16-mixed"),
        (0.95, "32-true"),  # not clearly faster
        (2.0, "32-true"),
    ],
)
def test_choose_precision_takes_the_clearly_faster_form(no_limits, monkeypatch, bf16_seconds, expected):
    monkeypatch.setattr(precision, "has_fast_bf16", lambda device: True)
    clock, module = [0.0], small_network(8)  # only forward passes move the clock

    def forward(*_: object) -> None:
        clock[0] += bf16_seconds if torch.is_autocast_enabled("cpu") else 1.0

    module.register_forward_hook(forward)
    monkeypatch.setattr(precision.time, "perf_counter", lambda: clock[0])
    choice = precision.choose_precision(module, TrainingConfig(), batches(), OBJECTIVE)
    assert choice.precision == expected
    assert "32 bits" in choice.reason and "bf16" in choice.reason


def test_choose_precision_changes_neither_module_nor_generators(no_limits, monkeypatch):
    monkeypatch.setattr(precision, "has_fast_bf16", lambda device: True)
    module = small_network(8)
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    seeds.seed_everything(3)
    expected = torch.rand(4)
    seeds.seed_everything(3)
    assert precision.choose_precision(module, TrainingConfig(), batches(), OBJECTIVE).reason
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters()) and module.training
    assert module[0].weight.is_contiguous()


def test_small_runs_are_not_timed(monkeypatch):
    monkeypatch.setattr(precision, "compare_steps", lambda *_: pytest.fail("timed"))
    for width in (4, 64):  # few parameters; few operations
        choice = precision.choose_precision(small_network(width), TrainingConfig(), batches(), OBJECTIVE)
        assert choice == precision.PrecisionChoice("32-true")


def test_quick_presets_of_image_projects_are_not_timed():
    for slug, model in (("architectures", "resnet18"), ("architectures", "vgg16_c"), ("vit", "hybrid")):
        project = projects.get(slug)
        config = projects.configure(slug, model=model, preset="quick", settings={})
        side = getattr(config.data_options, "side", project.facts["height"])
        facts = {**project.facts, "height": side, "width": side}
        module = project.models[model].build(config.model_options, facts)
        shape = budgets.sample_shape(facts)
        flops = precision.count_flops(module, (torch.rand(2, *shape),))
        samples = config.training.epochs * getattr(config.data_options, "train_rows", 60_000)
        assert 0 < precision.TRAINING_COST * flops * samples < precision.RUN_FLOPS, (slug, model)


def test_a_failing_form_ends_in_32_bits(no_limits, monkeypatch):
    monkeypatch.setattr(precision, "has_fast_bf16", lambda device: True)

    def refuse(module: nn.Module, inputs: object) -> None:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("not implemented for 'BFloat16'")

    module = small_network(8)
    module.register_forward_pre_hook(refuse)
    choice = precision.choose_precision(module, TrainingConfig(), batches(), OBJECTIVE)
    assert choice.precision == "32-true" and "failed" in choice.reason


def test_count_flops_counts_convolutions_and_recurrent_layers():
    module = small_network(8)
    expected = 2 * 16 * 16 * (3 * 8 * 9 + 8 * 8 * 9) + 2 * 8 * 3
    assert precision.count_flops(module, (torch.rand(4, 3, 16, 16),)) == expected

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(5, 7, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.rnn(x)[0][:, -1]

    weights = sum(parameter.numel() for parameter in Last().parameters())
    assert precision.count_flops(Last(), (torch.rand(4, 11, 5),)) >= 2 * 11 * weights


def job(tmp_path, config, log) -> execution.Job:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    write_json(folder.config, config.model_dump(mode="json"))
    return execution.Job("run", config, folder, tmp_path / "bundle", MemoryMetricLog(), log=log)


def test_the_choice_is_said_and_stored(no_limits, monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "has_fast_bf16", lambda device: True)
    monkeypatch.setattr(precision, "compare_steps", lambda *_: precision.PrecisionChoice("bf16-mixed", "1 ms, 2 ms"))
    config = projects.configure(
        "architectures",
        model="resnet18",
        dataset="digits",
        preset="quick",
        device="cpu",
        settings={"epochs": 1, "train_rows": 64, "width": 4},
    )
    lines: list[str] = []
    outcome = execution.execute(job(tmp_path, config, lines.append))
    assert outcome.state == "finished" and lines == ["precision bf16-mixed: 1 ms, 2 ms"]
    bundle = Bundle(tmp_path / "bundle")
    assert bundle.config.training.precision == "bf16-mixed"
    assert bundle.record.precision == "bf16-mixed: 1 ms, 2 ms" and bundle.record.precision in bundle.card
    stored = projects.load_config(read_json(tmp_path / "run" / "config.json"))
    assert stored == bundle.config


def test_a_network_that_needs_whole_batches_is_not_timed(no_limits, monkeypatch):
    monkeypatch.setattr(precision, "compare_steps", lambda *_: pytest.fail("timed"))

    class WholeBatch(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if len(x) != 8:
                raise ValueError("8 rows, please")
            return super().forward(x.flatten(1))

    choice = precision.choose_precision(WholeBatch(768, 3), TrainingConfig(), batches(), OBJECTIVE)
    assert choice == precision.PrecisionChoice("32-true")
