"""Export models to ONNX, the format that runtimes in many languages read.

    tn.export.to_onnx(model, "model.onnx")

    session = onnxruntime.InferenceSession("model.onnx")              # here, or where there is no tinynet
    probabilities, = session.run(None, {"input": images})             # as model.predict(images)

The graph computes the same as `model.predict`: Dropout is gone, and BatchNormalization uses its moving statistics. Each
layer becomes a few nodes, by the function that `NODES` has for its class. The docstrings of these functions name ONNX's
operators and, in brackets, their versions in opset 13.

Opset 13 and IR version 7 belong to ONNX 1.8 of November 2020. In opset 13 softmax goes along one axis for the first
time, and nothing here needs a later opset. Runtimes read older opsets: onnxruntime reads every opset from 7 to its
newest, and 13 since its version 1.6. Sources: the version tables of https://onnx.ai/onnx/repo-docs/Versioning.html and
of https://onnxruntime.ai/docs/reference/compatibility.html.

onnx is imported when to_onnx is called: python -m pip install onnx, or the extra `onnx`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import files, layers
from ._version import __version__
from .arguments import absent, integer, named_arguments
from .backend import to_numpy
from .layers.normal_cdf import LARGE, MIDDLE, SMALL
from .models.sequential import Sequential

if TYPE_CHECKING:
    import onnx

__all__ = ["to_onnx"]

OPSET = 13
INPUT, OUTPUT = "input", "output"  # the names of the graph's input and output, for every model


@named_arguments({"opset_version": "It is called opset."})
def to_onnx(
    model: Sequential, filepath: str | os.PathLike[str] | None = None, *, opset: int = OPSET
) -> onnx.ModelProto:
    """Return the model as an onnx.ModelProto, checked by ONNX's checker, and write it to a file if a name is given.

    The input is called "input" and the output "output". Their first axis, "batch", is free, and both have the model's
    dtype. Other names come from the layers: "dense/kernel" is a weight, "inner/dense/MatMul" a node and its output. The
    same model gives the same bytes.

    Args:
        model: A built model.
        filepath: The name of the file, which is written whole or not at all. None writes no file.
        opset: ONNX's version of the operators: 13, or a later one that the installed onnx knows. The IR version is the
            lowest that goes with it.

    Returns:
        The onnx.ModelProto.

    Raises:
        TypeError: `model` is not a Sequential.
        ValueError: The model is not built, has a layer of a class that is not tinynet's, or `opset` is not known.
        ImportError: onnx is not installed.
        OSError: The file cannot be opened or written.
    """
    onnx = _require_onnx()
    if not isinstance(model, Sequential):
        raise TypeError(f"to_onnx takes a Sequential; got {model!r}.")
    if not model.built:
        raise ValueError(
            f"Model '{model.name}' is not built yet, so its shapes are not known: put tn.Input(shape) first, or call "
            "model.build((None, ...)) or the model on data, then export it."
        )
    newest = onnx.defs.onnx_opset_version()
    if integer("opset", opset, least=OPSET) > newest:
        raise ValueError(f"opset must be at most {newest}, the newest that onnx {onnx.__version__} knows; got {opset}.")
    model.prepare(model.input_shape[1:])  # an inner model may have got layers since
    graph = Graph(onnx, model.dtype, int(opset))
    shape = _write(graph, model)
    proto = _proto(graph, model, shape)
    onnx.checker.check_model(proto, full_check=True)
    if filepath is not None:
        files.write_whole(filepath, proto.SerializeToString(deterministic=True))
    return proto


def _require_onnx() -> Any:
    """Import onnx and return it. Raise ImportError that says how to install it."""
    try:
        import onnx
        import onnx.checker
        import onnx.defs
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError("tinynet.export needs onnx: python -m pip install onnx", name="onnx") from error
    return onnx


class Graph:
    """The nodes and the constants of a graph in progress.

    `prefix` is the name of the present layer, with which the names of its nodes begin. Weights, constants and outputs
    of nodes are known by their names.
    """

    def __init__(self, onnx: Any, dtype: np.dtype, opset: int):
        self.onnx, self.dtype, self.opset, self.prefix = onnx, dtype, opset, ""
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._taken = {INPUT, OUTPUT}
        self._named: dict[Any, str] = {}  # the names of the constants so far

    @property
    def single(self) -> bool:
        """Tell whether it computes in float32. In float64 onnxruntime lacks Elu, Erf, LeakyRelu, Selu and Softplus."""
        return self.dtype == np.float32

    def __call__(self, operator: str, *inputs: str | float, **attributes: Any) -> str:
        """Append a node and return the name of its output. Inputs are names or numbers."""
        name = self._free(f"{self.prefix}/{operator}")
        names = [entry if isinstance(entry, str) else self._number(entry) for entry in inputs]
        self.nodes.append(self.onnx.helper.make_node(operator, names, [name], name, **attributes))
        return name

    def weight(self, layer: layers.Layer, name: str) -> str:
        """Return the name of a weight. A layer at several places has its weights once."""
        return self._constant((id(layer), name), f"{self.prefix}/{name}", to_numpy(getattr(layer, name)))

    def integers(self, name: str, values: Sequence[int]) -> str:
        """Return the name of a list of integers: a shape, or axes."""
        return self._constant((self.prefix, name, tuple(values)), f"{self.prefix}/{name}", np.array(values, np.int64))

    def finish(self, last: str) -> None:
        """Give the output of the last node the name of the graph's output."""
        if last == INPUT:
            self.nodes.append(self.onnx.helper.make_node("Identity", [INPUT], [OUTPUT], "identity"))
        else:
            self.nodes[-1].output[0] = OUTPUT

    def _number(self, value: float) -> str:
        """Return the name of a number."""
        return self._constant(value, f"constant/{value!r}", np.array(value, self.dtype))

    def _constant(self, key: Any, name: str, array: np.ndarray) -> str:
        """Return the name of a constant; add it if there is none with this key."""
        if key not in self._named:
            self._named[key] = self._free(name)
            self.constants.append(self.onnx.numpy_helper.from_array(array, self._named[key]))
        return self._named[key]

    def _free(self, name: str) -> str:
        """Return this name, with a number behind it if it is taken."""
        free, count = name, 0
        while free in self._taken:
            count += 1
            free = f"{name}_{count}"
        self._taken.add(free)
        return free


