"""The method as a whole: what goes together, what a step does, what reading codes leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers_models import SIZES, UNEQUAL, batch, small_method
from torch.utils._python_dispatch import TorchDispatchMode

from models.catalog import RECIPE, recipe
from models.errors import InvalidRequest
from models.method import Method, Sizes
from models.registry import slots
from models.training import Pretrainer


def test_the_recipe_names_every_slot_of_the_models() -> None:
    assert set(RECIPE) <= set(slots())
    assert recipe()["quantizer"]["codes"] == 100 and recipe()["alignment"]["steps"] == 5
    with pytest.raises(InvalidRequest, match="did you mean 'contrast'"):
        recipe(contrasts="cwcl")


@pytest.mark.parametrize("changes", [{"disentangle": "club"}, {"contrast": "triplet", "disentangle": "none"}])
def test_what_needs_private_features_is_refused_without_them(changes: dict[str, Any]) -> None:
    with pytest.raises(
        InvalidRequest,
        match="needs specific vectors of each modality, which specific_encoder: none does not give",
    ):
        small_method(specific_encoder="none", **changes)


def test_encoders_of_different_width_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="must be equal, since the codebook is shared, got 8 and 16"):
        small_method(video_encoder={"name": "causal_conv", "width": 16})


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="must divide its width, got heads 3 and width 8"):
        small_method(video_encoder={"name": "causal_transformer", "width": 8, "heads": 3})


@pytest.mark.parametrize("sizes", (SIZES, UNEQUAL))
def test_reading_codes_changes_nothing(sizes: Sizes) -> None:
    method = small_method(sizes)
    Pretrainer(method).step(*batch(sizes))
    before = {k: v.clone() for k, v in method.named_buffers()}
    for modality, x in zip(("current", "video"), batch(sizes, seed=1), strict=True):
        vectors, indices = method.codes(modality, x)
        assert vectors.shape == (*x.shape[:2], 8) and indices.shape == x.shape[:2]
        assert not vectors.requires_grad
        assert torch.equal(vectors, method.quantizer.codebook[indices])
    assert method.training
    assert all(torch.equal(v, before[k]) for k, v in method.named_buffers())


def test_losses_in_eval_mode_change_nothing() -> None:
    method = small_method()
    Pretrainer(method).step(*batch())
    method.eval()
    before = {k: v.clone() for k, v in method.named_buffers()}
    method.losses(*batch(seed=2))
    assert all(torch.equal(v, before[k]) for k, v in method.named_buffers())


@pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
@pytest.mark.parametrize("sizes", (SIZES, UNEQUAL))
@pytest.mark.parametrize("count", (1, 6))
def test_steps_run_and_repeat_bit_by_bit(dtype: torch.dtype, sizes: Sizes, count: int) -> None:
    def train(seed: int) -> Method:
        method = small_method(sizes, seed=seed).to(dtype)
        pretrainer = Pretrainer(method)
        for step in range(25):
            pretrainer.step(*batch(sizes, count, seed=step, dtype=dtype))
        return method

    a, b, other = train(0), train(0), train(1)
    assert all(p.isfinite().all() and p.dtype == dtype for p in a.parameters())
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert torch.equal(a.quantizer.codebook, b.quantizer.codebook)
    assert not torch.equal(a.quantizer.codebook, other.quantizer.codebook)


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    Pretrainer(small_method()).step(*batch())
    assert torch.equal(torch.rand(3), expected)


def test_every_parameter_is_trained() -> None:
    method = small_method()
    before = {k: p.detach().clone() for k, p in method.named_parameters()}
    pretrainer = Pretrainer(method)
    for step in range(5):
        pretrainer.step(*batch(count=16, seed=step))
    still = [k for k, p in method.named_parameters() if torch.equal(p, before[k])]
    assert still == []


def test_a_step_never_waits_for_the_device() -> None:
    """Reading a number of a tensor is what makes the host wait; a step, revival included, has none."""
    waits = {
        "aten::_local_scalar_dense",
        "aten::nonzero",
        "aten::bincount",
        "aten::is_nonzero",
        "aten::masked_select",
    }
    seen: list[str] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func._schema.name in waits:
                seen.append(func._schema.name)
            return func(*args, **(kwargs or {}))

    method = small_method(quantizer={"name": "mm_ema", "codes": 40, "reset_after": 2})
    pretrainer = Pretrainer(method)
    with Watch():
        for step in range(6):
            pretrainer.step(*batch(count=2, seed=step))
    assert seen == []
    assert int(method.quantizer.revived) > 0


def test_the_terms_are_named_and_weighted() -> None:
    terms = small_method(code_matching={"name": "cmcm", "weight": 0.5}).losses(*batch())
    both = {f"{m}_{term}" for m in ("current", "video") for term in ("reconstruction", "disentangle")}
    assert set(terms) == both | {"commitment", "alignment", "code_matching"}
    doubled = small_method(code_matching={"name": "cmcm", "weight": 1.0}).losses(*batch())
    torch.testing.assert_close(doubled["code_matching"], 2 * terms["code_matching"])


def test_a_state_goes_into_a_fresh_method() -> None:
    method, fresh = small_method(), small_method(seed=5)
    pretrainer = Pretrainer(method)
    for step in range(3):
        pretrainer.step(*batch(seed=step))
    fresh.load_state_dict(method.state_dict())
    x = batch(seed=9)[0]
    assert torch.equal(fresh.codes("current", x)[1], method.codes("current", x)[1])
