"""Whatever a study is given to keep comes back with its types and its bits, or is refused."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studies import MEMBERS, SPACE, make, record, results, waiting

from pellucid.errors import UsageError
from pellucid.tuning.study import StudyRecord, create_study, open_study
from pellucid.tuning.trial import FINISHED, MemberResult, Trial


def bits(number):
    return struct.pack("<d", number)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda values: st.lists(values, max_size=3),
    max_leaves=6,
)


def same(a, b):
    """Equal in types and bits too."""
    if isinstance(a, list | tuple):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (bits(a) == bits(b) if isinstance(a, float) else a == b)


@settings(max_examples=40)
@given(st.dictionaries(st.text(min_size=1, max_size=5).filter(lambda name: name != "float"), VALUES, max_size=4))
def test_parameters_keep_types_and_bits(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("study") / "study.db"
    with create_study(path, record()) as study:
        study.add([Trial(0, found)])
        kept = study.trial(0).parameters
    read = open_study(path).trial(0).parameters
    assert list(read) == list(found) and same(list(read.values()), list(found.values()))
    assert same(list(kept.values()), list(read.values()))


def test_numbers_of_numpy_and_tuples_are_kept_as_python_has_them(tmp_path):
    with create_study(tmp_path / "study.db", record()) as study:
        study.add([Trial(0, {"a": np.float64(0.1), "b": np.int64(3), "c": (1, 2.0), "d": np.bool_(True)})])
        assert same(list(study.trial(0).parameters.values()), [0.1, 3, [1, 2.0], True])
    assert same(list(open_study(tmp_path / "study.db").trial(0).parameters.values()), [0.1, 3, [1, 2.0], True])


NUMBERS = [0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 2.0]


def test_results_keep_their_bits_with_nan_and_infinities(tmp_path):
    members = [MemberResult(x, 9, 3, y, tuple(enumerate([x, y, 0.5]))) for x in NUMBERS for y in NUMBERS[::-1]]
    trial = Trial(0, {}, state=FINISHED, value=math.nan, members=tuple(members))
    with create_study(tmp_path / "study.db", record()) as study:
        study.add([Trial(0, {})])
        study.finish(trial)
    read = open_study(tmp_path / "study.db").trial(0)
    assert math.isnan(read.value) and read.state == FINISHED
    for found, wanted in zip(read.members, members, strict=True):
        assert bits(found.value) == bits(wanted.value) and bits(found.seconds) == bits(wanted.seconds)
        assert (found.epochs, found.best_epoch) == (9, 3)
        assert [epoch for epoch, _ in found.curve] == [0, 1, 2]
        assert [bits(value) for _, value in found.curve] == [bits(value) for _, value in wanted.curve]


def test_a_curve_that_was_read_is_as_good_as_a_tuple(tmp_path):
    curve = open_study(make(tmp_path / "study.db")).trial(0).members[0].curve
    wanted = results(0)[0].curve
    assert curve == wanted and wanted == curve and curve != wanted[:-1] and hash(curve) == hash(wanted)
    assert tuple(curve) == wanted and curve[-1] == wanted[-1] and curve[1:3] == wanted[1:3] and len(curve) == 6
    assert dict(curve) == dict(wanted) and repr(curve) == repr(wanted) and np.asarray(curve).shape == (6, 2)


def test_a_failed_trial_keeps_its_words(tmp_path):
    with create_study(tmp_path / "study.db", record()) as study:
        study.add(waiting(2))
        study.finish(study.trial(0).ended("failed", [], "d'oh: \0 \ud800 größe\nline"))
        study.finish(study.trial(1).ended("failed", [], "x" * 100_000))
    read = open_study(tmp_path / "study.db").trials()
    assert read[0].error == "d'oh: \0 \\ud800 größe\nline" and read[0].value is None
    assert read[1].error == "x" * 10_000


def test_lists_without_end_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(UsageError, match="too many lists in lists"):
        create_study(None, record()).add([Trial(0, {"a": endless})])


def test_the_settings_of_a_record_are_plain(tmp_path):
    chosen = {"plan": "seed = 1\n", "sizes": (1, 2), "deep": {"a": [None, True, 1.5, math.inf]}}
    made = StudyRecord(SPACE, "rmse", seed=2**90, members=list(MEMBERS), settings=chosen)
    create_study(tmp_path / "study.db", made).close()
    assert open_study(tmp_path / "study.db").record == made == create_study(None, made).record
    assert made.settings["sizes"] == [1, 2] and made.seed == 2**90
    with pytest.raises(UsageError, match="settings, x: a study can not hold this: got ndarray"):
        StudyRecord(SPACE, "rmse", settings={"x": np.zeros(3)})
    with pytest.raises(UsageError, match="metric: no text"):
        create_study(tmp_path / "other.db", StudyRecord(SPACE, "\ud800"))
    assert not (tmp_path / "other.db").exists()
