"""workspace/custom_anomaly: networks of the user's code that reconstruct windows (N, T, F) of a series."""

from dlcore.projects.anomaly import project as anomaly
from dlcore.projects.custom.networks import adopt

PROJECT = adopt(
    anomaly.PROJECT,
    "custom_anomaly",
    summary="Paste a PyTorch network that reconstructs windows of a series; its errors are anomaly scores.",
    presets={
        "quick": {"epochs": 8, "batch_size": 128, "learning_rate": 3e-3},
        "full": {"epochs": 60, "batch_size": 128, "learning_rate": 2e-3, "schedule": "cosine", "patience": 15},
    },
)
