"""Gates: add distributes, multiply swaps, max routes, branches add

Four rules are enough to go back through most graphs by eye. An addition hands its gradient to both operands
unchanged; a product hands each operand the gradient times the other one; a maximum hands all of it to the larger one;
and where a value is used twice, what comes back from both uses is added.
"""

from pathlib import Path

import pellucid as pl


def gates(a, b, c, d):
    """(a + b) times max(c, d), and a once more."""
    added = a + b
    larger = pl.maximum(c, d)
    product = added * larger
    return {"result": product + a}


def main() -> str:
    seen = pl.observe(gates, a=2.0, b=1.0, c=-4.0, d=5.0)

    assert seen["product"].gradient == 1.0  # an addition distributes
    assert seen["added"].gradient == seen["larger"].value == 5.0  # a product swaps
    assert seen["larger"].gradient == seen["added"].value == 3.0
    assert (seen["c"].gradient, seen["d"].gradient) == (0.0, 3.0)  # a maximum routes
    assert seen["b"].gradient == 5.0
    assert seen["a"].gradient == 5.0 + 1.0  # branches add
    return seen.draw()


if __name__ == "__main__":
    Path(Path(__file__).stem + ".svg").write_text(main(), encoding="utf-8")
