"""The weak modality attends to the codes of the strong one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.errors import InvalidRequest
from models.quantizers.quantised import Quantised
from models.registry import component, param
from models.steps import step_map
from models.vectors import unit

FLOOR = 1e-8
# Length of what the bank adds to a vector of length 1 before anything is trained.
FIRST_SHARE = 0.1


@dataclass(frozen=True)
class CodeBankParameters:
    """Parameters of :class:`CodeBank`."""

    heads: int = param(4, low=1, high=16, help="attention heads; must divide the width")
    residual: bool = param(True, help="add to the current rather than replace it (false is as released)")
    local: float = param(
        0.5,
        low=0.0,
        high=50.0,
        search=(0.05, 5.0),
        log=True,
        help="weight of the local loss; 0 = global only",
    )
    window: int = param(3, low=1, high=3, search=(1, 3), help="video steps whose codes label a step (W)")


@component(
    "bridge",
    "code_bank",
    parameters=CodeBankParameters,
    origin="AlignVSR, arXiv 2410.16438",
    needs=("codes",),
)
class CodeBank(nn.Module):
    """Current steps attend to the codebook, which the video shapes (AlignVSR, arXiv 2410.16438).

    Global: A = softmax(Q K' / sqrt(d)) over the K codes, out = LN(A V W_o), with queries of the
    current, keys and values of the codebook, which is a constant here. No video is needed at test.
    The video passes unchanged. Local: with A averaged over the heads and Y_tn the number of times that
    code n occurs in the W video steps around step t, L = -sum_btn Y_tn ln(A_tn + 1e-8) / sum_btn Y_tn.
    Windows of the video already lie ``lead`` later, so that the step beside t is the one to look at;
    at the borders the W steps are moved inside.

    Departures from the paper. The bank is the shared codebook as it is at each step, not clusters of a
    frozen model. A bank has no order, so there is no relative position. The loss is divided by all
    counts, where the release divides by the steps and so weighs it W times as much. ``residual`` keeps
    what the current knows by itself: out = z + LN(A V W_o), small at first, on the unit sphere; as
    released (false) a current step is replaced by a mixture of codes. Averaging the heads before the
    logarithm, as published, asks all heads for the same code.

    When not to use it: where codes are few or unused, the mixture says little. The codes that it
    reads are the ones it is then quantised to, so that a bad codebook confirms itself.

    Raises:
        InvalidRequest: ``heads`` does not divide the width, or the window is longer than the video's.
    """

    around: Tensor

    def __init__(
        self, parameters: CodeBankParameters, *, width: int, current_steps: int, video_steps: int
    ) -> None:
        super().__init__()
        if width % parameters.heads:
            raise InvalidRequest(
                f"the heads of bridge.code_bank must divide the width of the encoders, got heads "
                f"{parameters.heads} and width {width}; change one of them"
            )
        if parameters.window > video_steps:
            raise InvalidRequest(
                f"bridge.code_bank.window must be at most the steps of the video window ({video_steps}), got "
                f"{parameters.window}; lower it or cut the windows into more steps"
            )
        self.settings = parameters
        self.current_steps = current_steps
        self.video_steps = video_steps
        self.query = nn.Linear(width, width)
        # No bias: one of the keys shifts all scores of a row alike, one of the values is in the output's.
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.leave = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        if parameters.residual:
            nn.init.constant_(self.norm.weight, FIRST_SHARE / width**0.5)
        first = step_map(current_steps, video_steps) - parameters.window // 2
        first = first.clamp(min=0, max=video_steps - parameters.window)
        around = first[:, None] + torch.arange(parameters.window)
        self.register_buffer("around", around, persistent=False)
        self.attention: Tensor | None = None
        self.logs: dict[str, Tensor] = {}

    def forward(self, z: Tensor, modality: str, codebook: Tensor) -> Tensor:
        """Return ``(B, T, D)`` vectors on the unit sphere; those of the video as they are."""
        if modality == "video":
            return z
        heads = self.settings.heads
        # A copy: the quantiser updates the codebook in place before the backward pass.
        bank = F.rms_norm(codebook.detach().clone(), codebook.shape[-1:])
        # Unit vectors have small coordinates; layers are made for coordinates of about 1.
        query = self.query(F.rms_norm(z, z.shape[-1:])).unflatten(-1, (heads, -1)).transpose(1, 2)
        key, value = (
            layer(bank).unflatten(-1, (heads, -1)).transpose(0, 1) for layer in (self.key, self.value)
        )
        scores = query @ key.mT / query.shape[-1] ** 0.5
        attention = scores.softmax(-1)
        read = self.norm(self.leave((attention @ value).transpose(1, 2).flatten(2)))
        self.attention = attention.mean(1)
        self.logs = {"attention_entropy": torch.special.entr(self.attention.detach()).sum(-1).mean()}
        return unit(z + read) if self.settings.residual else unit(read)

    def loss(self, q: Quantised, semantic: tuple[Tensor, Tensor], beside: Beside) -> Tensor:
        """Return the weighted local loss of the last forward pass of the current."""
        attention, self.attention = self.attention, None
        if attention is None or not self.settings.local:
            return q.commitment.new_zeros(())
        # The probabilities of the codes that occur, one for each occurrence: no array of counts.
        codes = q.video_codes[:, self.around]
        return self.settings.local * -(attention.gather(-1, codes) + FLOOR).log().mean()
