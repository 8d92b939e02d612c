"""A second level of codes on the specific vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.alignment.cross_cpc import CrossCPC, CrossCPCParameters
from models.beside import Beside
from models.contrast.infonce import InfoNCE, InfoNCEParameters
from models.disentangle.club import CLUB, SMALLEST, CLUBParameters
from models.encoders.causal_conv import CausalConvEncoder, CausalConvParameters
from models.errors import InvalidRequest
from models.quantizers.mm_ema import MMEMAParameters, MMEMAQuantizer
from models.quantizers.quantised import Quantised
from models.registry import component, param

MODALITIES = ("current", "video")


@dataclass(frozen=True)
class TwoLevelParameters:
    """Parameters of :class:`TwoLevel`."""

    weight: float = param(
        0.3, low=0.0, high=10.0, log=True, search=(0.05, 1.0), help="weight of all losses of level 2"
    )
    warm_up: float = param(
        0.5, low=0.0, high=1.0, search=(0.0, 0.8), help="share of the pre-training before level 2 starts"
    )
    width: int = param(16, low=2, high=512, log=True, search=(8, 64), help="width of the vectors of level 2")
    hidden: int = param(16, low=2, high=1024, log=True, help="hidden width of the encoders of level 2")
    private: int = param(8, low=1, high=512, log=True, help="width of what is specific on level 2")
    codes: int = param(100, low=2, high=4096, log=True, search=(16, 512), help="number of codes of level 2")
    steps: int = param(5, low=1, high=64, search=(1, 8), help="steps ahead that level 2 predicts (K)")
    club: float = param(
        0.1, low=0.0, high=10.0, log=True, help="weight of CLUB on level 2 within its losses; 0 = none"
    )


@component(
    "hierarchy",
    "two_level",
    parameters=TwoLevelParameters,
    origin="H-DCID, arXiv 2403.05168v1",
    needs=("private",),
)
class TwoLevel(nn.Module):
    """What the first level left to the specific vectors is aligned and quantised in turn (H-DCID).

    Level 2 takes the specific vectors s1 of level 1 for its input: z2 = encoder(s1), a codebook of its
    own, s2 = ReLU(Linear(s1)), s1 rebuilt as Linear(Linear(q2), s2), Cross-CPC between the z2 of both
    modalities, CLUB between q2 and s2, no code matching. Its losses have ``weight`` and start at
    ``warm_up`` (published: .3, from the fourth epoch). The head reads the code vectors of both levels
    side by side; its indices are those of the first.

    Deviations: the published transformer encoder is the small causal convolution, since s1 is narrow
    and a prediction must not see what it predicts; s1 is a constant where it is rebuilt, or it could
    shrink to be rebuilt easily; weights within the level are those of level 1. CLUB's density is
    fitted by likelihood as published, on detached vectors, but by the optimiser of everything else,
    one step for each of training.

    When not to use it: with a specific encoder that is meant to hold what the modalities do *not*
    share, level 2 undoes that in part. A checkpoint from before ``warm_up`` has a random level 2.

    Raises:
        InvalidRequest: the windows are too short for ``steps``.
    """

    def __init__(
        self,
        parameters: TwoLevelParameters,
        *,
        private_width: int,
        current_steps: int,
        video_steps: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        s = parameters
        common = min(current_steps, video_steps)
        if common < s.steps + 2:
            raise InvalidRequest(
                f"hierarchy.two_level.steps must leave two steps of a window to predict from, got steps "
                f"{s.steps} with windows of {current_steps} and {video_steps} steps; use at most "
                f"{max(common - 2, 0)} or cut the windows into more steps"
            )
        self.settings = s
        self.logs: dict[str, Tensor] = {}
        steps = {"current_steps": current_steps, "video_steps": video_steps}
        encoder = CausalConvParameters(width=s.width, hidden=s.hidden)
        self.encoders = nn.ModuleDict(
            {
                m: CausalConvEncoder(encoder, features=private_width, steps=steps[f"{m}_steps"])
                for m in MODALITIES
            }
        )
        self.specific = nn.ModuleDict({m: nn.Linear(private_width, s.private) for m in MODALITIES})
        self.of_codes = nn.ModuleDict({m: nn.Linear(s.width, s.width) for m in MODALITIES})
        self.rebuild = nn.ModuleDict({m: nn.Linear(s.width + s.private, private_width) for m in MODALITIES})
        club = CLUBParameters()
        self.club = nn.ModuleDict(
            {m: CLUB(club, width=s.width, private_width=s.private) for m in MODALITIES if s.club}
        )
        self.quantizer = MMEMAQuantizer(
            MMEMAParameters(codes=s.codes), width=s.width, generator=generator, **steps
        )
        self.alignment = CrossCPC(
            CrossCPCParameters(steps=s.steps),
            width=s.width,
            current_steps=current_steps,
            video_steps=video_steps,
            contrast=InfoNCE(InfoNCEParameters()),
            generator=generator,
        )

    def forward(self, private: tuple[Tensor, Tensor], beside: Beside) -> Tensor:
        """Return the weighted losses of level 2, 0 before ``warm_up``.

        In train mode the codebook is updated.

        Args:
            private: specific vectors ``(B, T_c, P)`` and ``(B, T_v, P)`` of level 1.
            beside: for the progress of the training, and for the contrast.
        """
        s = self.settings
        if beside.progress < s.warm_up:
            return private[0].new_zeros(())
        z_c, z_v = (self.encoders[m](p) for m, p in zip(MODALITIES, private, strict=True))
        q: Quantised = self.quantizer(z_c, z_v)
        alignment: Tensor = self.alignment(z_c, z_v, beside=beside)
        rebuilt, apart = (torch.zeros_like(alignment) for _ in range(2))
        for m, vectors, given in zip(MODALITIES, (q.current, q.video), private, strict=True):
            specific = F.relu(self.specific[m](given))
            parts = torch.cat([self.of_codes[m](vectors), specific], dim=-1)
            rebuilt = rebuilt + F.mse_loss(self.rebuild[m](parts), given.detach())
            if s.club:
                apart = apart + s.club * self._disentangle(m, vectors, specific)
        terms = {"commitment": q.commitment, "alignment": alignment, "rebuilt": rebuilt, "apart": apart}
        self.logs = {name: term.detach() for name, term in terms.items()}
        return s.weight * (q.commitment + alignment + rebuilt + apart)

    def lookup(self, private: Tensor, modality: str) -> tuple[Tensor, Tensor]:
        """Return code vectors ``(B, T, width)`` and indices ``(B, T)`` of level 2."""
        return self.quantizer.lookup(self.encoders[modality](private))

    @property
    def codebook(self) -> Tensor:
        """The codes ``(K, width)`` of level 2."""
        return self.quantizer.codebook

    def _disentangle(self, modality: str, vectors: Tensor, specific: Tensor) -> Tensor:
        """Return the bound, clamped at 0, with the likelihood's gradient for the density added."""
        club = self.club[modality]
        assert isinstance(club, CLUB)
        residual = specific.detach() - club.mean(vectors.detach())
        surprise = 0.5 * residual.square().mean((0, 1)).clamp(min=SMALLEST).log().sum()
        # The bound holds the density constant; here is what fits it, a gradient without a value.
        penalty: Tensor = F.relu(club.bound(vectors, specific)) + (surprise - surprise.detach())
        return penalty
