"""Where one number comes from: its formula, its parts, its paths, and a check."""

from pellucid.inspection.explain.explaining import explain
from pellucid.inspection.explain.explanation import Explanation

__all__ = ["Explanation", "explain"]
