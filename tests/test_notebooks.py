"""What a notebook shows: everything that is looked at has HTML of its own, balanced, escaped, and self-contained."""

from __future__ import annotations

import re

import numpy as np
import pytest
from test_page import parsed

import pellucid as pl
from pellucid.diagnosis.gates.finding import Finding, GateReport

X = np.linspace(-1, 1, 40)[:, None]
DATA = pl.Dataset({"x": X}, X**2)
WAY = {"loss": "squared_error", "epochs": 4}


def network() -> pl.Network:
    return pl.Network([pl.Dense(3, "tanh"), pl.Dense(1)], inputs=1)


@pytest.fixture(scope="module")
def shown():
    recorder, watch = pl.Recorder(every=1, steps=[2]), pl.Watch()
    fitted = pl.fit(network(), DATA, **WAY, on=[recorder, watch])
    timeline = pl.timeline(network(), DATA, **WAY)
    other = pl.timeline(network(), DATA, **WAY, seed=1)
    seen = pl.observe(fitted, DATA, rows=[1])
    folded = pl.Network([pl.Dense(3, "relu"), pl.Dense(1)], inputs=1)
    bad = pl.observe(lambda x: pl.sum(pl.log(x)), x=[0.0, 1.0])
    return {
        "graph": network().graph(),
        "network": network(),
        "fit": fitted,
        "observation": seen,
        "frames": seen.frames(),
        "explanation": pl.explain(seen, "d loss / d dense_1/weight[0, 1]"),
        "recorder": recorder,
        "records": recorder.records[0],
        "trace": recorder.traces[2],
        "landscape": pl.landscape(fitted, DATA, points=5),
        "curvature": pl.curvature(fitted, DATA, k=1),
        "timeline": timeline,
        "moment": timeline.at(3),
        "fork": timeline.at(3).fork(epochs=5),
        "divergence": pl.first_divergence(timeline, other),
        "origin": pl.find_origin(bad),
        "gates": GateReport((Finding("a<b", "during", "fail", "1 < 2 & more", causes=("dead_units",)),)),
        "curves": pl.plot_records(recorder),
        "finding": Finding("dead_units", "during", "warn", "a third of them is dead"),
        "thresholds": pl.Thresholds(),
        "watch": watch,
        "population": pl.fit_population(network(), DATA, [pl.Member(seed=0), pl.Member(seed=1)], **WAY),
        "node": bad["log"],
        "summary": bad["log"].summary,
        "importance": pl.importance(fitted, DATA),
        "representation": pl.representation(fitted, DATA)["dense_1"],
        "linear regions": pl.linear_regions(pl.fit(folded, DATA, **WAY), DATA),
        "check": pl.check(pl.tanh),
        "cross-validation": pl.cross_validate(network(), DATA, folds=2, **WAY),
    }


NAMES = [
    "graph",
    "network",
    "fit",
    "observation",
    "frames",
    "explanation",
    "recorder",
    "records",
    "trace",
    "landscape",
    "curvature",
    "timeline",
    "moment",
    "fork",
    "divergence",
    "origin",
    "gates",
    "curves",
    "node",
    "summary",
    "importance",
    "representation",
    "linear regions",
    "check",
    "cross-validation",
]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_shown(shown, name):
    text = shown[name]._repr_html_()
    if name not in ("frames", "curves"):  # SVG of Matplotlib is no HTML, and frames have a script of their own
        reader = parsed(text)
        assert all(source.startswith(("data:", "#")) for source in reader.sources)
    assert len(re.sub(r"<[^>]+>", "", text).strip()) > 10
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"|<!DOCTYPE[^>]*>|resource="[^"]*"|about="[^"]*"', "", text)


def test_what_is_shown_is_escaped(shown):
    text = shown["gates"]._repr_html_()
    assert "1 &lt; 2 &amp; more" in text and "a<b" not in text


def test_tables_hold_the_numbers(shown):
    node = shown["node"]._repr_html_()
    assert "log = log([0, 1]) = [-inf, 0]" in node and "50 % not finite" in node
    assert "<td" in shown["summary"]._repr_html_() and ">50 %<" in shown["summary"]._repr_html_()
    regions = shown["linear regions"]
    assert f">{regions.counts['dense_1']}<" in regions._repr_html_()
    lost = shown["importance"].lost["x[0]"]
    assert f">{lost.mean():.4g}<" in shown["importance"]._repr_html_()


def test_an_output_may_be_called_as_an_input():
    same = pl.Network(lambda context, x: {"x": pl.Dense(2)(context, x)}, inputs=3)
    assert same._repr_html_().count("<tr>") == 5  # the head, an input, two parameters, an output
