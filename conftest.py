"""For all tests and doctests: what they declare is gone when they end."""

from collections.abc import Iterator

import pytest

from pellucid.graph.operation import REGISTRY
from pellucid.nn.losses.loss import _LOSSES
from pellucid.training.metrics import METRICS


@pytest.fixture(autouse=True)
def registries_stay_as_they_are() -> Iterator[None]:
    registries = (REGISTRY, _LOSSES, METRICS)
    before = [dict(registry) for registry in registries]
    yield
    for registry, known in zip(registries, before, strict=True):
        registry.clear()
        registry.update(known)