def _write(graph: Graph, model: Sequential) -> tuple[int, ...]:
    """Write the nodes of all layers and return the shape of the output, without the batch axis."""
    x, shape = INPUT, model.input_shape[1:]
    for name, part in _named_parts(model):
        if type(part) not in NODES:
            raise ValueError(
                f"Layer '{name}' is of the class {type(part).__name__}, for which tinynet knows no ONNX operators; "
                f"it knows {', '.join(known.__name__ for known in NODES)}."
            )
        graph.prefix, shape = name, part.build(shape)
        x = NODES[type(part)](graph, part, x, shape)
    graph.finish(x)
    return shape


def _named_parts(model: Sequential, before: str = "") -> Iterator[tuple[str, layers.Layer]]:
    """Yield the parts of the layers in order, models inside included, each with the names that lead to it."""
    for layer in model.layers:
        if isinstance(layer, Sequential):
            yield from _named_parts(layer, f"{before}{layer.name}/")
        else:
            for part in layer.parts():
                yield f"{before}{layer.name}" + ("" if part is layer else f"/{part.name}"), part


def _proto(graph: Graph, model: Sequential, shape: Sequence[int]) -> onnx.ModelProto:
    """Return the finished graph as an onnx.ModelProto."""
    helper = graph.onnx.helper
    dtype = helper.np_dtype_to_tensor_dtype(graph.dtype)
    inputs = [helper.make_tensor_value_info(INPUT, dtype, ["batch", *model.input_shape[1:]])]
    outputs = [helper.make_tensor_value_info(OUTPUT, dtype, ["batch", *shape])]
    opsets = [helper.make_opsetid("", graph.opset)]
    return helper.make_model(
        helper.make_graph(graph.nodes, model.name, inputs, outputs, graph.constants),
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="tinynet",
        producer_version=__version__,
        doc_string=f"Sequential {model.name!r}: {', '.join(type(layer).__name__ for layer in model.layers)}.",
    )


# ---- a layer's nodes ----------------------------------------------------------------------------------------------
# Each function has the parameters (graph, layer, x, shape): x is the name of the layer's input, shape that of a sample
# of its output. It returns the name of the output. The formulas are those of the layers.


def _same(graph, layer, x, shape):
    """y = x: no node at all; Identity (13) if the whole model has none."""
    return x


def _dense(graph, layer, x, shape):
    """MatMul (13), which takes all axes but the last as rows, and Add (13)."""
    y = graph("MatMul", x, graph.weight(layer, "kernel"))
    return graph("Add", y, graph.weight(layer, "bias")) if layer.use_bias else y


def _flatten(graph, layer, x, shape):
    """Flatten (13)."""
    return graph("Flatten", x, axis=1)


