"""The part of a page that shows the layers over the training."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.inspection.layers import LayerRecords
from pellucid.inspection.pictures.records import plot_records
from pellucid.workflow.pages.page import Section, folded, paragraph
from pellucid.workflow.pages.pictures import picture

CAPTION = (
    "Each line is a layer, the darker the nearer to the inputs. Gradients that shrink by orders of magnitude from "
    "layer to layer vanish; updates are healthy around a thousandth of the weights; dead units are 0, and stuck ones "
    "saturated, for every example that is looked at."
)


def layers_section(records: Sequence[LayerRecords]) -> Section:
    """Return the layers over the epochs, and the numbers of the last moment."""
    title = "Layers over time"
    if not records:
        return Section("layers", title, paragraph("No layers were recorded."))
    body = picture(lambda figure: plot_records(records, figure.subplots(2, 2)), (10.0, 5.8), CAPTION)
    first, last = records[0], records[-1]
    body += folded("The numbers at the beginning", first._repr_html_())
    body += folded("The numbers at the end", last._repr_html_())
    return Section("layers", title, body)
