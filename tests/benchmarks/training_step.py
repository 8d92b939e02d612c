"""Time one training step, by phase, and hold it against the bare matrix products inside it.

    python tests/benchmarks/training_step.py [--batch 128 256] [--require 0.5]

One thread, T = 10, 24 current and 64 video features, the recommended recipe. Every matrix product
of a step is recorded with its shapes and layout and then replayed on its own on the same core, in
turn with the steps: what remains of the step is not arithmetic. The share is the time of the
products over the time of the step; equivalently the rate of the step over the rate of the products.
Times are process time, the fastest of the rounds.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode, flop_registry  # noqa: E402

from bench.run.child import LEAN  # noqa: E402
from models.catalog import recipe  # noqa: E402
from models.method import Method, Sizes  # noqa: E402
from models.training import Pretrainer  # noqa: E402

ROUNDS = 30


class Products(TorchDispatchMode):
    """Counts the operations that count floating-point operations, by shapes and layout.

    One set of operands a signature: a replay finds them in the cache, as a step mostly does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()
        self.operands: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {}

    def replay(self) -> None:
        """Run every operation as often as it was seen."""
        for signature, times in self.count.items():
            func, args, kwargs = self.operands[signature]
            for _ in range(times):
                func(*args, **kwargs)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.overloadpacket in flop_registry:
            signature = (
                f"{func.overloadpacket.__name__} {[_layout(a) for a in args]} {sorted(kwargs.items())}"
            )
            self.count[signature] += 1
            if signature not in self.operands:
                self.operands[signature] = (func, tuple(_like(a) for a in args), kwargs)
        return func(*args, **kwargs)


def _like(value: Any) -> Any:
    """Return a tensor of the same shape and layout that holds no values of the step."""
    if not isinstance(value, Tensor):
        return value
    return torch.empty_strided(value.shape, value.stride()).copy_(torch.randn(value.shape))


def _layout(value: Any) -> Any:
    return (tuple(value.shape), value.stride()) if isinstance(value, Tensor) else value


class Phases:
    """Process time between marks, fastest over the rounds."""

    def __init__(self) -> None:
        self.best: dict[str, float] = {}

    def round(self, parts: dict[str, Callable[[], Any]]) -> None:
        for name, part in parts.items():
            begin = time.process_time()
            part()
            self.best[name] = min(self.best.get(name, float("inf")), time.process_time() - begin)


def measure(batch: int) -> float:
    """Print the table of one batch size and return the share."""
    sizes = Sizes(24, 64, 10, 10)
    method = Method(recipe(), sizes, seed=0)
    pretrainer = Pretrainer(method)
    generator = torch.Generator().manual_seed(0)
    current = torch.randn(batch, sizes.current_steps, sizes.current_features, generator=generator)
    video = torch.randn(batch, sizes.video_steps, sizes.video_features, generator=generator)
    for _ in range(20):
        pretrainer.step(current, video)
    # The context is as long as the random start: a cycle of steps covers all of them.
    cycle = 16
    products, flops = Products(), 0
    for _ in range(cycle):
        with products, FlopCounterMode(display=False) as counter:
            pretrainer.step(current, video)
        flops += counter.get_total_flops()

    def steps() -> None:
        for _ in range(cycle):
            pretrainer.step(current, video)

    whole = Phases()
    for _ in range(ROUNDS // 3):
        whole.round({"step": steps, "products": products.replay})
    step, bare = whole.best["step"] / cycle, whole.best["products"] / cycle
    share = bare / step
    print(f"batch {batch}: {1e3 * step:.2f} ms a step, {flops / cycle / 1e9:.3f} GFLOP")
    print(f"  step     {flops / cycle / step / 1e9:6.1f} GFLOP/s")
    calls = products.count.total() / cycle
    print(f"  products {flops / cycle / bare / 1e9:6.1f} GFLOP/s  ({1e3 * bare:.2f} ms, {calls:.0f} calls)")
    print(f"  share    {share:6.1%}")
    for name, seconds in phases(method, pretrainer, current, video).items():
        print(f"  {name:<24}{1e3 * seconds:7.2f} ms")
    return share


def phases(method: Method, pretrainer: Pretrainer, current: Tensor, video: Tensor) -> dict[str, float]:
    """Return seconds of each part of a step, forward and backward apart."""
    times = Phases()
    optimizer = pretrainer._optimizer
    for _ in range(ROUNDS):
        state: dict[str, Any] = {}

        def encode(state: dict[str, Any] = state) -> None:
            state["z"] = (method.encoders["current"](current), method.encoders["video"](video))

        def specific(state: dict[str, Any] = state) -> None:
            state["s"] = (method.specific["current"](current), method.specific["video"](video))

        def quantise(state: dict[str, Any] = state) -> None:
            state["q"] = method.quantizer(*state["z"])

        def represent(state: dict[str, Any] = state) -> None:
            from models.beside import Beside
            from models.method import Represented

            beside = Beside(video, state["s"])
            state["r"] = Represented((current, video), state["z"], state["s"], state["q"], beside)

        def inner(state: dict[str, Any] = state) -> None:
            pretrainer._fit_disentangling(state["r"])

        def align(state: dict[str, Any] = state) -> None:
            r = state["r"]
            method.alignment(*r.semantic, beside=r.beside)

        def match(state: dict[str, Any] = state) -> None:
            method.matching(state["q"])

        def terms(state: dict[str, Any] = state) -> None:
            state["loss"] = torch.stack(list(method.terms(state["r"]).values())).sum()

        def backward(state: dict[str, Any] = state) -> None:
            state["gradients"] = torch.autograd.grad(
                state["loss"], optimizer._trained, allow_unused=True, materialize_grads=True
            )

        def update(state: dict[str, Any] = state) -> None:
            optimizer.apply(state["gradients"])

        times.round(
            {
                "encoders": encode,
                "specific encoders": specific,
                "quantiser": quantise,
                "(bookkeeping)": represent,
                "disentangling, inner": inner,
                "alignment (in losses)": align,
                "code matching (in losses)": match,
                "losses": terms,
                "backward": backward,
                "clip and step": update,
            }
        )
    times.best.pop("(bookkeeping)")
    return times.best


def run_like_a_cell() -> None:
    """Start again in the environment that cells get; the C library reads it only once."""
    if not LEAN.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **LEAN})


def main() -> None:
    """Measure every batch size and fail when the share is too small."""
    run_like_a_cell()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--require", type=float, default=0.0, help="least share, else exit code 1")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shares = [measure(batch) for batch in options.batch]
    sys.exit(int(min(shares) < options.require))


if __name__ == "__main__":
    main()
