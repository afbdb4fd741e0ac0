"""An autoencoder of digits

A network that has to give back what it is given, through a layer of only two units, has to find two numbers that say
most about a digit. Nobody tells it which digits there are; in the plane of its two numbers they part nevertheless,
and it gives images back with less error than two principal components do.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

import pellucid as pl


def main() -> Figure:
    x, y = load_digits(return_X_y=True)
    coder = pl.Autoencoder(
        2,
        hidden_layer_sizes=(64,),
        scaling=None,
        random_state=0,
        max_iter=200,
        n_iter_no_change=20,
        early_stopping=True,
    )
    code = coder.fit_transform(x / 16)
    back = 16 * coder.inverse_transform(code)
    linear = PCA(2).fit(x)
    straight = linear.inverse_transform(linear.transform(x))

    error, of_components = np.mean((back - x) ** 2), np.mean((straight - x) ** 2)
    assert error < 0.85 * of_components
    near = KNeighborsClassifier(15)  # the digits part: neighbours in the plane are of one kind
    assert np.mean(cross_val_score(near, code, y)) > 0.8 > np.mean(cross_val_score(near, linear.transform(x), y))

    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.3, 1])
    ax = left.subplots()
    points = ax.scatter(*code.T, c=y, cmap="tab10", s=6)
    ax.legend(*points.legend_elements(), title="digit", fontsize="small", loc="upper right")
    ax.set(title="two numbers for each image", xlabel="first", ylabel="second")
    axes = right.subplots(3, 5)
    for row, (name, images) in enumerate({"image": x, "network": back, "components": straight}.items()):
        for column in range(5):
            axes[row, column].imshow(images[column].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
            axes[row, column].set(xticks=[], yticks=[])
        axes[row, 0].set_ylabel(name)
    right.suptitle(f"error {error:.1f}, of two components {of_components:.1f}")
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