def _reshape(graph, layer, x, shape):
    """Reshape (13), where a 0 leaves an axis unchanged: the batch."""
    return graph("Reshape", x, graph.integers("shape", (0, *shape)))


def _rescaling(graph, layer, x, shape):
    """Mul (13) and Add (13)."""
    y = graph("Mul", x, layer.scale)
    return graph("Add", y, layer.offset) if layer.offset else y


def _batch_normalization(graph, layer, x, shape):
    """Sub (13), Add (13), Sqrt (13), Div (13) and Mul (13).

    Not BatchNormalization: it goes along axis 1 instead of the last, and its epsilon is float32 in float64 too.
    """
    centred = graph("Sub", x, graph.weight(layer, "moving_mean"))
    variance = graph("Add", graph.weight(layer, "moving_variance"), layer.epsilon)
    y = graph("Div", centred, graph("Sqrt", variance))
    y = graph("Mul", y, graph.weight(layer, "gamma")) if layer.scale else y
    return graph("Add", y, graph.weight(layer, "beta")) if layer.center else y


def _relu(graph, layer, x, shape):
    """Relu (13) or Clip (13) with the defaults of slope and threshold; else Where (9) of Greater (13), Sub (13) and
    Mul (13), and Min (13)."""
    most, slope, threshold = layer.max_value, layer.negative_slope, layer.threshold
    if slope == 0 and threshold == 0:
        return graph("Relu", x) if most is None else graph("Clip", x, 0.0, most)
    below = graph("Mul", graph("Sub", x, threshold), slope) if slope else graph("Clip", x, 0.0, 0.0)  # NaN at NaN
    y = graph("Where", graph("Greater", x, threshold), x, below)
    return y if most is None else graph("Min", y, most)


def _leaky_relu(graph, layer, x, shape):
    """LeakyRelu (6); in float64 Where (9) of Greater (13) and Mul (13)."""
    if graph.single:
        return graph("LeakyRelu", x, alpha=layer.negative_slope)
    return graph("Where", graph("Greater", x, 0.0), x, graph("Mul", x, layer.negative_slope))


def _elu(graph, layer, x, shape):
    """Elu (6); in float64 Where (9) of Greater (13), Min (13), Exp (13), Sub (13) and Mul (13)."""
    if graph.single:
        return graph("Elu", x, alpha=layer.alpha)
    return graph("Where", graph("Greater", x, 0.0), x, _below(graph, x, layer.alpha))


def _selu(graph, layer, x, shape):
    """Selu (6); in float64 Where (9) of Greater (13), Min (13), Exp (13), Sub (13) and Mul (13)."""
    if graph.single:
        return graph("Selu", x, alpha=layer.ALPHA, gamma=layer.SCALE)
    below = _below(graph, x, layer.SCALE * layer.ALPHA)
    return graph("Where", graph("Greater", x, 0.0), graph("Mul", x, layer.SCALE), below)


def _below(graph, x, factor):
    """Write factor (exp(x) - 1), and 0 where x > 0: exp must not overflow where it is not used."""
    return graph("Mul", graph("Sub", graph("Exp", graph("Min", x, 0.0)), 1.0), factor)


def _gelu(graph, layer, x, shape):
    """Mul (13), Add (13), and Tanh (13) if approximate, else Erf (13); ONNX's Gelu came with opset 20.

    In float64 the exact formula needs no Erf: see `_normal_cdf`.
    """
    if layer.approximate:
        cube = graph("Mul", graph("Mul", x, x), x)
        inside = graph("Add", x, graph("Mul", cube, 0.044715))
        odd = graph("Tanh", graph("Mul", inside, math.sqrt(2 / math.pi)))
    elif graph.single:
        odd = graph("Erf", graph("Mul", x, math.sqrt(0.5)))
    else:
        return graph("Mul", x, _normal_cdf(graph, x))
    return graph("Mul", x, graph("Add", graph("Mul", odd, 0.5), 0.5))


def _normal_cdf(graph, x):
    """Phi(x), step by step as `layers.normal_cdf`: Abs (13), Neg (13), Mul (13), Add (13), Sub (13), Div (13),
    Exp (13), Min (13), Max (13), Where (9), Less (13) and LessOrEqual (12)."""
    a = graph("Min", graph("Mul", graph("Abs", x), math.sqrt(0.5)), 28.0)
    inner, outer = graph("Min", a, 0.46875), graph("Max", a, 4.0)
    square = graph("Mul", outer, outer)
    gauss = graph("Exp", graph("Neg", graph("Mul", a, a)))
    small = graph("Sub", 1.0, graph("Mul", inner, _ratio(graph, SMALL, graph("Mul", inner, inner))))
    middle = graph("Mul", gauss, _ratio(graph, MIDDLE, a))
    tail = graph("Div", _ratio(graph, LARGE, graph("Div", 1.0, square)), square)
    large = graph("Mul", graph("Div", gauss, outer), graph("Sub", 1 / math.sqrt(math.pi), tail))
    beyond = graph("Where", graph("LessOrEqual", a, 4.0), middle, large)
    erfc = graph("Where", graph("LessOrEqual", a, 0.46875), small, beyond)
    return graph("Mul", graph("Where", graph("Less", x, 0.0), erfc, graph("Sub", 2.0, erfc)), 0.5)


