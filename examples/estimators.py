"""Estimators in scikit-learn's manner: a frame with words and gaps, a threshold after the costs, and a model folder."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from sklearn.metrics import confusion_matrix

import pellucid as pl

# Who pays much and is in a contract that suits nobody leaves; the longer somebody has stayed, the less.
rng = np.random.default_rng(0)
months, fee = rng.uniform(1, 60, 800), rng.uniform(5, 50, 800)
contract = rng.choice(["basic", "plus", "family"], 800)
logit = 0.15 * (fee - 25) * np.where(contract == "basic", 1.0, -0.5) - 0.05 * months
leaves = np.where(rng.random(800) < 1 / (1 + np.exp(-logit)), "leaves", "stays")
months[rng.random(800) < 0.1] = np.nan
customers = pa.table({"months": months, "fee": fee, "contract": contract})
train, test = pl.split(800, [0.75, 0.25], seed=0, stratify=leaves)
learn, judge = customers.take(train), customers.take(test)

# Not to see somebody leave ("stays" is said, and is false) costs five times as much as a call in vain.
costs = {"false_positive": 5.0, "false_negative": 1.0}
spent = {}
for name, threshold in {"at 1/2": 0.5, "for the costs": costs}.items():
    classifier = pl.MLPClassifier(threshold=threshold, random_state=0).fit(learn, leaves[train])
    (_, missed), (in_vain, _) = confusion_matrix(leaves[test], classifier.predict(judge), labels=["leaves", "stays"])
    spent[name] = 5 * missed + in_vain
    print(f"threshold {name:14} {classifier.threshold_:.2f}: {missed} missed, {in_vain} calls in vain: {spent[name]}")
assert spent["for the costs"] < spent["at 1/2"]

# What became of the columns.
for line in classifier.model_.encoding.describe():
    print(" ", line)

# The folder holds numbers and text; what is read from it predicts the same.
with tempfile.TemporaryDirectory() as folder:
    classifier.save(Path(folder) / "model")
    model = pl.load_model(Path(folder) / "model")
same = np.array_equal(model.predict_probabilities(judge), classifier.predict_proba(judge))
print("the same from the folder:", same)
assert same
