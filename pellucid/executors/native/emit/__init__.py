"""Writing LLVM IR: typed values with operators, functions with loops, and modules.

IR is written as text, line by line, because that is many times faster than building objects that are printed later.
Only numbers and names that this package makes get into it; the readable paths of nodes stand in comments, and only
with all characters but a harmless few taken out.
"""

from pellucid.executors.native.emit.function import Exit, Fn, Loop
from pellucid.executors.native.emit.instructions import comment
from pellucid.executors.native.emit.module import Module
from pellucid.executors.native.emit.types import element_of, is_float, lanes_of, literal, size_of, vector
from pellucid.executors.native.emit.value import V

__all__ = ["Exit", "Fn", "Loop", "Module", "V", "comment"]
__all__ += ["element_of", "is_float", "lanes_of", "literal", "size_of", "vector"]
