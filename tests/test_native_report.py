"""What is told of machine code: kernels, their sizes and operations, memory, and the code with paths as comments."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from llvmlite import binding as llvm

import pellucid as pl
from pellucid.errors import GraphError, UsageError
from pellucid.executors.native.assemble import assemble
from pellucid.executors.native.listing import list_code
from pellucid.executors.native.operations import count_operations
from pellucid.executors.native.program import compile, compile_epochs, compile_rows
from pellucid.executors.native.target import host
from pellucid.executors.native.timing import write_repeats
from pellucid.graph.graph import Graph, Node
from pellucid.training.step import build_step

HOSTILE = 'a"\n}\ndefine void @gone() {\r\nret void }\u2028%b0 \x00 \\0A ; é @step\t\x1b[2J'


def network(dtype="float32"):
    layers = [pl.Dense(40, "relu"), pl.Dropout(0.3), pl.Dense(24, "tanh"), pl.Dense(3)]
    return pl.Network(layers, inputs=20, dtype=dtype)


def step_of(batch=32, dtype="float32", sizes=None):
    net = network(dtype) if sizes is None else pl.Network([pl.Dense(size, "relu") for size in sizes], inputs=sizes[0])
    loss = "softmax_cross_entropy" if sizes is None else "squared_error"
    return build_step(net, {"output": pl.loss(loss)}, pl.optimizers.Adam(0.01), batch=batch)


def parsed(code):
    """Parse and check code with LLVM, and return its functions."""
    host().machine()
    module = llvm.parse_assembly(code)
    module.verify()
    return {fn.name for fn in module.functions if not fn.is_declaration}


def renamed(graph: Graph, path: str) -> Graph:
    """Return the graph with one path in the place of all, which no other way makes."""
    here: dict[Node, Node] = {}
    for node in graph.nodes:
        here[node] = Node(node.op, tuple(map(here.__getitem__, node.inputs)), node.params, node.type, path)
    inputs = {name: here[node] for name, node in graph.inputs.items()}
    return Graph(inputs, tuple(here.values()), {name: here[node] for name, node in graph.outputs.items()})


# -- kernels ---------------------------------------------------------------------------------------------------------


def test_every_output_is_written_and_every_read_was_there_before():
    form = step_of().form
    found = pl.explain_kernels(form, measured=False)
    there = {node.path for node in form.graph.nodes if node.op.name in ("input", "constant")}
    for kernel in found:
        assert set(kernel.reads) <= there, kernel
        there |= set(kernel.writes)
    assert {node.path for node in form.graph.outputs.values()} <= there
    assert [kernel.number for kernel in found] == list(range(len(found)))


def test_products_have_the_sizes_of_the_layers_and_their_epilogues():
    first, second, third = pl.explain_kernels(network().graph(), rows=64, measured=False)
    assert first.shape == (64, 20, 40) and second.shape == (64, 40, 24) and third.computes == "dense_3/contraction"
    assert sorted(third.shape) == [3, 24, 64]
    assert first.fused[-1] == "dense_1/relu" and first.writes == ("dense_1/relu",)
    assert second.reads[0] == "dense_1/relu" and second.writes == ("dense_2/tanh",)
    assert first.bytes_read == 4 * (64 * 20 + 20 * 40 + 40) and first.bytes_written == 4 * 64 * 40
    target = host()
    for kernel in (first, second, third):
        assert kernel.kind == "product" and kernel.dtype == "float32" and kernel.products == 1 and kernel.tasks >= 1
        for rows, lines in kernel.tiles:  # the sums of a tile, a row of one operand and a number of the other
            assert rows * lines * 64 // target.bytes + lines * 64 // target.bytes + 1 <= target.registers


def test_operations_are_those_of_the_layers():
    found = pl.explain_kernels(network().graph(), rows=100, measured=False)
    terms = [2 * 100 * size for size in (20 * 40, 40 * 24, 24 * 3)]
    elements = [100 * 40, 100 * 24, 100 * 3]
    assert found[2].operations == terms[2] + elements[2]  # the bias
    assert found[0].operations == terms[0] + 2 * elements[0]  # the bias, and one maximum
    assert [kernel.operations >= count for kernel, count in zip(found, terms, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: x + 2.0, 12),
        (lambda x: pl.exp(x), 12),
        (lambda x: pl.gelu(x), 12),
        (lambda x: pl.select(x < 0.5, x, -x), 36),
        (lambda x: pl.sum(x, axis=0), 12),
        (lambda x: pl.softmax(x, axis=1), 60),
        (lambda x: pl.transpose(x), 0),
        (lambda x: pl.contraction(x, x, "ij,kj->ik"), 2 * 3 * 3 * 4),
    ],
)
def test_operations_are_counted_by_what_nodes_mean(build, expected):
    graph = pl.build(build, x=pl.float64[3, 4])
    assert sum(map(count_operations, graph.nodes)) == expected


def test_rows_that_are_left_open_scale_what_is_told():
    graph = network().graph()
    one, many = (pl.explain_kernels(graph, rows=rows, measured=False) for rows in (1, 256))
    for a, b in zip(one, many, strict=True):
        assert 256 * a.operations == b.operations and 256 * a.bytes_written == b.bytes_written
        assert a.function == b.function and a.tiles == b.tiles  # it is the same code
    assert one.rows == 1 and one.batch is None and one.code == many.code


def test_a_training_step_shares_large_kernels_and_a_prediction_none():
    large = pl.explain_kernels(step_of(256, sizes=(256, 256)).form, measured=False)
    assert any(kernel.shared and kernel.tasks > 1 for kernel in large) and large.batch == 256
    assert "several threads" in str(large)
    assert not any(kernel.shared for kernel in pl.explain_kernels(step_of().form, measured=False))


def test_layers_of_one_shape_share_their_function():
    square = pl.float32[64, 64]
    chain = pl.build(lambda x, a, b: pl.tanh(pl.tanh(x @ a) @ b), x=pl.float32[32, 64], a=square, b=square)
    first, second = pl.explain_kernels(chain, measured=False)
    assert first.function == second.function
    code = pl.explain_kernels(chain, measured=False).code
    assert code.count("define void @kernel_") == 1
    before, _, body = code.partition(f"define void @{first.function}(")
    assert f"reads {second.reads[1]}" in before and f"writes {first.writes[0]}" in before
    assert f"stored: {first.writes[0]}, {second.writes[0]}" in body


def test_memory_adds_up_and_holds_what_lasts():
    step = step_of()
    memory = pl.explain_kernels(step.form, measured=False).memory
    assert memory.lasting + memory.temporary + memory.slack == memory.arena
    inputs = sum(4 * int(np.prod(node.type.shape)) for node in step.graph.inputs.values())
    assert memory.lasting > inputs and memory.temporary > 0 and memory.scratch >= 0


def test_times_and_shares_of_the_peak_are_measured():
    found = pl.explain_kernels(network("float64").graph(), rows=64)
    assert all(0 < kernel.seconds < 1 for kernel in found) and found.seconds == sum(k.seconds for k in found)
    peak = found.processor.peak["float64"]
    assert set(found.processor.peak) == {"float64"} and peak > 1e8
    for kernel in found:
        assert kernel.share_of_peak == pytest.approx(kernel.operations / kernel.seconds / peak)
    assert 0 < found.compile_seconds < 60 and 0 < found.writing_seconds < 60


def test_kernels_are_run_on_what_is_given():
    graph = pl.build(lambda w, x: pl.log(w) * x, w=pl.float64[()], x=pl.float64[pl.Axis(4, "batch"), 3])
    assert pl.explain_kernels(graph, {"w": 2.0, "x": np.ones((8, 3))}, rows=8).seconds > 0
    with pytest.raises(UsageError, match=r"no input 'xx'\. Did you mean 'x'"):
        pl.explain_kernels(graph, {"xx": 2.0})
    with pytest.raises(GraphError, match="input 'x'"):
        pl.explain_kernels(graph, {"x": np.ones((9, 3))}, rows=8)


def test_every_kind_of_kernel_is_told_of():
    def build(table, index, rate, seed):
        rows = pl.gather(table, index)
        mask = pl.ops.bernoulli_mask(seed, 0, rate, purpose="p", shape=rows.shape)
        kept = pl.select(mask, rows, 0.0)
        return pl.scatter_add(table, index, kept), pl.sum(kept, axis=0), rate * 2.0

    graph = pl.build(build, table=pl.float32[9, 20], index=pl.int32[6], rate=pl.float32[()], seed=pl.int64[()])
    found = pl.explain_kernels(graph)
    assert {"check", "random", "scatter", "reduction", "scalars"} <= {kernel.kind for kernel in found}
    assert all(kernel.seconds > 0 for kernel in found) and parsed(found.code)


# -- what can be told of ---------------------------------------------------------------------------------------------


def test_programs_tell_the_same_as_their_graphs():
    graph, form = network().graph(), step_of().form
    for program, source in ((compile_rows(graph), graph), (compile_epochs(form), form)):
        told, expected = (pl.explain_kernels(subject, measured=False) for subject in (program, source))
        assert told.code == expected.code and told.kernels == expected.kernels
    assert pl.explain_kernels(compile(graph), measured=False).rows is None


def test_what_is_no_graph_is_refused():
    with pytest.raises(UsageError, match="expected a graph"):
        pl.explain_kernels(network())
    with pytest.raises(UsageError, match="rows"):
        pl.explain_kernels(network().graph(), rows=0)
    with pytest.raises(UsageError, match="fixed"):
        pl.explain_kernels(step_of().form, rows=4)


def test_what_is_told_is_readable():
    found = pl.explain_kernels(step_of().form, measured=False)
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 100
    table = lines[lines.index("") + 1 :]
    for kernel, line in zip(found, table[1:], strict=False):
        assert line.split()[:2] == [str(kernel.number), kernel.kind]
    assert "a training step of 32 rows" in lines[0] and len(repr(found)) < 80
    told = json.loads(json.dumps(found.as_dict()))
    assert told["kernels"][0]["kind"] == found[0].kind and told["memory"]["arena"] == found.memory.arena


# -- code ------------------------------------------------------------------------------------------------------------


def test_the_code_says_what_it_computes_and_stores():
    found = pl.explain_kernels(step_of().form, measured=False)
    functions = parsed(found.code)
    assert {kernel.function for kernel in found} <= functions and {"step", "run", "epoch"} <= functions
    stores = re.findall(r"  ; stored: (.*)\n(?:  %.*\n)*  store ", found.code)
    written = {path for kernel in found for path in kernel.writes if kernel.kind != "random"}
    assert set(", ".join(stores).split(", ")) == written
    for kernel in found:
        assert f"; kernel {kernel.number}, {kernel.kind}: " in found.code
    assert "stored in b" not in found.code


def test_the_code_without_comments_is_what_is_compiled():
    assembled = assemble(network().graph())
    plain, told = (
        [line for line in text.splitlines() if line and not line.lstrip().startswith(";")]
        for text in (assembled.module.text(), list_code(assembled))
    )
    assert plain == told


@pytest.mark.parametrize("path", [HOSTILE, "\n" * 50 + "unreachable", "'\"`$(rm)`{}<>!#^*", "\ud800"])
def test_paths_reach_code_in_comments_alone(path):
    harmless = assemble(renamed(network().graph(), "p"))
    hostile = assemble(renamed(network().graph(), path))
    for assembled in (harmless, hostile):
        write_repeats(assembled)
    code = list_code(hostile)
    assert parsed(code) == parsed(list_code(harmless))
    plain, same = (
        [line for line in list_code(found).splitlines() if not line.lstrip().startswith(";")]
        for found in (harmless, hostile)
    )
    assert plain == same
    assert not set(code) & set("\r\x00\x1b\u2028\\`$'^") and "\t" not in code


def test_names_in_the_text_of_a_graph_reach_code_in_comments_alone():
    name = json.dumps(HOSTILE)
    graph = pl.parse(f"input {name}: float64[3]\ny: float64[3] = exp({name})\noutput {name} = y\n")
    assert parsed(pl.explain_kernels(graph, measured=False).code) == {"kernel_0_rows", "step", "run"}
