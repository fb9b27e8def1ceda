"""MNIST with NumPy only: accuracy on the 10,000 test images and training time, in a process without torch.

    OMP_NUM_THREADS=1 python tests/benchmarks/numpy_nn.py

Uses the full preset of the project `backprop` on all 60,000 training images. Prints JSON.
"""

import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore.data.array_batches import ArrayBatches, RandomShift
from dlcore.data.images import images
from dlcore.models.numpy_nn import architectures
from dlcore.models.numpy_nn.layers import SoftmaxCrossEntropy
from dlcore.models.numpy_nn.optimizers import Adam
from dlcore.training.config import TrainingConfig
from dlcore.training.numpy_nn import Check, NumpyTrainingState, fit

CONFIG = TrainingConfig(epochs=20, batch_size=256, learning_rate=4e-3, schedule="one_cycle", gradient_every=0)


def main() -> None:
    data = images.load("mnist")
    pixels, scale = np.asarray(data.pixels), images.mean_and_std(np.asarray(data.pixels))
    initializer = architectures.WeightInitializer(np.random.default_rng(0))
    network = architectures.dense(
        initializer, 784, [256, 128], 10, activation="relu", norm=True, dropout=0.1
    ).train_only()
    batches = ArrayBatches(pixels, data.labels, CONFIG.batch_size, seed=0, prepare=RandomShift(**scale, shift=2))
    state = NumpyTrainingState(network, Adam(), CONFIG, steps_per_epoch=len(batches), seed=0)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in fit(state, batches, loss=SoftmaxCrossEntropy(), check=Check(lambda: {"validation_loss": 0.0})):
        pass
    seconds = {"wall_s": round(time.perf_counter() - wall, 1), "cpu_s": round(time.process_time() - cpu, 1)}
    pixels = RandomShift(**scale)(np.asarray(data.test_pixels), np.random.default_rng())
    predictions = np.concatenate([network.forward(part).argmax(axis=1) for part in np.array_split(pixels, 20)])
    result = {
        "accuracy": float((predictions == data.test_labels).mean()),
        "test_images": len(predictions),
        **seconds,
        "steps": state.step,
        "torch": "torch" in sys.modules,
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "machine": platform.machine(),
        "numpy": np.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
