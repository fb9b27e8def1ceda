"""A deep-learning workbench: train, evaluate, predict and explain, with the same functions as the app.

>>> import dlcore
>>> run = dlcore.train("anomaly", model="conv", preset="quick")
>>> run.metrics["f1"]
>>> dlcore.load("reference:food/mobilenet_v2").predict(dlcore.sample("food/apple_pie.png"))

`dlcore.projects` and `dlcore.runs` are imported on first access: `import dlcore` alone loads neither torch nor NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dlcore import projects, runs
    from dlcore.data.repairs import Repair
    from dlcore.data.sources.registry import Dataset
    from dlcore.runs.batch.predict import BatchResult
    from dlcore.runs.run import Run
    from dlcore.runs.watch.watched_run import Validation, WatchedRun

__version__ = "0.1.0"
__all__ = [
    "add_data",
    "check_data",
    "datasets",
    "evaluate",
    "explain",
    "load",
    "predict",
    "predict_file",
    "projects",
    "runs",
    "sample",
    "train",
    "watch",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in ("projects", "runs"):
            return import_module(f"dlcore.{name}")
        raise AttributeError(f"module 'dlcore' has no attribute '{name}'")


def train(
    project: str,
    *,
    model: str | None = None,
    dataset: "str | Path | None" = None,
    preset: str = "full",
    seed: int = 0,
    device: str = "auto",
    verbose: bool = True,
    **settings: Any,
) -> "Run":
    """Train one model in a worker process, wait for it, and return the run.

    Ctrl-C ends the wait, not the run: `dlcore.runs.list_runs()` finds it, `dlcore.runs.stop(run_id)` ends it.

    Parameters:
        project: a slug, see `dlcore.projects.list_projects()`.
        model: one of the project's models; the first by default. For `custom` also a Python file or notebook with an
            `nn.Module`, which is checked first.
        dataset: one of the project's datasets, a custom dataset, or a CSV file for `anomaly` and `forecast`; the first
            available one by default.
        preset: "quick" (within a minute) or "full" (the hyperparameters of the reference run).
        seed: seed of all random generators.
        device: "auto", "cpu", "cuda:0", ... or "mps".
        verbose: whether to print one line per epoch on standard error.
        settings: hyperparameters that replace the preset's, such as `epochs=5` or `learning_rate=1e-3`.

    Raises:
        ConfigError: a setting is unknown or out of bounds.
        DataMissingError: the dataset is not on this machine; says how to get it.
        TrainingError: training failed; says why.
    """
    import sys

    from dlcore import projects, runs
    from dlcore.core.errors import TrainingError
    from dlcore.projects import dataset_file, registry

    if dataset is not None and dataset_file.is_file_name(str(dataset)):
        dataset = dataset_file.import_file(project, dataset)
    name = None if dataset is None else str(dataset)
    project = registry.network_project(project, name)
    if model is not None and dataset_file.is_file_name(model):
        from pathlib import Path

        from dlcore.projects.custom import networks

        model = networks.add_file(Path(model), project, name, settings=settings)
    config = projects.configure(
        project, model=model, dataset=name, preset=preset, seed=seed, device=device, settings=settings
    )

    def report(record: runs.Record) -> None:
        if verbose:
            sys.stderr.write(f"{record.progress}\n")

    run_id = runs.start(runs.create(config).run_id).run_id
    record = runs.follow(run_id, report)
    if record.state == "failed":
        raise TrainingError(f"run {run_id} failed: {record.reason}")
    return runs.open_run(run_id)


def watch(
    module: Any,
    *,
    project: str = "watched loop",
    name: str = "",
    validation: "Validation | None" = None,
    epochs: int = 0,
    hyperparameters: "Mapping[str, str | float | bool] | None" = None,
) -> "WatchedRun":
    """Watch a training loop of a script or notebook: the run appears live on the page Watched runs.

    >>> with dlcore.watch(model, project="mnist") as run:
    ...     for inputs, targets in batches:
    ...         ...                      # forward, backward, optimizer.step()
    ...         run.log(loss=loss)
    ...     run.finish(scores, targets)

    Now and then one step is measured: gradient norm, update ratio, activations and dead units of each layer. That takes
    at most 1 % of the time; other steps are not hooked.

    Parameters:
        module: the network, an `nn.Module` on any device.
        project: what the loop is about; the column Data of the page Runs.
        name: name of the network; by default that of its class.
        validation: a function that returns metrics, called whenever `log` ends an epoch; or batches of (inputs,
            targets), on which `finish` predicts if it gets no predictions.
        epochs: planned number of epochs, if known.
        hyperparameters: numbers, texts and switches, which the page Runs compares.

    Raises:
        StoreError: the folder of runs cannot be written.
    """
    from dlcore.runs.watch import watched_run

    return watched_run.watch(
        module, project=project, name=name, validation=validation, epochs=epochs, hyperparameters=hyperparameters
    )


def load(ref: str) -> "Run":
    """Open a run by its id, a unique prefix of the id, or `reference:<project>/<model>`.

    Raises:
        RunError: no such run, or the prefix is ambiguous.
    """
    from dlcore import runs

    return runs.open_run(ref)


def evaluate(run: "Run | str") -> dict[str, Any]:
    """Return `run_id`, `split`, `metrics` and `baselines` of a finished run, measured once on the test split.

    Metrics come with the bounds of their 95 % interval as `<name>_low` and `<name>_high`.

    Raises:
        RunError: no such run, or it has no bundle yet.
    """
    from dlcore import runs

    return runs.evaluate(run if isinstance(run, str) else run.run_id)


def predict(run: "Run | str", source: "bytes | Path | str") -> dict[str, Any]:
    """Predict one input with a finished run, as the Predict panel does.

    Parameters:
        run: a run, or what `load` takes.
        source: bytes or a path of a CSV, an image or a text, as the project takes it; a str that names no file is the
            text itself.

    Raises:
        RunError: no such run, or it has no bundle yet.
        DataError: the input cannot be read or does not suit the model.
    """
    return (load(run) if isinstance(run, str) else run).predict(source)


def predict_file(run: "Run | str", source: "Path | str", output: "Path | str", *, text: str = "") -> "BatchResult":
    """Predict all inputs of a file or folder with a finished run; write the predictions to a table.

    An interrupted call continues where it stopped. Memory does not grow with the number of rows.

    Parameters:
        run: a run, or what `load` takes.
        source: a table of texts (CSV, JSON, Excel, Parquet), a photo, a folder or zip of photos, or a series.
        output: a .csv, .jsonl or .parquet file. Classes: label, probability, second best, uncertain flag, and the
            reason of each row that cannot be used; series: score and alarm per row, or the forecast with its interval.
        text: the column of the texts, if its name is not a usual one.

    Raises:
        RunError: no such run, or it has no bundle yet.
        DataError: the input cannot be read.
        RequestError: the output cannot be written there, or the column of the texts has to be named.
    """
    return (load(run) if isinstance(run, str) else run).predict_file(source, output, text=text)


def explain(run: "Run | str", source: "bytes | Path | str", *, method: str = "", target: str = "") -> dict[str, Any]:
    """Explain a prediction of one input, with sanity checks and findings in words.

    Parameters:
        run, source: as for `predict`.
        method: one of the result's `methods`; the project's default if empty.
        target: the class or variable to explain; the predicted one if empty.

    Raises:
        RequestError: the project has no explanation, no such method or no such target.
        RunError, DataError: as for `predict`.
    """
    return (load(run) if isinstance(run, str) else run).explain(source, method=method, target=target)


def datasets(project: str | None = None) -> "list[Dataset]":
    """Return the datasets of one project, or all: name, title, license, home page, size in bytes; custom ones last.

    Raises:
        RequestError: no such project.
    """
    from dlcore.data.custom import registry
    from dlcore.data.sources import locate

    if project is not None:
        from dlcore import projects

        return [locate.get_dataset(name) for name in projects.list_datasets(project)]
    return [*locate.DATASETS.values(), *(locate.get_dataset(entry.dataset) for entry in registry.list_datasets())]


def check_data(
    file: "str | Path", *, kind: str | None = None, repair: "Repair" = None, **options: Any
) -> dict[str, Any]:
    """Read a file as `add_data` does and store nothing.

    Returns `kind`, `rows`, `columns`, `time`, `values`, `classes`, `windows`, `problems` (each with its repairs:
    `choices`, `default`, `selected`) and `receipt`, what the repairs change.

    Parameters:
        file: CSV, JSON, Excel or Parquet, or a zip or folder with one folder of images per class.
        kind: "series", "table", "images", "texts" or "pairs"; guessed from the file and the options by default.
        repair: "default", or a mapping of kinds of problems to repairs, such as `{"duplicate_times": "mean"}`. Problems
            without a chosen repair are read with their default.
        options: those of the kind, such as `time` and `value` of a series, or `text` and `label` of texts.

    Raises:
        ConfigError: an option or a repair is unknown or invalid.
        DataError: the file cannot be used; names row, column, reason and next step.
    """
    from dlcore.data.custom import importers

    return importers.check_file(file, kind=kind, repair=repair, **options)[1].describe()


def add_data(
    name: str, file: "str | Path", *, kind: str | None = None, repair: "Repair" = "default", **options: Any
) -> dict[str, Any]:
    """Save a file as the custom dataset `name`, and return its description with `name` (its id) and `checksum`.

    Parameters:
        name: letters, digits, - and _.
        file, kind, options: as for `check_data`.
        repair: as for `check_data`, but every problem needs a repair: "default" accepts all defaults, and
            `["default", "duplicate_times=first"]` all but one.

    Raises:
        RequestError: the name is invalid or taken, or a problem has no default and no chosen repair.
        ConfigError, DataError: as for `check_data`.
        StoreError: the folder of custom datasets cannot be written.
    """
    from dlcore.data.custom import importers

    return importers.add_file(name, file, kind=kind, repair=repair, **options).describe()


def sample(name: str) -> "Path":
    """Return the path of a sample input that ships with the package, such as `food/apple_pie.png`.

    Raises:
        RequestError: no such sample; names those that exist.
    """
    from dlcore.core.errors import RequestError
    from dlcore.core.settings import ASSETS

    folder = ASSETS / "samples"
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.glob("*/*")) if path.suffix != ".md"}
    if name not in paths:
        raise RequestError(f"there is no sample '{name[:50]}': available are {', '.join(paths)}.")
    return paths[name]
