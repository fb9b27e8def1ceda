"""A project: names the shape in a small drawn image."""

from dlcore.projects.project import Project
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.projects.vision import fashion
from tiny_pack.model import MODEL

PROJECT = Project(
    slug="tiny_pack",
    section="vision",
    title="Tiny pack",
    summary="Names the shape in a small drawn image.",
    task=CLASSIFICATION,
    modality="image",
    datasets=("tiny_pack_shapes",),
    models={"tiny": MODEL},
    data_config=fashion.FashionData,
    presets={
        "quick": {"epochs": 8, "batch_size": 32, "learning_rate": 1e-2},
        "full": {"epochs": 40, "batch_size": 32, "learning_rate": 1e-2, "schedule": "cosine"},
    },
    facts={"height": 12, "width": 12, "classes": 3},
    prepare=fashion.prepare,
    baselines=fashion.baselines,
    answer=fashion.answer,
    explain=fashion.explain,
)