def _ratio(graph, coefficients, x):
    """Write the quotient of two polynomials at x, by Horner's rule."""
    values = []
    for first, second, *others in coefficients:
        value = graph("Add", graph("Mul", x, first), second)
        for coefficient in others:
            value = graph("Add", graph("Mul", value, x), coefficient)
        values.append(value)
    return graph("Div", *values)


def _silu(graph, layer, x, shape):
    """Sigmoid (13) and Mul (13); in float64 Neg (13), Exp (13), Add (13) and Div (13).

    That is x / (1 + exp(-x)), 0 where exp overflows. onnxruntime 1.23 turns the product into QuickGelu, which it has
    only for float32.
    """
    if graph.single:
        return graph("Mul", x, graph("Sigmoid", x))
    return graph("Div", x, graph("Add", graph("Exp", graph("Neg", x)), 1.0))


def _sigmoid(graph, layer, x, shape):
    """Sigmoid (13)."""
    return graph("Sigmoid", x)


def _tanh(graph, layer, x, shape):
    """Tanh (13)."""
    return graph("Tanh", x)


def _softplus(graph, layer, x, shape):
    """Max (13), Abs (13), Neg (13), Add (13) and Softplus (1), which cannot overflow at -|x|; in float64 Exp (13) and
    Log (13) instead of it."""
    inside = graph("Neg", graph("Abs", x))
    rest = graph("Softplus", inside) if graph.single else graph("Log", graph("Add", graph("Exp", inside), 1.0))
    return graph("Add", graph("Max", x, 0.0), rest)


def _softmax(graph, layer, x, shape):
    """Softmax (13); along several axes ReduceMax (13), Sub (13), Exp (13), ReduceSum (13) and Div (13)."""
    if isinstance(layer.axis, int):
        return graph("Softmax", x, axis=layer.axis)
    exp = graph("Exp", _shifted(graph, layer, x))
    return graph("Div", exp, _sum(graph, layer, exp))


def _log_softmax(graph, layer, x, shape):
    """LogSoftmax (13); along several axes ReduceMax (13), Sub (13), Exp (13), ReduceSum (13) and Log (13)."""
    if isinstance(layer.axis, int):
        return graph("LogSoftmax", x, axis=layer.axis)
    shifted = _shifted(graph, layer, x)
    return graph("Sub", shifted, graph("Log", _sum(graph, layer, graph("Exp", shifted))))


def _shifted(graph, layer, x):
    """Write x minus its maximum along the layer's axes: an attribute of ReduceMax, and from opset 18 on an input."""
    if graph.opset < 18:
        return graph("Sub", x, graph("ReduceMax", x, axes=layer.axis, keepdims=1))
    return graph("Sub", x, graph("ReduceMax", x, graph.integers("axes", layer.axis), keepdims=1))


def _sum(graph, layer, x):
    """Write the sum along the layer's axes."""
    return graph("ReduceSum", x, graph.integers("axes", layer.axis), keepdims=1)


# Activation and Input are not here: they are no parts of a model.
NODES: dict[type[layers.Layer], Callable[..., str]] = {
    layers.BatchNormalization: _batch_normalization,
    layers.Dense: _dense,
    layers.Dropout: _same,
    layers.ELU: _elu,
    layers.Flatten: _flatten,
    layers.GELU: _gelu,
    layers.LeakyReLU: _leaky_relu,
    layers.Linear: _same,
    layers.LogSoftmax: _log_softmax,
    layers.ReLU: _relu,
    layers.Rescaling: _rescaling,
    layers.Reshape: _reshape,
    layers.SELU: _selu,
    layers.SiLU: _silu,
    layers.Sigmoid: _sigmoid,
    layers.Softmax: _softmax,
    layers.Softplus: _softplus,
    layers.Tanh: _tanh,
}

if not TYPE_CHECKING:  # a type checker would take every name for one that the module has
    __getattr__ = absent(__name__, __all__)
