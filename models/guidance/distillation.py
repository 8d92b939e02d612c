"""Distillation of the video's classifier into the current."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.guidance.pair_labels import balanced_cross_entropy, labels_of
from models.quantizers.quantised import Quantised
from models.registry import component, param


@dataclass(frozen=True)
class DistillationParameters:
    """Parameters of :class:`Distillation`."""

    weight: float = param(1.0, low=1e-3, high=100.0, log=True, search=(0.1, 10.0), help="of the whole loss")
    imitation: float = param(
        1.0, low=0.0, high=1.0, search=(0.0, 1.0), help="share of the teacher's word against the label's"
    )
    temperature: float = param(2.0, low=0.5, high=20.0, log=True, search=(1.0, 8.0), help="softens both (T)")
    teach_encoder: bool = param(True, help="the teacher's loss trains the video's encoder, too")
    warm_up: float = param(0.1, low=0.0, high=1.0, help="share of the training with a teacher alone")


@component(
    "guidance",
    "distillation",
    parameters=DistillationParameters,
    origin="generalised distillation, arXiv 1511.03643",
    needs=("label",),
)
class Distillation(nn.Module):
    """A classifier on the video's mean code vector teaches itself, read on the current's.

    The teacher's logit t is trained by cross-entropy with the label. The student's logit s has
    ``(1 - lambda) CE(y, s) + lambda T^2 KL(sigma(t / T) | sigma(s / T))``, t without gradient: generalised
    distillation, or LUPI (arXiv 1511.03643, in the form T^2 KL of arXiv 1503.02531, section 2);
    lambda = 1 is logit distillation, in which the current sees no label. The student starts after
    ``warm_up`` of the training: before, the teacher knows nothing. Classes weigh the same in each
    cross-entropy, not in the KL.

    Deviation: the student has no classifier of its own, and its gradient passes by the weights of the
    shared one: the current has to come to the teacher, not the reverse. The classifier is dropped
    after the pre-training: the head is fitted on the video's codes, as for all arms.

    With two classes a teacher says one number per window: expect little beyond its labels.
    """

    def __init__(self, parameters: DistillationParameters, *, width: int) -> None:
        super().__init__()
        self.settings = parameters
        self.classify = nn.Linear(width, 1)

    def forward(self, q: Quantised, beside: Beside) -> Tensor:
        """Return the weighted loss.

        Args:
            q: its code vectors ``(B, T, D)`` are used.
            beside: its labels ``(B,)`` and the progress of the training are used.

        Raises:
            InvalidRequest: there are no labels.
        """
        s, y = self.settings, labels_of(beside, "distillation")
        video = q.video if s.teach_encoder else q.video.detach()
        teacher = self.classify(video.mean(1)).squeeze(-1)
        loss = balanced_cross_entropy(teacher, y)
        if beside.progress >= s.warm_up:
            layer = self.classify
            student = F.linear(q.current.mean(1), layer.weight.detach(), layer.bias.detach()).squeeze(-1)
            soft = teacher.detach() / s.temperature, student / s.temperature
            imitation = s.temperature**2 * divergence(*soft)
            loss = loss + (1.0 - s.imitation) * balanced_cross_entropy(student, y) + s.imitation * imitation
        return s.weight * loss


def divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Return the mean KL(teacher | student) of two classes, given by logits ``(B,)``."""
    kl = sum(
        (sign * teacher).sigmoid() * (F.logsigmoid(sign * teacher) - F.logsigmoid(sign * student))
        for sign in (1.0, -1.0)
    )
    return (kl + student.new_zeros(())).mean()
