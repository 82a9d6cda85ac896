"""ONNX files that tinynet wrote, run by onnxruntime and by ONNX's own evaluator, give what predict gives."""

import re
import subprocess
import sys
from functools import partial
from itertools import product

import catalogue
import numpy as np
import pytest
import strict_cupy
from grids import grid
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet import layers
from tinynet.layers import BatchNormalization, Dense, ReLU, Softmax

onnx = pytest.importorskip("onnx", reason="onnx is not installed: python -m pip install onnx onnxruntime")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: python -m pip install onnxruntime")
from onnx.reference import ReferenceEvaluator  # noqa: E402

from tinynet import export  # noqa: E402

BATCHES = (1, 3, 7)
DTYPES = ("float32", "float64")
# From x to y a layer rounds at most a dozen times, here and there, each time by half an eps of numbers up to the
# largest around. Measured: 1.6 of these 12 at most.
ROUNDINGS = 12


def run(proto, x):
    """The output of an ONNX model, by onnxruntime."""
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": x})[0]


def bound(model, x):
    """How far two runs of the model on x may lie apart, layer by layer: what came in, times the most by which the layer
    enlarges a difference, and its own roundings."""
    error, eps = 0.0, np.finfo(model.dtype).eps
    for part in model.parts():
        y, _ = part.forward(x)
        largest = max(1, np.abs(x).max(initial=0), np.abs(y).max(initial=0))
        error = error * gain(part) + ROUNDINGS * eps * largest
        x = y
    return error


def gain(part):
    """A bound of the change of y over that of x, in the largest norm; the slopes of all activations are below 2."""
    if isinstance(part, Dense):
        return np.abs(part.kernel).sum(axis=0).max()
    if isinstance(part, BatchNormalization):
        return np.max((part.gamma if part.scale else 1) / np.sqrt(part.moving_variance + part.epsilon))
    return max(2, abs(getattr(part, "scale", 0)))


def weighted(model, seed=1):
    """The model with weights that are all drawn, variances above 0."""
    rng = np.random.default_rng(seed)
    model.set_weights([np.abs(rng.normal(size=weight.shape)) + 0.1 for weight in model.get_weights()])
    for part in model.parts():
        if isinstance(part, Dense):
            part.kernel *= rng.choice([-1, 1], size=part.kernel.shape)
    return model


def alone(layer, shape, dtype="float32"):
    """A model of that layer."""
    return weighted(tn.Sequential([tn.Input(shape), layer], seed=0, dtype=dtype))


def inputs(model, batch, seed=0):
    shape = (batch, *model.input_shape[1:])
    return (3 * np.random.default_rng([seed, batch]).normal(size=shape)).astype(model.dtype)


def check(model, proto=None, batches=BATCHES, evaluate=run):
    """Both give the same, in the same dtype and shape, for batches of several sizes."""
    proto = export.to_onnx(model) if proto is None else proto
    for batch in batches:
        x = inputs(model, batch)
        ours, theirs = model.predict(x), evaluate(proto, x)
        assert (theirs.shape, theirs.dtype) == (ours.shape, ours.dtype)
        assert np.abs(theirs - ours).max(initial=0) <= bound(model, x)


def by_reference(proto, x):
    """The output by the evaluator of the package onnx; Elu, Selu, Sigmoid and SiLU overflow without effect."""
    with np.errstate(over="ignore", invalid="ignore"):
        return ReferenceEvaluator(proto).run(None, {"input": x})[0]


# ---- all that there is --------------------------------------------------------------------------------------------


