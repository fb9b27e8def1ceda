"""Network, loss and augmentation of a training script for custom code: imported from the code in the bundle."""

import re
from pathlib import PurePath

from dlcore.core.errors import RunError
from dlcore.data.splits import Prepared
from dlcore.projects.custom import definitions, fields, functions, loading, source
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.construction import Construction
from dlcore.runs.standalone.loop import fill
from dlcore.runs.standalone.source import collect
from dlcore.training.state import thread_count

MODULE = PurePath(source.FILE).stem
FACTS = ("channels", "height", "width", "vocabulary", "length", "window", "features", "variables", "steps")
"""Facts of the data that `loading.adapt` reads."""
_BUILD = '''\
def build_network() -> nn.Module:
    """Return the network of `$file`, which is imported after the seed, as its code may draw random numbers."""
?seeds|    random.seed($seed)
?seeds|    np.random.seed($seed)
    from $module import $target

    return adapt($call, $facts)
'''
_LOSS = '''\
def custom_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the loss `$name` of `$file`."""
    from $module import $name

    return $call(outputs, fill_missing(outputs, targets))
'''
_AUGMENT = '''\
def custom_augmentation(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return inputs of which `$name` of `$file` has changed the first."""
    from $module import $name

    return ($call(inputs[0].clone()), *inputs[1:])
'''


def construct_custom(config: RunConfig, prepared: Prepared, *, parameters: int) -> Construction:
    """Return how a script builds a network of custom code with that many parameters; the code does not run.

    Raises:
        RunError: the code is not stored on this machine.
    """
    network = source.find(config.model)
    if network is None:
        raise RunError(f"the code of '{config.model}' is not on this machine: import the run again.")
    call = network.target
    if not network.is_instance:
        values = fields.arguments(network, config.model_options, prepared.facts)
        call += f"({', '.join(f'{name}={value!r}' for name, value in values.items())})"
    used = [functions.find(config, setting) for setting in (definitions.LOSS, definitions.AUGMENTATION)]
    collected = collect([loading.adapt, *([functions.fill_missing] if used[0] else [])], is_brief=True)
    common = {"module": MODULE, "file": source.FILE}
    facts = {name: prepared.facts[name] for name in FACTS if name in prepared.facts}
    seeds = ["seeds"] if re.search(r"\brandom\b", network.text) else []
    build = fill(_BUILD, *seeds, **common, target=network.target, call=call, facts=facts, seed=config.seed)
    collected.definitions["build_network"] = build
    collected.imports |= {"from torch import Tensor", "from torch import nn"}
    collected.imports |= {"import random", "import numpy as np"} if seeds else set()
    names = []
    for name, template, pair in zip(("custom_loss", "custom_augmentation"), (_LOSS, _AUGMENT), used, strict=True):
        if pair is not None:
            function = pair[1]
            value = f"{function.name}()" if function.is_class else function.name
            collected.definitions[name] = fill(template, **common, name=function.name, call=value)
            names.append(name)
    threads = 1 if thread_count(parameters, cores=2) == 1 else 0
    return Construction(collected, "build_network()", {}, threads, functions=tuple(names))
