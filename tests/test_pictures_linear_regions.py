"""Linear regions: exact counts, cells in which a network is linear, and how pictures compose them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import pellucid as pl
from pellucid.inspection.pictures.composition import plot_composition
from pellucid.inspection.pictures.cutting import box, cut_cell
from pellucid.inspection.pictures.linear_regions import count_linear_regions, linear_regions

BOX = ((-1.0, 1.0), (-1.0, 1.0))
CORNERS = pl.Dataset({"x": np.array([[-1.0, -1.0], [1.0, 1.0]])})


def axes():
    return Figure().subplots()


def network(*layers, inputs=2, seed=0, dtype="float64", bias=0.4):
    """A network with random parameters, biases among them."""
    made = pl.Network(list(layers), inputs=inputs, dtype=dtype)
    rng = np.random.default_rng(seed)
    drawn = made.initialize(seed)
    return made, {path: rng.normal(0, bias, v.shape) if path.endswith("bias") else v for path, v in drawn.items()}


def predict(made, parameters, points):
    return pl.compile(made.graph(batch=len(points)))(x=points, **parameters)["output"]


def count_by_crossings(weight, bias):
    """Count the pieces of the box between lines: one more for each line that crosses it and for each crossing in it."""
    lines = list(zip(weight.T, bias, strict=True))
    corners = np.array(list(itertools.product((-1, 1), (-1, 1))))
    crossing = sum(bool((corners @ w + b).min() < 0 < (corners @ w + b).max()) for w, b in lines)
    meeting = 0
    for (w, b), (v, c) in itertools.combinations(lines, 2):
        point = np.linalg.solve(np.array([w, v]), [-b, -c])
        meeting += bool((np.abs(point) < 1).all())
    return 1 + crossing + meeting


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 10**6))
def test_one_layer_makes_as_many_regions_as_its_lines(units, seed):
    made, parameters = network(pl.Dense(units, "relu"), pl.Dense(1), seed=seed)
    expected = count_by_crossings(parameters["dense_1/weight"], parameters["dense_1/bias"])
    assert count_linear_regions((made, parameters), CORNERS, limits=BOX) == {"dense_1": expected}


@pytest.mark.parametrize(
    "layers",
    [
        (pl.Dense(7, "relu"), pl.Dense(6, "relu"), pl.Dense(5, "leaky_relu"), pl.Dense(2)),
        (pl.Dense(6, "relu"), pl.Shortcut([pl.Dense(6, "relu")]), pl.Dense(4, pl.absolute), pl.Dense(2)),
        (
            pl.Dense(5, lambda z: pl.maximum(z, 0.3 * z)),
            pl.Dense(5, lambda z: pl.select(z > 0, z, -2 * z)),
            pl.Dense(2),
        ),
        (pl.InputToAll([pl.Dense(6, "relu"), pl.Dense(6, "relu"), pl.Dense(2)]),),
        (pl.Dense(8, "step"), pl.Dense(6, "relu"), pl.Dense(2)),
        (pl.Dense(5, "relu"), pl.Dropout(0.5), pl.Dense(5, lambda z: z * pl.step(z)), pl.Dense(2)),
    ],
)
def test_in_each_cell_the_network_is_linear_and_between_them_it_is_not(layers):
    made, parameters = network(*layers, seed=3)
    cells = linear_regions((made, parameters), CORNERS, limits=BOX).last
    assert np.isclose(sum(cell.size for cell in cells), 4.0, rtol=1e-9)
    assert len({cell.active.tobytes() for cell in cells}) == len(cells) > 15
    rng = np.random.default_rng(0)
    for cell in cells:
        points = rng.dirichlet(np.ones(len(cell.corners)), 12) @ cell.corners
        values = predict(made, parameters, points)
        terms = np.column_stack([points - cell.center, np.ones(12)])
        scale = np.abs(points - cell.center).max()
        terms[:, :2] /= scale
        assert np.allclose(terms @ np.linalg.lstsq(terms, values, rcond=None)[0], values, atol=1e-9)


def test_every_point_lies_in_the_cell_of_its_active_units():
    made, parameters = network(pl.Dense(8, "relu"), pl.Dense(8, "relu"), pl.Dense(1), seed=5)
    cells = linear_regions((made, parameters), CORNERS, limits=BOX).last
    by_pattern = {cell.active.tobytes(): cell.corners for cell in cells}
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    first = points @ parameters["dense_1/weight"] + parameters["dense_1/bias"]
    second = np.maximum(first, 0) @ parameters["dense_2/weight"] + parameters["dense_2/bias"]
    for point, active in zip(points, np.hstack([first, second]) > 0, strict=True):
        corners = by_pattern[active.tobytes()]
        ways = np.roll(corners, -1, axis=0) - corners
        turns = ways[:, 0] * (point - corners)[:, 1] - ways[:, 1] * (point - corners)[:, 0]
        assert (turns > -1e-9).all() or (turns < 1e-9).all()


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_folds_double_with_depth(depth):
    made = pl.Network([*(pl.Dense(2, "relu") for _ in range(depth)), pl.Dense(1)], inputs=1)
    fold = {"weight": np.array([[2.0, 2.0], [-4.0, -4.0]]), "bias": np.array([0.0, -0.5])}
    parameters = {f"dense_{number}/{name}": v for number in range(1, depth + 1) for name, v in fold.items()}
    parameters |= {"dense_1/weight": np.ones((1, 2)), f"dense_{depth + 1}/weight": np.array([[2.0], [-4.0]])}
    parameters[f"dense_{depth + 1}/bias"] = np.zeros(1)
    line = pl.Dataset({"x": np.array([[0.0], [1.0]])})
    found = linear_regions((made, parameters), line, limits=(0, 1))
    assert list(found.counts.values()) == [2**number for number in range(1, depth + 1)]
    ends = sorted(cell.corners.min() for cell in found.last)
    assert np.allclose(ends, np.arange(2**depth) / 2**depth, atol=1e-9)


def test_step_units_by_hand_make_exclusive_or():
    xor = pl.Units(2, [(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4)], "step")
    weights = {(0, 2): 1, (1, 2): 1, (0, 3): 1, (1, 3): 1, (2, 4): 1, (3, 4): -1}
    parameters = xor.unit_parameters(weights, biases={2: -0.5, 3: -1.5, 4: -0.5})
    found = linear_regions((pl.Network(xor, inputs=2), parameters), CORNERS, limits=((0, 1), (0, 1)))
    cells = {tuple(cell.active[:2]): cell for cell in found.cells["units_1/level_1"]}
    assert {key: round(cell.size, 12) for key, cell in cells.items()} == {
        (False, False): 0.125,
        (True, False): 0.75,
        (True, True): 0.125,
    }
    assert {tuple(cell.active) for cell in found.last} == {(0, 0, 0), (1, 0, 1), (1, 1, 0)}


def test_a_plane_through_more_features_and_other_inputs_held():
    def body(context, x, kind):
        known = pl.Embedding(3, 2)(context, kind)
        return pl.Dense(1)(context, pl.Dense(6, "relu")(context, pl.concatenate([x, known], axis=1)))

    made = pl.Network(body, inputs={"x": 3, "kind": pl.int32[()]})
    parameters = made.initialize(1)
    data = pl.Dataset({"x": np.array([[-1, -1, 0.3], [1, 1, 0.3]]), "kind": np.array([2, 2])})
    rest = np.concatenate([[0.3], parameters["embedding_1/weight"][2]])
    weight = parameters["dense_1/weight"].astype(float)
    expected = count_by_crossings(weight[:2], rest @ weight[2:] + parameters["dense_1/bias"])
    assert count_linear_regions((made, parameters), data, features=(0, 1), limits=BOX) == {"dense_1": expected}


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ((pl.Dense(3, "tanh"), pl.Dense(1)), "no unit of the network has a kink: got tanh"),
        ((pl.Dense(3, "tanh"), pl.Dense(3, "relu"), pl.Dense(1)), "^dense_1/tanh: between its kinks .* not linear"),
        ((pl.Dense(3, "relu"), pl.LayerNorm(), pl.Dense(1)), "^layer_norm_1/multiply: between its kinks"),
        ((pl.Dense(3), pl.Dense(1)), "no unit of the network has a kink: got none"),
    ],
)
def test_what_is_not_linear_between_kinks_is_named(layers, told):
    made, parameters = network(*layers)
    with pytest.raises(pl.UsageError, match=told):
        linear_regions((made, parameters), CORNERS)
    panels = plot_composition((made, parameters), CORNERS, ax=axes())
    assert panels["dense_1"].get_title() == "dense_1: 3 units"


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_pieces_of_a_cell_fill_it(functions, seed):
    cell = box(((0.0, 2.0), (0.0, 1.0)))
    slopes, offsets = np.random.default_rng(seed).normal(size=(2, functions)), np.linspace(-1, 1, functions)
    pieces = cut_cell(cell, cell.corners @ slopes + offsets, np.full(functions, 1e-12))
    assert np.isclose(sum(piece.size for piece in pieces), 2.0)
    for piece in pieces:
        values = piece.corners @ slopes + offsets
        assert (values[:, piece.active] > -1e-9).all() and (values[:, ~piece.active] < 1e-9).all()


def test_the_pictures_show_the_cells():
    made, parameters = network(pl.Dense(4, "relu"), pl.Dense(4, "relu"), pl.Dense(1), seed=2)
    found = linear_regions((made, parameters), CORNERS, limits=BOX)
    panels = plot_composition((made, parameters), CORNERS, limits=BOX, ax=axes())
    assert panels.names == ("dense_1", "dense_2", "prediction")
    for name in ("dense_1", "dense_2"):
        polygons = panels[name].collections[0].get_paths()
        assert len(polygons) == found.counts[name]
        assert panels[name].get_title() == f"{name}: 4 units, {found.counts[name]} regions"
    spelled = [text.get_text() for text in panels["dense_1"].texts]
    assert spelled and set(spelled) <= {"".join("01"[int(on)] for on in cell.active) for cell in found.cells["dense_1"]}
    line = plot_composition((made, parameters), CORNERS, features=0, ax=axes())
    assert len(line["dense_1"].lines) >= 4
