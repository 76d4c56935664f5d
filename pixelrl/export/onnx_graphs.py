"""Graphs as ONNX models: one step at a time, or all of them in a loop."""

from collections.abc import Sequence

import numpy as np
import onnx
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch.export import ExportedProgram

from pixelrl.export.programs import quiet

OPSET = 20
"""Read by onnxruntime from 1.17 on, in Python, C++ and browsers."""
LARGE = 256
"""Weights of fewer numbers are left as they are."""


def make_model(
    program: ExportedProgram, inputs: Sequence[str], outputs: Sequence[str]
) -> ModelProto:
    """Translate a graph.

    Args:
        program: the graph.
        inputs: names of its inputs, in order.
        outputs: names of its outputs, in order.

    Raises:
        RuntimeError: torch gave no model.
    """
    with torch.no_grad(), quiet():
        found = torch.onnx.export(
            program,
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if found is None:
        raise RuntimeError("torch.onnx.export gave no model.")
    model: ModelProto = found.model_proto
    used = {name for node in model.graph.node for name in node.input}
    kept = [weight for weight in model.graph.initializer if weight.name in used]
    del model.graph.initializer[:]  # a step does without what sets the goal
    model.graph.initializer.extend(kept)
    for node in model.graph.node:
        del node.metadata_props[:]  # where in our code it comes from
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    return model


def loop_steps(beginning: ModelProto, step: ModelProto, count: int) -> ModelProto:
    """Make one model of a whole episode: the beginning, then a loop over the step.

    Args:
        beginning: from ``image`` to ``state``.
        step: from ``image`` and ``state`` to ``edited``, ``choice`` and ``next``.
        count: of the steps, T.

    Returns:
        From ``image`` to ``edited`` and ``choices``, ``(T,B,H,W)`` uint8.
    """
    first, each = _prefix(beginning, "begin/"), _prefix(step, "step/")
    float32, flag = TensorProto.FLOAT, TensorProto.BOOL
    body = helper.make_graph(
        [*each.graph.node, helper.make_node("Identity", ["go"], ["step/go"])],
        "step",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", flag, []),
            helper.make_tensor_value_info("step/image", float32, None),
            helper.make_tensor_value_info("step/state", float32, None),
        ],
        [
            helper.make_tensor_value_info("step/go", flag, []),
            helper.make_tensor_value_info("step/edited", float32, None),
            helper.make_tensor_value_info("step/next", float32, None),
            helper.make_tensor_value_info("step/choice", TensorProto.UINT8, None),
        ],
    )
    loop = helper.make_node(
        "Loop",
        ["steps", "", "image", "begin/state"],
        ["edited", "last state", "choices"],
        body=body,
    )
    shape = [_dimension(each) for each in beginning.graph.input[0].type.tensor_type.shape.dim]
    choices = [count, shape[0], *shape[2:]]
    copied = helper.make_node("Identity", ["image"], ["begin/image"])
    graph = helper.make_graph(
        [copied, *first.graph.node, loop],
        "episode",
        [helper.make_tensor_value_info("image", float32, shape)],
        [
            helper.make_tensor_value_info("edited", float32, shape),
            helper.make_tensor_value_info("choices", TensorProto.UINT8, choices),
        ],
        [
            numpy_helper.from_array(np.asarray(count, np.int64), "steps"),
            *first.graph.initializer,
            *each.graph.initializer,
        ],
    )
    model = helper.make_model(graph, opset_imports=list(step.opset_import))
    model.ir_version = step.ir_version
    model.functions.extend(step.functions)
    return model


def halve_weights(model: ModelProto) -> None:
    """Store as 16-bit floats the weights that are such, as those in the box; in place.

    They are cast back before they are used, so that no result changes.
    """
    casts: list[NodeProto] = []
    for weight in model.graph.initializer:
        if weight.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        half = values.astype(np.float16)
        if values.size < LARGE or not np.array_equal(half.astype(np.float32), values):
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}/half"))
        casts.append(helper.make_node("Cast", [f"{name}/half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _prefix(model: ModelProto, prefix: str) -> ModelProto:
    """Give all names of a model a prefix."""
    renamed: ModelProto = onnx.compose.add_prefix(model, prefix)
    return renamed


def _dimension(dim: onnx.TensorShapeProto.Dimension) -> str | int:
    return dim.dim_param or dim.dim_value