@grid(entry=catalogue.LAYERS, dtype=DTYPES)
@given(data=st.data())
def test_every_layer_gives_what_predict_gives(entry, dtype, data):
    layer, shape = data.draw(catalogue.layer_and_shape(entry))
    check(alone(layer, shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
def test_onnxs_own_evaluator_gives_it_too(entry, dtype):
    for shape in ((2,), (3, 2)):
        check(alone(entry.make(**entry.arguments), shape, dtype), evaluate=by_reference)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
def test_every_model_gives_what_predict_gives(entry, dtype):
    model = entry.compiled(dtype=dtype)
    check(model)
    check(weighted(model))


@given(catalogue.maker_and_data(), st.sampled_from(DTYPES))
def test_models_of_all_activations(drawn, dtype):
    make, *_ = drawn
    check(make(dtype=dtype))


@pytest.mark.parametrize("name", catalogue.LAYERS)
def test_every_class_has_its_nodes(name):
    entry = catalogue.LAYERS[name]
    assert all(type(part) in export.NODES for part in entry.make(**entry.arguments).parts())


def test_all_classes_of_the_library_have_nodes():
    assert set(layers.LAYERS.values()) - set(export.NODES) == {layers.Input, layers.Activation}


AXES = (0, 1, 2, -1, -2, -3, (0, 2), (-1, 1), (0, 1, 2))
SETTINGS = [
    *(partial(ReLU, *three) for three in product((None, 0, 0.5, 6), (0, 0.25, 1, 2), (0, 0.25, 1))),
    *(partial(layers.LeakyReLU, slope) for slope in (0, 0.3, 2)),
    *(partial(layers.ELU, alpha) for alpha in (0, 0.5, 1.7)),
    *(partial(kind, axis) for kind, axis in product((Softmax, layers.LogSoftmax), AXES)),
    *(partial(layers.Reshape, shape) for shape in ((8,), (4, 2), (-1, 2), (-1,), (2, 1, -1))),
    *(partial(layers.Rescaling, *two) for two in product((1 / 255, -2), (0, 1))),
    *(
        partial(BatchNormalization, center=center, scale=scale, epsilon=epsilon)
        for center, scale, epsilon in product((True, False), (True, False), (0, 1e-3, 0.5))
    ),
    *(partial(Dense, 3, *two) for two in product((None, "selu"), (True, False))),
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_setting(dtype):
    for make in SETTINGS:
        check(alone(make(), (2, 4), dtype), batches=(3,))


@pytest.mark.parametrize("opset", [13, 15, 17, 18, 21])
def test_later_opsets(opset):
    for entry in catalogue.LAYERS.values():
        for dtype in DTYPES:
            model = alone(entry.make(**entry.arguments), (3, 2), dtype)
            proto = export.to_onnx(model, opset=opset)
            assert proto.opset_import[0].version == opset
            check(model, proto, batches=(3,))


def test_no_samples_and_samples_of_one_number():
    for layer in (Dense(2, "relu"), layers.Flatten(), layers.Reshape((-1, 2)), Softmax(), layers.GELU()):
        check(alone(layer, (3, 2)), batches=(0, 1))
    for layer in (layers.Flatten(), layers.Reshape((1, -1)), layers.Reshape(()), layers.Softplus()):
        check(alone(layer, ()))


# ---- numbers at the edge ------------------------------------------------------------------------------------------

ELEMENTWISE = [
    *(layers.ELU, layers.SELU, layers.GELU, lambda: layers.GELU(True), layers.SiLU, layers.Sigmoid, layers.Tanh),
    *(layers.Softplus, layers.LeakyReLU, ReLU, lambda: ReLU(6), lambda: ReLU(6, threshold=1), lambda: ReLU(6, 0.5, 1)),
]
EDGES = [0, 1e-30, 1e-8, 1e-3, 0.66, 0.67, 1, 5, 5.66, 9, 17, 19, 37, 88, 89, 104, 709, 710, 746, 1e4, 1e9]


@pytest.mark.parametrize("evaluate", [run, by_reference])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", ELEMENTWISE)
def test_large_and_small_numbers_overflow_nowhere(make, dtype, evaluate):
    x = np.array([[*EDGES, *(-edge for edge in EDGES)]], dtype)
    model = alone(make(), x.shape[1:], dtype)
    ours, theirs = model.predict(x), evaluate(export.to_onnx(model), x)
    assert np.isfinite(theirs).all()
    assert (np.abs(theirs - ours) <= ROUNDINGS * np.finfo(dtype).eps * np.maximum(1, np.abs(x))).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", ELEMENTWISE)
def test_nan_and_infinity_stay_what_they_are_here(make, dtype):
    x = np.array([[np.nan, 1, np.inf, -np.inf]], dtype)
    model = alone(make(), (4,), dtype)
    with np.errstate(invalid="ignore"):
        ours = model.predict(x)
    assert run(export.to_onnx(model), x) == pytest.approx(ours, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [Softmax, layers.LogSoftmax])
@pytest.mark.parametrize("axis", [-1, (0, 1)])
def test_softmax_of_large_numbers(kind, axis, dtype):
    x = np.array([[1e4, 0, -1e4], [1e4, 1e4, 1e4]], dtype)
    model = alone(kind(axis), (3,), dtype)
    theirs = run(export.to_onnx(model), x)
    assert np.isfinite(theirs).all()
    assert np.abs(theirs - model.predict(x)).max() <= ROUNDINGS * np.finfo(dtype).eps * (1 if kind is Softmax else 1e4)


# ---- what the file says -------------------------------------------------------------------------------------------


def nested():
    twice = Dense(4, "gelu", name="twice")
    inner = tn.Sequential([Dense(4, "tanh"), twice, BatchNormalization()], name="inner")
    stack = [tn.Input((2, 4)), twice, inner, layers.Dropout(0.5), layers.Flatten(), Dense(4), Dense(3, "softmax")]
    return weighted(tn.Sequential(stack, name="whole", seed=0))


def test_names_are_those_of_the_layers():
    proto = export.to_onnx(nested())
    weights = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer if "constant" not in tensor.name}
    assert weights == {
        "twice/kernel": (4, 4),
        "twice/bias": (4,),
        "inner/dense/kernel": (4, 4),
        "inner/dense/bias": (4,),
        "inner/batch_normalization/gamma": (4,),
        "inner/batch_normalization/beta": (4,),
        "inner/batch_normalization/moving_mean": (4,),
        "inner/batch_normalization/moving_variance": (4,),
        "dense/kernel": (8, 4),
        "dense/bias": (4,),
        "dense_1/kernel": (4, 3),
        "dense_1/bias": (3,),
    }, "a layer that stands twice has its weights once"
    names = [node.name for node in proto.graph.node]
    assert {"twice/gelu/Erf", "inner/dense/tanh/Tanh", "flatten/Flatten", "dense_1/softmax/Softmax"} <= set(names)
    assert len(set(names)) == len(names)
    check(nested())


def test_the_same_layer_twice_in_a_row_has_two_nodes():
    same, act = Dense(3), ReLU()
    model = weighted(tn.Sequential([tn.Input((3,)), same, act, same, act]))
    assert [node.name for node in export.to_onnx(model).graph.node] == [
        *("dense/MatMul", "dense/Add", "re_lu/Relu", "dense/MatMul_1", "dense/Add_1", "re_lu/Relu_1"),
    ]
    check(model)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_batch_is_free_and_the_rest_is_known(dtype):
    model = tn.Sequential([tn.Input((4, 3)), Dense(5), layers.Reshape((2, -1)), Softmax((1, 2))], name="m", dtype=dtype)
    proto = onnx.shape_inference.infer_shapes(export.to_onnx(model), strict_mode=True, data_prop=True)

    def known(value):
        kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        return kind, [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]

    assert [(value.name, *known(value)) for value in proto.graph.input] == [("input", dtype, ["batch", 4, 3])]
    assert [(value.name, *known(value)) for value in proto.graph.output] == [("output", dtype, ["batch", 2, 10])]
    inner = {value.name: known(value) for value in proto.graph.value_info}
    assert inner["dense/Add"] == (dtype, ["batch", 4, 5])
    assert inner["reshape/Reshape"] == (dtype, ["batch", 2, 10])
    assert all(shape[0] == "batch" for _, shape in inner.values() if len(shape) > 1 and shape[0] != 1)


@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
def test_shape_inference_finds_the_output_that_is_declared(entry):
    model = alone(entry.make(**entry.arguments), (3, 2))
    proto = export.to_onnx(model)
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    found = onnx.shape_inference.infer_shapes(proto, strict_mode=True).graph.output[0].type.tensor_type.shape.dim
    assert [size.dim_param or size.dim_value for size in found] == ["batch", *model.output_shape[1:]]


def test_who_wrote_it_and_for_whom():
    proto = export.to_onnx(nested())
    assert (proto.producer_name, proto.producer_version) == ("tinynet", tn.__version__)
    assert proto.doc_string == "Sequential 'whole': Dense, Sequential, Dropout, Flatten, Dense, Dense."
    assert (proto.graph.name, proto.ir_version) == ("whole", 7)
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 13)]
    assert ("1.8.0", 7, 13) in [row[:3] for row in onnx.helper.VERSION_TABLE], "as the module says"


