"""A transformer in loops and NumPy, written from the equations."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]
Weights = dict[str, Array]


def weights_of(module: nn.Module) -> Weights:
    return {name: p.detach().numpy() for name, p in module.named_parameters()}


def within(weights: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}


def gelu(x: Array) -> Array:
    return np.array([0.5 * v * (1.0 + math.erf(v / math.sqrt(2.0))) for v in x.ravel()]).reshape(x.shape)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max())
    return e / e.sum()


def affine(w: Weights, name: str, x: Array) -> Array:
    return w[f"{name}.weight"] @ x + w.get(f"{name}.bias", 0.0)


def layer_norm(w: Weights, name: str, x: Array) -> Array:
    centred = x - x.mean()
    return w[f"{name}.weight"] * centred / np.sqrt((centred**2).mean() + 1e-5) + w[f"{name}.bias"]


def block(w: Weights, heads: int, tokens: Array, context: Array | None = None) -> Array:
    """One window: tokens ``(N, D)``, context ``(M, D)``."""
    count, width = tokens.shape
    size = width // heads
    asked = [layer_norm(w, "before_attention", x) for x in tokens]
    told = asked if context is None else [layer_norm(w, "before_context", x) for x in context]
    out = np.empty_like(tokens)
    for i in range(count):
        query = affine(w, "query", asked[i])
        merged = np.zeros(width)
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            keys = [affine(w, "key_value", x)[:width][part] for x in told]
            values = [affine(w, "key_value", x)[width:][part] for x in told]
            share = softmax(np.array([query[part] @ k for k in keys]) / math.sqrt(size))
            for a, v in zip(share, values, strict=True):
                merged[part] += a * v
        x = tokens[i] + affine(w, "merge", merged)
        out[i] = x + affine(w, "feed.2", gelu(affine(w, "feed.0", layer_norm(w, "before_feed", x))))
    return out


def attention_pool(w: Weights, tokens: Array) -> Array:
    share = softmax(np.array([affine(w, "leave", gelu(affine(w, "enter", x)))[0] for x in tokens]))
    return sum((a * x for a, x in zip(share, tokens, strict=True)), np.zeros(tokens.shape[1]))
