"""What the projects of one text classifier have in common."""

from functools import partial

from dlcore.data.text import corpora as text
from dlcore.projects import quick
from dlcore.projects.language import texts
from dlcore.projects.language.explain import explain
from dlcore.projects.project import Project

TextProject = partial(
    Project,
    section="language",
    task=texts.TEXT_CLASSIFICATION,
    modality="text",
    baselines=texts.baselines,
    answer=texts.answer,
    answer_many=texts.answer_many,
    explain=explain,
    input_limit=text.MAX_BYTES,
    custom_data=("text",),
    custom_settings=quick.cross_validation,
    usable_baselines=texts.USABLE_BASELINES,
)
"""A `Project` of texts; every argument can be replaced."""
