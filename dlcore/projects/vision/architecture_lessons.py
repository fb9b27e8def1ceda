"""The comparisons that come with VGG, ResNet and ResNeXt: equal compute, overfitting, skip connections, cardinality."""

from dlcore.projects.lessons import Lesson

_DATASET = "dogs_food_vehicles"
_SMALL = {"side": 32, "train_rows": 2000, "validation_share": 0.05, "precision": "bf16-mixed", "gradient_every": 0}
_AUGMENTED = {"flip": True, "shift": 4, "cutout": 8, "color_jitter": 0.2}
_PLAIN = {"flip": False, "shift": 0, "cutout": 0, "color_jitter": 0.0}
_SGD = {
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "schedule": "one_cycle",
}
_ADAM = {"optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0, "schedule": "constant"}

LESSONS = (
    Lesson(
        "main",
        "Main comparison",
        _DATASET,
        {**_SMALL, **_AUGMENTED, **_SGD, "train_rows": 4000, "epochs": 6},
        {
            "resnet18": {"model": "resnet18", "stem": "half", "width": 16},
            "vgg16_c": {"model": "vgg16_c", "width": 12, "head": 128},
            "resnext": {"model": "resnext", "stem": "half", "width": 18, "cardinality": 8, "group_width": 2},
        },
    ),
    Lesson(
        "overfitting",
        "Overfitting",
        _DATASET,
        {**_SMALL, **_ADAM, "model": "vgg16_c", "width": 8, "head": 64, "epochs": 12},
        {
            "plain": {**_PLAIN, "batch_norm": False, "dropout": 0.0},
            "regularized": {**_AUGMENTED, "batch_norm": True, "dropout": 0.5},
        },
        {"plain": "Plain VGG", "regularized": "VGG with batch norm, dropout and augmentation"},
        question="overfitting",
    ),
    Lesson(
        "residual",
        "Residual connections",
        _DATASET,
        {**_SMALL, **_AUGMENTED, **_SGD, "cutout": 0, "model": "resnet18", "stem": "half", "width": 4}
        | {"blocks": 6, "epochs": 6},
        {"skips": {"skip_connections": True}, "no_skips": {"skip_connections": False}},
        {"skips": "50 layers, skip connections on", "no_skips": "50 layers, skip connections off"},
    ),
    Lesson(
        "cardinality",
        "Cardinality",
        _DATASET,
        {**_SMALL, **_AUGMENTED, **_SGD, "cutout": 0, "model": "resnext", "stem": "half", "width": 9, "epochs": 5},
        {
            "cardinality_1": {"cardinality": 1, "group_width": 14},
            "cardinality_4": {"cardinality": 4, "group_width": 6},
            "cardinality_16": {"cardinality": 16, "group_width": 2},
        },
        {f"cardinality_{paths}": f"Cardinality {paths}" for paths in (1, 4, 16)},
    ),
)
