"""The layers of a network: which there are, and how they fare on some examples."""

from pellucid.inspection.layers.probe import LayerProbe, observe_layers
from pellucid.inspection.layers.records import LayerRecord, LayerRecords

__all__ = ["LayerProbe", "LayerRecord", "LayerRecords", "observe_layers"]