def test_the_docstrings_name_the_operators_and_their_versions():
    named = set()
    for function in (*export.NODES.values(), export._normal_cdf):
        for operator, version in re.findall(r"(\w+) \((\d+)\)", function.__doc__):
            assert onnx.defs.get_schema(operator, 13).since_version == int(version), operator
            named.add(operator)
    used = set()
    for dtype in DTYPES:
        for make in [*SETTINGS, *ELEMENTWISE, layers.Linear, layers.Flatten]:
            used |= {node.op_type for node in export.to_onnx(alone(make(), (2, 4), dtype)).graph.node}
    assert used == named


def test_float32_has_the_operators_that_runtimes_know():
    def operators(*stack):
        return [node.op_type for node in export.to_onnx(tn.Sequential([tn.Input((4,)), *stack])).graph.node]

    assert operators(Dense(3, "relu"), Dense(2, "softmax")) == ["MatMul", "Add", "Relu", "MatMul", "Add", "Softmax"]
    assert operators(ReLU(6)) == ["Clip"]
    assert operators(layers.ELU(), layers.SELU(), layers.LeakyReLU()) == ["Elu", "Selu", "LeakyRelu"]
    assert operators(layers.GELU()) == ["Mul", "Erf", "Mul", "Add", "Mul"]
    assert operators(layers.Dropout(0.5)) == ["Identity"]
    assert operators(layers.Dropout(0.5), layers.Linear(), layers.Tanh()) == ["Tanh"]


