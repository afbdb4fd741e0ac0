"""Write the example tables: the data sets that scikit-learn carries, as CSV files with readable names.

Run it as ``python examples/make_tables.py [DIRECTORY]``; the directory is `tables` beside this file if none is given.
Nothing is downloaded.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

DIABETES_NAMES = {
    "bmi": "body_mass_index",
    "bp": "blood_pressure",
    "s1": "total_cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_hdl_ratio",
    "s5": "log_triglycerides",
    "s6": "glucose",
}


def compact(number: float) -> str:
    """Return the shortest text that reads back as this number up to ten significant digits: 3, 0.1, 1.25."""
    return f"{float(number):.10g}"


def readable(name: str) -> str:
    """Return a column name of words joined by underscores, units in brackets left out."""
    words = name.split("(")[0].replace("/", "_per_").replace(" ", "_").strip("_").lower()
    return words.replace("od280_per_od315_of_diluted_wines", "od280_od315")


def write(path: Path, features: Any, names: list[str], targets: dict[str, list[str]]) -> None:
    """Write one table: the features' columns, then the targets'."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, *targets])
        for row, example in enumerate(np.asarray(features)):
            writer.writerow([*map(compact, example), *(cells[row] for cells in targets.values())])


def main(directory: Path) -> None:
    """Write the five tables into a directory."""
    directory.mkdir(parents=True, exist_ok=True)

    cancer = datasets.load_breast_cancer()
    diagnosis = [str(cancer.target_names[label]) for label in cancer.target]
    write(
        directory / "breast_cancer.csv", cancer.data, [*map(readable, cancer.feature_names)], {"diagnosis": diagnosis}
    )

    digits = datasets.load_digits()
    pixels = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    write(directory / "digits.csv", digits.data, pixels, {"digit": [*map(str, digits.target)]})

    wine = datasets.load_wine()
    cultivar = [f"cultivar_{label + 1}" for label in wine.target]
    write(directory / "wine.csv", wine.data, [*map(readable, wine.feature_names)], {"cultivar": cultivar})

    diabetes = datasets.load_diabetes(scaled=False)
    names = [DIABETES_NAMES.get(name, name) for name in diabetes.feature_names]
    progression = [*map(compact, diabetes.target)]
    write(directory / "diabetes.csv", diabetes.data, names, {"progression": progression})

    linnerud = datasets.load_linnerud()
    targets = {
        readable(name): [*map(compact, linnerud.target[:, number])] for number, name in enumerate(linnerud.target_names)
    }
    write(directory / "linnerud.csv", linnerud.data, [*map(readable, linnerud.feature_names)], targets)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "tables")
