"""Repairs of imported files: every problem is listed once, with choices and a default, and every change is recorded.

An importer calls `Repairs.choose` for each problem that it can repair, applies the returned choice, and `record`s what
it changed. Nothing is changed, merged or dropped without a line in the receipt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dlcore.core.errors import ConfigError

DEFAULT = "default"
"""In place of choices: accept the default of every problem."""
LINE = 32_000
"""Longest line of a receipt, so that a run of the dataset can be exported and imported."""


@dataclass(frozen=True)
class Problem:
    """One kind of problem in a file.

    `kind` is its identifier (`duplicate_times`), `message` one sentence, `count` how many rows, cells or files it
    concerns, `where` the first of them (`row 12, column 'load'`), `example` its content. `choices` are the repairs,
    `default` is applied unless another one is `selected`; a problem without a default needs a choice, and with `free`
    any text is one. A problem without choices is a note: what was left out or converted, which needs no decision.
    """

    kind: str
    message: str
    count: int = 1
    where: str = ""
    example: str = ""
    choices: tuple[str, ...] = ()
    default: str = ""
    selected: str = ""
    free: bool = False

    @property
    def repair(self) -> str:
        """The repair that is applied: the chosen one, or the default."""
        return self.selected or self.default

    def accepts(self, repair: str) -> bool:
        """Return whether a repair is one of the choices; it may carry a value after a colon."""
        return self.free or repair.partition(":")[0] in {choice.partition(":")[0] for choice in self.choices}


@dataclass
class Repairs:
    """The choices of a person, the problems met so far, and the receipt of what was changed, in order.

    `choices` maps kinds of problems to repairs, which may carry a value after a colon (`interpolate:6`);
    `accept_defaults` chooses the default of every other problem.
    """

    choices: Mapping[str, str] = field(default_factory=dict)
    accept_defaults: bool = False
    problems: list[Problem] = field(default_factory=list)
    receipt: list[str] = field(default_factory=list)

    def choose(
        self,
        kind: str,
        message: str,
        choices: tuple[str, ...],
        *,
        default: str = "",
        count: int = 1,
        where: str = "",
        example: str = "",
        free: bool = False,
        asks: bool = True,
    ) -> str:
        """Record a problem and return the repair to apply: the chosen one, the default, or else the first choice.

        A choice with a value (`interpolate:6`) is valid if the part before the colon is one; with `free` any text is.
        A problem that does not `ask` has its default accepted: what its repair does is harmless or as before.

        Raises:
            ConfigError: The chosen repair is not one of the choices.
        """
        selected = self.choices.get(kind, "")
        if selected == DEFAULT or (not selected and self.accept_defaults) or not (selected or asks):
            selected = default
        problem = Problem(kind, message, count, where, _printable(example), choices, default, selected, free)
        is_valid = not selected or problem.accepts(selected)
        self.problems.append(problem if is_valid else replace(problem, selected=""))
        if not is_valid:
            raise ConfigError(f"--repair {kind}={selected[:40]}: choose one of {', '.join(choices)}.")
        return problem.repair or choices[0]

    def note(self, kind: str, message: str, *, count: int = 1, where: str = "", example: str = "") -> None:
        """Record something that was left out or converted and needs no decision; also in the receipt."""
        self.problems.append(Problem(kind, message, count, where, _printable(example)))
        self.record(f"{where}: {message}" if where else message)

    def record(self, line: str) -> None:
        """Add a line to the receipt: what was changed, how often, and where first."""
        text = " ".join(line.split()).rstrip(".")
        self.receipt.append(text if len(text) <= LINE else f"{text[: LINE - 3]}...")

    def copy(self) -> "Repairs":
        """Return a copy that later steps can add to."""
        return Repairs(self.choices, self.accept_defaults, [*self.problems], [*self.receipt])

    def check_choices(self) -> None:
        """Check that every choice was for a problem of this file.

        Raises:
            ConfigError: A choice names a problem that the file does not have.
        """
        kinds = [problem.kind for problem in self.problems if problem.choices]
        unknown = next((kind for kind in self.choices if kind not in kinds), None)
        if unknown is not None:
            known = ", ".join(dict.fromkeys(kinds)) or "none"
            raise ConfigError(f"--repair {unknown[:40]}: the file has no such problem; it has {known}.")


Repair = Repairs | Mapping[str, str] | Sequence[str] | str | None
"""Choices in any form: a mapping of kinds to repairs, `KIND=HOW` texts, `default`, or none."""


def parse_repairs(repair: Repair) -> Repairs:
    """Parse choices, for example `KIND=HOW` texts of a command line.

    Raises:
        ConfigError: A part is neither `KIND=HOW` nor `default`.
    """
    if isinstance(repair, Repairs):
        return repair.copy()
    if repair is None or isinstance(repair, Mapping):
        return Repairs(dict(repair or {}))
    parts = [repair] if isinstance(repair, str) else list(repair)
    choices: dict[str, str] = {}
    for part in parts:
        kind, equals, how = (side.strip() for side in part.partition("="))
        if part.strip() != DEFAULT and not (kind and equals and how):
            raise ConfigError(f"--repair {part[:60]}: write KIND=HOW, or default to accept all default repairs.")
        if equals:
            choices[kind] = how
    return Repairs(choices, any(part.strip() == DEFAULT for part in parts))


def _printable(text: object) -> str:
    clean = "".join(c if c.isprintable() else " " for c in str(text))
    return clean if len(clean) <= 80 else clean[:77] + "..."
