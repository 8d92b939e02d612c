"""ShuffleNetV2, a light convolutional net for pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

#: Units of each stage, and channels of the stem, of each stage and of the last convolution.
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "x0_5": ((4, 8, 4), (24, 48, 96, 192, 1024)),
    "x1_0": ((4, 8, 4), (24, 116, 232, 464, 1024)),
    "x1_5": ((4, 8, 4), (24, 176, 352, 704, 1024)),
    "x2_0": ((4, 8, 4), (24, 244, 488, 976, 2048)),
}


class ShuffleNetV2(nn.Module):
    """ShuffleNetV2 (arXiv 1807.11164, figure 3c-d and table 5).

    Names and shapes of its parameters follow torchvision's, so that ``load_state_dict`` takes the
    published weights of the four :data:`SIZES`.

    Args:
        repeats: units of each stage; the first of a stage halves the picture.
        channels: of the stem, of each stage and of the last convolution; even from the stages on.
        inputs: channels of the picture.
        classes: outputs of the classifier; 0 for a net without one, of which only ``features`` is used.
        small: for pictures of a few dozen pixels: a stem that keeps the size, and no pooling after it.
        norm: makes the norm of so many channels; published weights fit batch norm only.
    """

    def __init__(
        self,
        repeats: Sequence[int],
        channels: Sequence[int],
        *,
        inputs: int = 3,
        classes: int = 1000,
        small: bool = False,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        stem, *widths, last = channels
        stride = 1 if small else 2
        self.conv1 = nn.Sequential(nn.Conv2d(inputs, stem, 3, stride, 1, bias=False), norm(stem), nn.ReLU())
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        self.stages = [f"stage{i}" for i in range(2, 2 + len(widths))]
        before = stem
        for name, units, width in zip(self.stages, repeats, widths, strict=True):
            kept = (_Unit(width, width, 1, norm) for _ in range(units - 1))
            self.add_module(name, nn.Sequential(_Unit(before, width, 2, norm), *kept))
            before = width
        self.conv5 = nn.Sequential(nn.Conv2d(before, last, 1, bias=False), norm(last), nn.ReLU())
        if classes:
            self.fc = nn.Linear(last, classes)

    def features(self, picture: Tensor) -> Tensor:
        """Return the last map ``(B, channels, H', W')`` of pictures ``(B, inputs, H, W)``."""
        x = self.maxpool(self.conv1(picture))
        for name in self.stages:
            x = self.get_submodule(name)(x)
        out: Tensor = self.conv5(x)
        return out

    def forward(self, picture: Tensor) -> Tensor:
        """Return logits ``(B, classes)`` of pictures ``(B, inputs, H, W)``."""
        logits: Tensor = self.fc(self.features(picture).mean((2, 3)))
        return logits


def shuffle(x: Tensor) -> Tensor:
    """Interleave the two halves of the channels of ``(B, C, H, W)``."""
    batch, channels, *size = x.shape
    return x.reshape(batch, 2, channels // 2, *size).transpose(1, 2).reshape(x.shape)


class _Unit(nn.Module):
    """Half of the channels pass, the other half is convolved; with stride 2 both are, from all channels."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        half = outputs // 2
        self.halves = stride == 1
        inside = half if self.halves else inputs
        self.branch1 = nn.Sequential()
        if not self.halves:
            self.branch1 = nn.Sequential(
                nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), norm(inputs),
                nn.Conv2d(inputs, half, 1, bias=False), norm(half), nn.ReLU(),
            )  # fmt: skip
        self.branch2 = nn.Sequential(
            nn.Conv2d(inside, half, 1, bias=False), norm(half), nn.ReLU(),
            nn.Conv2d(half, half, 3, stride, 1, groups=half, bias=False), norm(half),
            nn.Conv2d(half, half, 1, bias=False), norm(half), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        kept, changed = x.chunk(2, dim=1) if self.halves else (x, x)
        return shuffle(torch.cat((self.branch1(kept), self.branch2(changed)), dim=1))
