"""Encoders: fitted on the training rows of a table, they turn its cells into the numbers that a network takes."""

from pellucid.data.encoders.encoding import Encoding
from pellucid.data.encoders.fit import fit_encoders, fit_encoders_of_matrix
from pellucid.data.encoders.settings import EncoderSettings

__all__ = ["EncoderSettings", "Encoding", "fit_encoders", "fit_encoders_of_matrix"]
