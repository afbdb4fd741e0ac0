"""The examples as each layer sees them: principal components of its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pellucid.errors import DataError
from pellucid.html_table import html_table
from pellucid.inspection.pictures.plane import principal_components
from pellucid.inspection.pictures.reading import FIRST, as_subject
from pellucid.inspection.pictures.scatter import MOST_NAMED, color_bar, legend, scatter
from pellucid.inspection.pictures.style import Panels, axes_for, panels_for, percent, short
from pellucid.inspection.pictures.subject import Subject

_SHOWN = 10
"""So many components are told in a notebook: the first have the largest variance."""


class Representation(NamedTuple):
    """Examples as a layer sees them.

    Attributes
    ----------
    coordinates : ndarray [examples, components]
        Along the principal components of the layer's outputs, the one with the largest variance first.
    explained : ndarray [components]
        The share of the whole variance that each explains; all 0 where the outputs are the same for all examples.
    """

    coordinates: np.ndarray
    explained: np.ndarray

    def _repr_html_(self) -> str:
        spread = self.coordinates.std(axis=0)
        rows = [
            [str(number), f"{share:.1%}", f"{wide:.4g}"]
            for number, (share, wide) in enumerate(zip(self.explained, spread, strict=True), 1)
        ][:_SHOWN]
        head = ["component", "share of the variance", "standard deviation"]
        return html_table(head, rows, f"{len(self.coordinates):,} examples")


def representation(
    subject: Any, data: Any, layers: str | Sequence[str] | None = None, components: int | None = None
) -> dict[str, Representation]:
    """Return the examples as each layer sees them.

    Parameters
    ----------
    subject : Fit, Model, or estimator of Pellucid
    data : Dataset for a fit; a table for a model; X or (X, y) for an estimator
    layers : str or sequence of str, optional
        Names of layers, such as ``dense_1``, or paths of nodes of the network's graph. By default what the network
        takes (``x``, or ``features`` behind the encoders of a model) and all layers.
    components : int, optional
        How many; all by default.

    Returns
    -------
    dict of Representation
        By layer, in the order of the network.

    Raises
    ------
    UsageError
        Where there is no such layer, or no network to look into.
    DataError
        Where a layer's outputs are not finite.

    Notes
    -----
    The components are those of the layer's outputs as they are, without scaling, by a singular value decomposition
    (Jolliffe, Principal Component Analysis, 2002).

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> data = pl.Dataset({"x": x}, x[:, 0] * x[:, 1] > 0)
    >>> network = pl.Network([pl.Dense(6, "tanh"), pl.Dense(1)], inputs=2)
    >>> fit = pl.fit(network, data, loss="binary_cross_entropy", epochs=2)
    >>> {layer: found.coordinates.shape for layer, found in representation(fit, data).items()}
    {'x': (50, 2), 'dense_1': (50, 6), 'dense_2': (50, 1)}
    """
    return _represent(as_subject(subject, data, FIRST), layers, components)


def _represent(
    subject: Subject, layers: str | Sequence[str] | None, components: int | None
) -> dict[str, Representation]:
    network = subject.require_network()
    chosen = [*network.entries, *network.layers] if layers is None else [layers] if isinstance(layers, str) else layers
    paths = {layer: network.path(layer) for layer in chosen}
    values = network.run(list(paths.values()), subject.arrays)
    found = {}
    for layer, path in paths.items():
        if not np.isfinite(values[path]).all():
            row = int(np.argwhere(~np.isfinite(values[path]))[0, 0])
            what = "a layer's output is not finite"
            raise DataError(what, where=f"{path}, row {row}", fix="pl.find_origin says where it comes from.")
        parts = principal_components(values[path])
        found[layer] = Representation(parts.coordinates[:, :components], parts.explained[:components])
    return found


def plot_representation(
    subject: Any, data: Any, layer: str | None = None, *, of: str | int | None = None, ax: Any = None
) -> Any:
    """Draw the examples as each layer sees them: the first two principal components of its outputs.

    Parameters
    ----------
    subject : Fit, Model, or estimator of Pellucid
    data : Dataset for a fit; a table for a model; X or (X, y) for an estimator
    layer : str, optional
        The name of a layer, or the path of a node of the network's graph. By default there is a picture for what the
        network takes and for each layer.
    of : str or int, optional
        By which output, target or label the examples are coloured; by default the first. Without targets they have one
        colour.
    ax : Axes or sequence of Axes, optional
        To draw on; of a new figure by default. A single one is divided where there are several pictures.

    Returns
    -------
    Axes, or Panels where `layer` is None
        ``panels["dense_1"]`` is one of the axes, ``panels.figure`` the figure.

    Notes
    -----
    The labels of the axes say which share of the layer's whole variance a component explains. A layer with a single
    unit is drawn with its output to the right, and the class or target upwards. :func:`representation` returns the
    coordinates.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> data = pl.Dataset({"x": x}, x[:, 0] * x[:, 1] > 0)
    >>> network = pl.Network([pl.Dense(6, "tanh"), pl.Dense(1)], inputs=2)
    >>> fit = pl.fit(network, data, loss="binary_cross_entropy", epochs=2)
    >>> plot_representation(fit, data).names
    ('x', 'dense_1', 'dense_2')
    """
    seen = as_subject(subject, data, FIRST if of is None else of)
    found = _represent(seen, layer, None)
    if layer is not None:
        axes = axes_for(ax)
        drawn = _draw(axes, seen, layer, found[layer])
        color_bar(axes, drawn, seen.target)
        if seen.target.values is not None:
            legend(axes, seen.target)
        return axes
    panels: Panels = panels_for(ax, list(found))
    for name, axes in zip(panels.names, panels.axes, strict=True):
        drawn = _draw(axes, seen, name, found[name])
        axes.tick_params(labelsize=7)
        axes.xaxis.label.set_size(8)
        axes.yaxis.label.set_size(8)
    color_bar(panels.axes, drawn, seen.target)
    if seen.target.values is not None:
        legend(panels.axes[0], seen.target, figure=panels.figure if ax is None else None, small=True)
    return panels


def _draw(axes: Any, subject: Subject, name: str, found: Representation) -> Any:
    units = len(found.explained)
    shape = found.coordinates.shape[1]
    if shape > 1:
        across, upwards = found.coordinates[:, 0], found.coordinates[:, 1]
        labels = [
            f"{word} component, {percent(share)}" for word, share in zip(("1st", "2nd"), found.explained, strict=False)
        ]
    else:
        across, upwards = found.coordinates[:, 0], _upwards(subject)
        labels = ["output, less its mean", "class" if subject.target.classes else short(subject.target.name)]
    axes.set_title(f"{short(name)}: {units} {'unit' if units == 1 else 'units'}", fontsize=9)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    if shape == 1 and subject.target.values is not None and 0 < len(subject.target.classes) <= MOST_NAMED:
        axes.set_yticks(range(len(subject.target.classes)), list(map(short, subject.target.classes)))
    return scatter(axes, across, upwards, subject.target, size=9.0)


def _upwards(subject: Subject) -> np.ndarray:
    """Return where the examples stand upwards if there is nothing else: by target, those of a class side by side."""
    values, rows = subject.target.values, np.arange(len(subject))
    spread = (rows * 0.6180339887498949) % 1.0 - 0.5  # even, and the same each time
    if values is None:
        return spread
    return values + 0.7 * spread if subject.target.classes else values
