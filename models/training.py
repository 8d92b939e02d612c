"""Pre-training, one step at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from models.method import Method, Represented
from models.optimizers.adam import Adam, AdamParameters
from models.registry import build


class Pretrainer:
    """Takes optimisation steps on the losses of a method.

    Order of a step: forward once; codebook update inside it, from the old codes; variational
    update of the disentangling nets on detached vectors, with an optimiser of their own; losses;
    backward; clip; step. Nothing in it waits for the device.

    Args:
        method: what is trained, on its device.
        steps: how many steps the training will take, for a step size that decays.
    """

    def __init__(self, method: Method, *, steps: int | None = None) -> None:
        # glibc hands freed blocks of more than a few MB back to the system, and taking them again
        # costs a page fault every 4 kB: a tenth of a step. One block of 31 MB, freed, raises both
        # of its adaptive thresholds (mallopt(3)) above anything a step needs.
        torch.empty(31 * 2**20, dtype=torch.uint8)
        self.method = method
        net = method.disentangle["current"]
        self._inner_steps = int(net.inner_steps)  # type: ignore[arg-type]
        variational = list(method.disentangle.parameters()) if self._inner_steps else []
        apart = set(variational)
        trained = [p for p in method.parameters() if p not in apart]
        self._optimizer = build("optimizer", method.slots["optimizer"], trained, steps=steps)
        self._steps, self._taken = steps, 0
        if self._inner_steps:
            rate = float(net.learning_rate)  # type: ignore[arg-type]
            self._variational = Adam(AdamParameters(learning_rate=rate, clip=0.0), variational)

    def step(
        self, current: Tensor, video: Tensor, *, label: Tensor | None = None, metadata: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Take one step on paired windows ``(B, T_c, F_c)`` and ``(B, T_v, F_v)``.

        Args:
            current: windows of the current.
            video: windows of the video.
            label: ``(B,)`` labels of the video, for components that need them.
            metadata: ``(B, M)`` process metadata, for components that need it.

        Returns:
            The weighted terms of the loss before the step, and what components noted beside, detached,
            on the method's device.
        """
        if not self.method.training:
            self.method.train()
        if self._steps:
            self.method.progress = self._taken / self._steps
        self._taken += 1
        represented = self.method.represent(current, video, label=label, metadata=metadata)
        self._fit_disentangling(represented)
        terms = self.method.terms(represented)
        self._optimizer.step(torch.stack(list(terms.values())).sum())
        return {name: term.detach() for name, term in terms.items()} | self.method.logs()

    def _fit_disentangling(self, represented: Represented) -> None:
        for _ in range(self._inner_steps):
            nets = zip(self.method.disentangle.values(), represented.to_disentangle(), strict=True)
            self._variational.apply([g for net, pair in nets for g in net.fit_gradients(*pair)])  # type: ignore[operator]
