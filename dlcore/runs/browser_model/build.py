"""Packs the model of a run for a browser, by what its project answers to."""

from collections.abc import Callable, Mapping
from typing import Any

from dlcore import projects
from dlcore.core.errors import RunError
from dlcore.projects.anomaly import project as anomaly
from dlcore.projects.custom.remote import RemoteModule
from dlcore.projects.forecast import project as forecast
from dlcore.projects.foundations import attention, backprop, rnn
from dlcore.projects.language import seq2seq
from dlcore.projects.language import texts as language_texts
from dlcore.projects.project import LoadedModel
from dlcore.projects.vision import fashion, food
from dlcore.projects.vision import images as vision_images
from dlcore.runs.browser_model import images, series, texts
from dlcore.runs.browser_model.packing import BrowserModel
from dlcore.runs.bundle.reader import Bundle

PACKERS: Mapping[Callable[[LoadedModel, bytes], dict[str, Any]], Callable[[LoadedModel], BrowserModel]] = {
    fashion.answer: images.pack_classifier,
    vision_images.answer: images.pack_classifier,
    food.answer: images.pack_classifier,
    backprop.answer: images.pack_digits,
    rnn.answer: images.pack_digits,
    language_texts.answer: texts.pack_classifier,
    seq2seq.answer: texts.pack_decoder,
    attention.answer: texts.pack_recall,
    anomaly.answer: series.pack_scorer,
    forecast.answer: series.pack_forecaster,
}


def pack_run(bundle: Bundle) -> BrowserModel:
    """Return the model of a run for a browser.

    Raises:
        RunError: it cannot answer in a browser; one line says why.
        DataError: pretrained weights that it needs are not on this machine.
        RequestError: a package is missing.
    """
    project = projects.get(bundle.config.project)
    packer = PACKERS.get(project.answer)
    if packer is None:
        raise RunError(f"'{project.slug}' has no input that a browser reads.")
    loaded = bundle.load()
    if isinstance(loaded.module, RemoteModule):
        raise RunError(
            "a network of your code answers in reports of the command line only: `dlcore report RUN --model`."
        )
    return packer(loaded)
