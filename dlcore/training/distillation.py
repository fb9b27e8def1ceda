"""Knowledge distillation (Hinton et al. 2015): the loss of a student that imitates a teacher's probabilities."""

from torch import Tensor
from torch.nn import functional

from dlcore.training.fit import Objective


def distill(plain: Objective, *, temperature: float, weight: float) -> Objective:
    """Return the objective for targets (N, 1 + K): class numbers, and the teacher's log-probabilities.

    The loss is `weight` times the Kullback-Leibler divergence of teacher and student at `temperature`, multiplied by
    its square (Hinton et al. 2015, section 2), plus 1 - `weight` times the loss of `plain`. At 1 no label is used.
    """

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        student = (outputs.float() / temperature).log_softmax(dim=1)
        teacher = (targets[:, 1:] / temperature).log_softmax(dim=1)
        soft = functional.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2
        return soft if weight == 1 else weight * soft + (1 - weight) * plain.loss(outputs, targets[:, 0].long())

    def correct(outputs: Tensor, targets: Tensor) -> Tensor:
        assert plain.correct is not None
        return plain.correct(outputs, targets[:, 0].long())

    return Objective(loss=loss, correct=None if plain.correct is None else correct)
