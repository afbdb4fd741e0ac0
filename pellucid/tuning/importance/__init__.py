"""Which settings mattered in a search."""

from pellucid.tuning.importance.importance import Importance, Share, importance_of

__all__ = ["Importance", "Share", "importance_of"]
