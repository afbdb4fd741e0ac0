"""Studies: the trials of a search in one file, which survives whatever happens to the process that writes it."""

from pellucid.tuning.study.opening import create_study, open_study
from pellucid.tuning.study.record import StudyRecord
from pellucid.tuning.study.study import Study

__all__ = ["Study", "StudyRecord", "create_study", "open_study"]
