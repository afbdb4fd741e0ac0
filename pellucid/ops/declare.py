"""Declaring operations: one call says all that any part of the system needs to know of one."""

from pellucid.ops.declaration import NOT_DIFFERENTIABLE, Declared
from pellucid.ops.elementwise import Elementwise, elementwise
from pellucid.ops.structural import Structural, structural

__all__ = ["NOT_DIFFERENTIABLE", "Declared", "Elementwise", "Structural", "elementwise", "structural"]
