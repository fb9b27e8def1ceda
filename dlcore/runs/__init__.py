"""Runs: create, start, pause, resume, read, export.

Importing this package is cheap: torch, mlflow and submitit are imported on first use.
"""

from dlcore.runs.actions import create, delete_run, follow, fork, pause, resume, start, stop, wait
from dlcore.runs.bundle.exchange import export_run, import_run
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.foreground import train_here
from dlcore.runs.onnx_export import OnnxReport, export_onnx, export_onnx_apart, export_standalone_apart, why_no_onnx
from dlcore.runs.record import ACTIVE, RESUMABLE, Best, Curve, GradientNorms, Record, State
from dlcore.runs.run import (
    Run,
    editable_runs,
    evaluate,
    further_references,
    list_active,
    list_jobs,
    list_paused,
    list_runs,
    open_run,
    references,
)

__all__ = [
    "ACTIVE",
    "RESUMABLE",
    "Best",
    "Bundle",
    "Curve",
    "GradientNorms",
    "OnnxReport",
    "Record",
    "Run",
    "State",
    "create",
    "delete_run",
    "editable_runs",
    "evaluate",
    "export_onnx",
    "export_onnx_apart",
    "export_run",
    "export_standalone_apart",
    "follow",
    "fork",
    "further_references",
    "import_run",
    "list_active",
    "list_jobs",
    "list_paused",
    "list_runs",
    "open_run",
    "pause",
    "references",
    "resume",
    "start",
    "stop",
    "train_here",
    "wait",
    "why_no_onnx",
]
