"""Pictures of a search: its settings, values and learning curves."""

from pellucid.tuning.pictures.bars import plot_importance_of_settings
from pellucid.tuning.pictures.curves import plot_curves_of_trials
from pellucid.tuning.pictures.parallel import plot_parallel
from pellucid.tuning.pictures.progress import plot_best_so_far
from pellucid.tuning.pictures.slices import plot_slices
from pellucid.tuning.pictures.write import SearchPicture, pictures_of, write_pictures

__all__ = [
    "SearchPicture",
    "pictures_of",
    "plot_best_so_far",
    "plot_curves_of_trials",
    "plot_importance_of_settings",
    "plot_parallel",
    "plot_slices",
    "write_pictures",
]
