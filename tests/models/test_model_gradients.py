"""Gradients written out by hand equal numerical ones, and values equal plain formulas."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers_models import generator
from torch import Tensor
from torch.autograd import gradcheck

from models.alignment.context import _LSTM, LSTMContext
from models.alignment.cross_cpc import _Predicted, cut
from models.contrast.infonce import cross_entropy_both_ways
from models.decoders import MLPDecoder, MLPDecoderParameters
from models.disentangle import CLUB, CLUBParameters
from models.encoders.causal_conv import _ResidualConvolution
from models.layers import Perceptron, _Perceptron
from models.matching.cmcm import _Match
from models.optimizers import Adam, AdamParameters
from models.quantizers.quantised import nearest, squared_distances
from models.quantizers.straight_through import commit
from models.specific.mlp import _Bounded
from models.vectors import unit

G = generator()


def rand(*shape: int) -> Tensor:
    return torch.randn(shape, generator=G, dtype=torch.float64).requires_grad_()


def test_unit_vectors() -> None:
    x = rand(3, 4, 5)
    torch.testing.assert_close(unit(x), F.normalize(x, dim=-1))
    assert gradcheck(unit, (x,))


def test_squared_distances() -> None:
    vectors, codebook = rand(2, 4, 3), rand(5, 3).detach()
    torch.testing.assert_close(
        squared_distances(vectors, codebook), torch.cdist(vectors, codebook.expand(2, 5, 3)).square()
    )
    assert not squared_distances(vectors, codebook).requires_grad


@pytest.mark.parametrize("known", (None, torch.tensor([True, True, False, True])))
@pytest.mark.parametrize("weights", ((0.5, 0.3), (0.5, 0.0)))
def test_commitment(known: Tensor | None, weights: tuple[float, float]) -> None:
    z, own, partner = rand(2, 4, 3), rand(2, 4, 3).detach(), rand(2, 4, 3).detach()
    codebook = rand(5, 3).detach()

    def committed(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return commit(z, codebook, squared_distances(z, codebook), own, partner, known, weights)

    mask = torch.ones(4, dtype=torch.bool) if known is None else known
    error = [(z - e).square().sum(-1) for e in (own, partner)]
    expected = weights[0] * error[0].mean() + weights[1] * error[1][:, mask].mean()
    vectors, squared, loss = committed(z)
    torch.testing.assert_close(loss, expected)
    assert torch.equal(vectors, own)
    assert gradcheck(lambda z: committed(z)[1:], (z,))
    # Straight through, and all three at once.
    straight, plain = rand(2, 4, 3).detach(), torch.cdist(z, codebook.expand(2, 5, 3)).square()
    every = torch.autograd.grad((vectors * straight).sum() + squared.square().sum() + loss, z)[0]
    summed = torch.autograd.grad(plain.square().sum() + expected, z)[0] + straight
    torch.testing.assert_close(every, summed)


def test_perceptron() -> None:
    torch.manual_seed(0)
    net = Perceptron(5, 6, 2).double()
    x = rand(3, 4, 5)
    torch.testing.assert_close(net(x), net.leave(F.relu(net.enter(x))))
    assert gradcheck(_Perceptron.apply, (x, rand(6, 5), rand(6), rand(2, 6), rand(2)))


def test_residual_convolution() -> None:
    x, w_in, b_in, w_mix, b_mix, w_out, b_out = (
        rand(3, 5, 4),
        rand(6, 4),
        rand(6),
        rand(6, 18),
        rand(6),
        rand(2, 6),
        rand(2),
    )
    hidden = F.relu(F.linear(x, w_in, b_in))
    kernel = w_mix.view(6, 3, 6).transpose(1, 2)
    mixed = F.conv1d(F.pad(hidden.transpose(1, 2), (2, 0)), kernel, b_mix).transpose(1, 2)
    expected = F.linear(hidden + F.relu(mixed), w_out, b_out)
    arguments = (w_in, b_in, w_mix, b_mix, w_out, b_out)
    for unit_norm, out in ((False, expected), (True, F.normalize(expected, dim=-1))):
        torch.testing.assert_close(_ResidualConvolution.apply(x, unit_norm, *arguments), out)
        assert gradcheck(_ResidualConvolution.apply, (x, unit_norm, *arguments))


@pytest.mark.parametrize("length", (1, 2, 4))
def test_lstm(length: int) -> None:
    weights = (rand(2, 4, 16), rand(2, 4, 16), rand(2, 1, 16))
    for starts in ([length - 1], [0, length - 1, 0]):
        assert gradcheck(lambda *a, s=starts: _LSTM.apply(*a, s), (rand(2, length, 3, 4), *weights))


def test_lstm_equals_the_library() -> None:
    torch.manual_seed(0)
    context = LSTMContext(4).double()
    z = rand(2, 3, 5, 4)
    ours = context(z.transpose(1, 2), [1, 4]).permute(0, 3, 2, 1)
    for m in range(2):
        library = torch.nn.LSTM(4, 4, batch_first=True, dtype=torch.float64)
        # Here: enter, forget, leave, tanh(x / 2); there: enter, forget, tanh(x), leave.
        order, scale = [0, 1, 3, 2], torch.tensor([1.0, 1.0, 0.5, 1.0], dtype=torch.float64)

        def theirs(w: Tensor, order: list[int] = order, scale: Tensor = scale) -> Tensor:
            blocks = w.reshape(-1, 4, 4)[:, order] * scale[:, None]
            return blocks.reshape(-1, 16).T

        with torch.no_grad():
            library.weight_ih_l0.copy_(theirs(context.of_input[m]))
            library.weight_hh_l0.copy_(theirs(context.of_state[m]))
            library.bias_ih_l0.copy_(theirs(context.bias[m])[:, 0])
            library.bias_hh_l0.zero_()
        torch.testing.assert_close(ours[m], library(z[m])[0][:, [1, 4]])


def test_cross_entropy_both_ways() -> None:
    p, t = rand(2, 5, 3), rand(2, 5, 3)
    logits = p @ t.transpose(1, 2) / 0.7
    pairs = torch.arange(5).expand(2, 5)
    expected = 0.5 * (F.cross_entropy(logits.transpose(1, 2), pairs) + F.cross_entropy(logits, pairs))
    torch.testing.assert_close(cross_entropy_both_ways(p, t, 0.7), expected)
    assert gradcheck(lambda p, t: cross_entropy_both_ways(p, t, 0.7), (p, t))


@pytest.mark.parametrize("temperature", (1.0, 0.3))
def test_code_matching(temperature: float) -> None:
    d_c, d_v = (rand(3, steps, 6).detach().square().add(0.1).requires_grad_() for steps in (4, 2))
    p_c, p_v = (torch.softmax(-d.sqrt() / temperature, dim=-1).mean(1) for d in (d_c, d_v))
    s = p_c @ p_v.log().T + p_c.log() @ p_v.T
    pairs = torch.arange(3)
    expected = 0.5 * (F.cross_entropy(s, pairs) + F.cross_entropy(s.T, pairs))
    torch.testing.assert_close(_Match.apply(d_c, d_v, temperature), expected)
    assert gradcheck(lambda c, v: _Match.apply(c, v, temperature), (d_c, d_v))


def test_nearest_is_the_first_of_the_least() -> None:
    squared = torch.randint(-3, 3, (50, 4, 7), generator=G).float() / 3.0
    assert torch.equal(nearest(squared), squared.argmin(-1))
    squared[0], squared[1, 0, 0], squared[2] = float("nan"), float("inf"), 1e-30
    assert 0 <= nearest(squared).min() and nearest(squared).max() < 7


@pytest.mark.parametrize("starts", (1, 3))
def test_predicted(starts: int) -> None:
    contexts, layers = rand(2, 4, starts, 5), rand(2, 4, 8)
    ahead = torch.einsum("mdsb,mdkw->mskbw", contexts, layers.view(2, 4, 2, 4)).flatten(1, 2)
    torch.testing.assert_close(_Predicted.apply(contexts, layers), F.normalize(ahead, dim=-1))
    assert gradcheck(_Predicted.apply, (contexts, layers))


@pytest.mark.parametrize("starts", ([2], [0, 3, 3]))
def test_cut(starts: list[int]) -> None:
    assert gradcheck(lambda c, v: cut(c, v, starts, 2), (rand(3, 6, 2), rand(3, 6, 2)))


def test_bounded() -> None:
    torch.manual_seed(0)
    net, x = Perceptron(3, 6, 2).double(), rand(4, 3)
    torch.testing.assert_close(_Bounded.apply(x, *net.weights()), torch.tanh(net(x) / 2))
    assert gradcheck(_Bounded.apply, (x, rand(6, 3), rand(6), rand(2, 6), rand(2)))


def test_decoder_loss() -> None:
    torch.manual_seed(0)
    decoder = MLPDecoder(MLPDecoderParameters(weight=0.3, hidden=5), width=3, private_width=2, features=4)
    decoder = decoder.double()
    q, s, x = rand(2, 3, 3), rand(2, 3, 2), rand(2, 3, 4).detach()
    torch.testing.assert_close(decoder.loss(q, s, x), 0.3 * F.mse_loss(decoder(q, s), x))
    weights = list(decoder.parameters())
    assert gradcheck(lambda q, s, *_: decoder.loss(q, s, x), (q, s, *weights))


def test_club() -> None:
    torch.manual_seed(0)
    club = CLUB(CLUBParameters(hidden=5), width=3, private_width=2).double()
    x, s = rand(4, 3, 3), rand(4, 3, 2)
    expected = 0.5 * (s - club.mean(x)).square().mean((0, 1)).log().sum()
    by_hand = club.fit_gradients(x, s)
    for ours, theirs in zip(by_hand, torch.autograd.grad(expected, list(club.parameters())), strict=True):
        torch.testing.assert_close(ours, theirs)
    # The variance is a constant of the bound, hence not a numerical gradient.
    mean = club.mean(x)
    variance = (s - mean).square().mean((0, 1)).detach()
    plain = (mean * (s - s.mean(0)) / variance).mean((0, 1)).sum()
    torch.testing.assert_close(club.bound(x, s), plain)
    for ours, theirs in zip(
        torch.autograd.grad(club.bound(x, s), (x, s)), torch.autograd.grad(plain, (x, s)), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_adam_equals_the_library() -> None:
    ours = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    library = torch.nn.Parameter(ours.detach().clone())
    adam = Adam(AdamParameters(learning_rate=0.1, clip=0.5), [ours])
    reference = torch.optim.Adam([library], lr=0.1)
    for _ in range(20):
        adam.step((ours - 1.0).pow(4).sum())
        reference.zero_grad()
        (library - 1.0).pow(4).sum().backward()
        torch.nn.utils.clip_grad_norm_([library], 0.5)
        reference.step()
    torch.testing.assert_close(ours.detach(), library.detach())
