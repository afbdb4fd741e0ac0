"""Studies for tests: a record, trials of all states, and a study that holds them."""

from pellucid.tuning.study import StudyRecord, create_study
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, MemberResult, Trial

SPACE = """\
[network]
layers = "integer(0, 3)"
units = "choice(16, 32, 64) if network.layers >= 1"
activation = "gelu"

[optimizer]
learning_rate = "log_uniform(1e-4, 1e-1)"
"""
MEMBERS = ("fold 1", "fold 2")
STATES = (FINISHED, PRUNED, FAILED)


def record(**given):
    usual = {"space": SPACE, "metric": "log_loss", "members": MEMBERS, "seed": 7, "versions": {"pellucid": "0.1.0"}}
    return StudyRecord(**{**usual, **given})


def parameters(number):
    layers = number % 4
    found = {
        "network.layers": layers,
        "network.activation": "gelu",
        "optimizer.learning_rate": 10 ** (-1 - number % 3 / 7),
    }
    return {**found, "network.units": (16, 32, 64)[number % 3]} if layers else found


def waiting(count, first=0):
    return [Trial(number, parameters(number), bracket=number // 5) for number in range(first, first + count)]


def results(number, epochs=6):
    values = (0.1 + number / 7, 0.2 + number / 3)
    curves = [tuple((epoch, value / epoch) for epoch in range(1, epochs + 1)) for value in values]
    return [MemberResult(value, epochs, epochs - 1, 0.25, curve) for value, curve in zip(values, curves, strict=True)]


def ended(trial, state=None):
    """What becomes of a trial: finished, pruned or failed in turn."""
    state = state or STATES[trial.number % 3]
    if state == FAILED:
        return trial.ended(FAILED, [], "the loss is not finite at epoch 3")
    return trial.ended(state, results(trial.number, 6 if state == FINISHED else 2))


def all_ended(count):
    return [ended(trial) for trial in waiting(count)]


def make(path, count=12, done=9, **given):
    """A study with so many trials, some of which are done; it is closed."""
    with create_study(path, record(**given)) as study:
        study.begin_session({"threads": 2})
        study.add(waiting(count))
        for trial in waiting(done):
            study.finish(ended(trial))
        study.end_session({"compile_seconds": 0.5})
    return path