# ---- files, and calls that cannot work ----------------------------------------------------------------------------


def test_the_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    model, path = nested(), tmp_path / "model.onnx"
    proto = export.to_onnx(model, path)
    assert onnx.load(path) == proto
    assert path.read_bytes() == proto.SerializeToString(deterministic=True)
    export.to_onnx(nested(), str(tmp_path / "again.onnx"))
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes(), "the same model, the same bytes"
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        export.to_onnx(weighted(nested(), seed=2), path)
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["again.onnx", "model.onnx"]


def test_nothing_is_written_of_a_model_that_onnx_refuses(tmp_path, monkeypatch):
    monkeypatch.setitem(export.NODES, Dense, lambda graph, layer, x, shape: graph("NoSuchOperator", x))
    with pytest.raises(onnx.checker.ValidationError, match="NoSuchOperator"):
        export.to_onnx(tn.Sequential([tn.Input((2,)), Dense(3)]), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_shapes_that_are_wrong_are_found_by_the_check(monkeypatch):
    monkeypatch.setitem(export.NODES, layers.Flatten, export._same)
    with pytest.raises(onnx.shape_inference.InferenceError):
        export.to_onnx(tn.Sequential([tn.Input((2, 3)), layers.Flatten()]))


class Own(layers.Layer):
    def forward(self, x, training=False):
        return 2 * x, None


class OwnDense(Dense):
    def forward(self, x, training=False):
        return -super().forward(x, training)[0], x


def test_a_layer_of_ones_own_is_named():
    inner = tn.Sequential([Dense(3), OwnDense(2, name="mine")], name="inner")
    for layer, message in (
        (Own(), r"Layer 'own' is of the class Own, for which tinynet knows no ONNX operators; it knows BatchNorm"),
        (inner, r"Layer 'inner/mine' is of the class OwnDense, for which"),
        (Dense(2, Own()), r"Layer 'dense/own' is of the class Own"),
    ):
        with pytest.raises(ValueError, match=message):
            export.to_onnx(tn.Sequential([tn.Input((3,)), layer]))


def test_what_is_not_built_says_how_to_build_it():
    model = tn.Sequential([Dense(3, "relu")], name="m")
    with pytest.raises(ValueError, match=r"Model 'm' is not built yet.*tn\.Input\(shape\) first.*then export it"):
        export.to_onnx(model)
    model(np.zeros((1, 2)))
    check(model)


def test_layers_that_an_inner_model_got_later_are_there():
    inner = tn.Sequential([Dense(3)])
    model = tn.Sequential([tn.Input((2,)), inner], seed=0)
    inner.add(Dense(4))
    proto = export.to_onnx(model)
    assert [size.dim_value for size in proto.graph.output[0].type.tensor_type.shape.dim] == [0, 4]
    check(model, proto)


def test_wrong_arguments():
    model = tn.Sequential([tn.Input((2,)), Dense(3)])
    for wrong in (Dense(3), None, "model"):
        with pytest.raises(TypeError, match="to_onnx takes a Sequential; got"):
            export.to_onnx(wrong)
    for opset in (12, 0, 13.0, "13", None, True):
        with pytest.raises(ValueError, match="opset must be an integer of at least 13; got"):
            export.to_onnx(model, opset=opset)
    newest = onnx.defs.onnx_opset_version()
    assert export.to_onnx(model, opset=np.int64(newest)).opset_import[0].version == newest
    with pytest.raises(ValueError, match=rf"opset must be at most {newest}, the newest that onnx .* knows; got"):
        export.to_onnx(model, opset=newest + 1)
    with pytest.raises(TypeError, match="It is called opset"):
        export.to_onnx(model, opset_version=13)
    with pytest.raises(FileNotFoundError):
        export.to_onnx(model, "no/such/folder/model.onnx")


def test_without_onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"^tinynet\.export needs onnx: python -m pip install onnx$") as caught:
        export.to_onnx(tn.Sequential([tn.Input((2,)), Dense(3)]))
    assert caught.value.name == "onnx"


