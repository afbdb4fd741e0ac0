"""What is drawn where there is nothing to draw."""

from __future__ import annotations

from typing import Any


def say_nothing(axes: Any, why: str) -> Any:
    """Write into axes why they are empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes, wrap=True)
    return axes
