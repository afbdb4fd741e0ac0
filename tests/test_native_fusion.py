"""What is computed together: bias, activation, mask, slope and update with products; softmax with its loss."""

from __future__ import annotations

import pytest

import pellucid as pl
from pellucid.training.preparation import losses_by_output
from pellucid.training.step import build_step


def kernels_of_step(*layers, inputs=20, loss="softmax_cross_entropy", **options):
    network = pl.Network([*layers, pl.Dense(3)], inputs=inputs)
    step = build_step(network, losses_by_output(network, pl.loss(loss)), pl.optimizers.Adam(), batch=32, **options)
    return pl.explain_kernels(step.form, measured=False)


def kernel_that_writes(kernels, path):
    return next(kernel for kernel in kernels if path in kernel.writes)


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh", "silu"])
def test_dropout_goes_with_the_product_before_it_and_the_one_after(activation):
    kernels = kernels_of_step(pl.Dense(64, activation), pl.Dropout(0.2), pl.Dense(48, activation), pl.Dropout(0.2))
    for number in (1, 2):
        forward = kernel_that_writes(kernels, f"dropout_{number}/select")
        assert forward.kind == "product"
        assert {f"dense_{number}/contraction", f"dense_{number}/pre_activation"} <= {*forward.fused, forward.computes}
        backward = kernel_that_writes(kernels, f"d loss / d dense_{number}/pre_activation")
        assert backward.kind == "product"
        assert f"d loss / d dropout_{number}/select" in (backward.computes, *backward.fused)


def test_the_update_goes_with_the_gradient():
    kernels = kernels_of_step(pl.Dense(64, "relu"), pl.Dense(48, "relu"))
    for number in (1, 2, 3):
        kernel = kernel_that_writes(kernels, f"new dense_{number}/weight")
        assert kernel.kind == "product" and f"new adam/v/dense_{number}/weight" in kernel.writes
    clipped = kernels_of_step(pl.Dense(64, "relu"), clip_norm=1.0)  # which needs all gradients before any update
    assert kernel_that_writes(clipped, "new dense_1/weight").kind != "product"


def test_softmax_and_its_loss_are_one_pass():
    kernels = kernels_of_step(pl.Dense(64, "relu"))
    (one,) = (kernel for kernel in kernels if "loss/log_softmax" in (kernel.computes, *kernel.fused))
    assert one.kind == "rows" and "d loss / d loss/log_softmax/softmax" in one.fused