def test_onnx_is_imported_by_the_call_alone():
    code = "import sys, tinynet; assert 'tinynet.export' not in sys.modules; tinynet.export.to_onnx"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'onnx' not in sys.modules"], check=True)
    with pytest.raises(AttributeError, match="Did you mean to_onnx"):
        export.to_onx  # noqa: B018


@pytest.mark.usefixtures("stand_in")
def test_weights_on_a_gpu_come_home():
    def make(backend):
        stack = [tn.Input((4,)), Dense(3, "relu"), BatchNormalization(), Dense(2, "softmax")]
        return tn.Sequential(stack, seed=0, backend=backend)

    protos = [export.to_onnx(make(backend)) for backend in ("numpy", "cupy")]
    assert isinstance(make("cupy").layers[0].kernel, strict_cupy.module.ndarray)
    assert protos[0] == protos[1]


# ---- the lesson ---------------------------------------------------------------------------------------------------


def test_the_lessons_model_sees_the_same_classes(lesson_model, sample):
    (x, y), (x_test, _) = sample
    x, x_test = (images.astype("float32") / 255 for images in (x, x_test))
    model = lesson_model(seed=1)
    model.fit(x, y, verbose=0)
    ours, theirs = model.predict(x_test), run(export.to_onnx(model), x_test[..., None])
    assert (theirs.argmax(axis=1) == ours.argmax(axis=1)).all()
    assert np.abs(theirs - ours).max() <= 1e-5, "benchmarks/onnx_check.py finds 1.2e-6 on the full data"
