"""For all tests and doctests: what they declare is gone when they end, and no terminal shapes what is printed."""

import signal
from collections.abc import Iterator

import pytest

from pellucid.graph.operation import REGISTRY
from pellucid.nn.losses.loss import LOSSES
from pellucid.training.metrics import METRICS

# They import the frameworks that Pellucid is measured against, which need not be there.
collect_ignore = ["pellucid/bench/peers/pytorch.py", "pellucid/bench/peers/jax_scan.py"]
collect_ignore += [
    f"pellucid/bench/tune/peers/{name}.py"
    for name in ("jax_population", "optuna_search", "torch_population", "torch_training")
]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background deaf to Ctrl-C, and so would be the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def registries_stay_as_they_are() -> Iterator[None]:
    registries = (REGISTRY, LOSSES, METRICS)
    before = [dict(registry) for registry in registries]
    yield
    for registry, known in zip(registries, before, strict=True):
        registry.clear()
        registry.update(known)


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
