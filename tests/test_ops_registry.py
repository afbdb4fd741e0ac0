"""Every operation in the registry does what its declaration says."""

import json
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.graph.operation import REGISTRY, operation

FACTS = json.loads((Path(__file__).parent / "worked_examples.json").read_text())["activations"]


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_operation_keeps_its_promises(name):
    report = pl.check(name)
    assert report.operation == name
    assert {line.what for line in report.lines} >= {"errors"}


@pytest.mark.parametrize("name", sorted(FACTS))
def test_worked_examples_of_activations(name):
    facts = FACTS[name]

    def total(x):
        y = operation(name)(x)
        return {"y": y, "total": pl.sum(y)}

    graph = pl.differentiate(pl.build(total, x=pl.float64[len(facts["x"])]), "x", of="total")
    found = pl.compile(graph)(x=facts["x"])
    # the facts include tails down to 1e-196, so the comparison is relative; slopes change sign in some of them
    np.testing.assert_allclose(found["y"], facts["y"], rtol=2e-15, atol=0)
    np.testing.assert_allclose(found["d total / d x"], facts["slope"], rtol=4e-15, atol=0)
