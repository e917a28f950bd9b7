"""The layers of a Keras model's description, judged before Keras loads them.

Loading runs what the file names: a Lambda layer is Python bytecode, a custom object any function
of any module.  So only layers of this list are loaded, and everything else is named at once.
"""

from __future__ import annotations

from edgetune.errors import ModelError
from edgetune.importers.keras.reasons import refused_activation, unknown_layer
from edgetune.model.decode import corrupt, printable, quoted
from edgetune.model.reasons import STATELESS, Finding, Reason, refusal

CONTAINERS = ("Sequential", "Functional", "Model")
AT_TRAINING = (  # and nothing at inference
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
    "AlphaDropout", "ActivityRegularization", "RandomFlip", "RandomRotation", "RandomZoom",
    "RandomTranslation", "RandomContrast", "RandomBrightness", "RandomHue", "RandomSaturation",
    "RandomSharpness", "RandomColorJitter", "RandomColorDegeneration", "RandomGrayscale",
    "RandomPosterization", "RandomErasing", "RandomGaussianBlur", "RandomInvert", "RandomShear",
    "RandomPerspective", "RandomElasticTransform", "CutMix", "MixUp", "AugMix", "RandAugment",
)
LAYERS = (
    "InputLayer", "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D",
    "SeparableConv2D", "Conv1DTranspose", "Conv2DTranspose", "Dense", "BatchNormalization",
    "LayerNormalization", "GroupNormalization", "UnitNormalization", "Activation", "ReLU",
    "LeakyReLU", "ELU", "PReLU", "Softmax", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D",
    "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D",
    "UpSampling1D", "UpSampling2D", "Resizing", "CenterCrop", "Flatten", "Reshape", "Permute",
    "RepeatVector", "Identity", "Add", "Subtract", "Multiply", "Concatenate", "Average",
    "Maximum", "Minimum", "Normalization", "Rescaling", "TimeDistributed", *AT_TRAINING,
)
STEPPED = ("LSTM", "GRU", "SimpleRNN")  # written out step by step
OLD_NAMES = ("BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization")
OPERATIONS = {  # of Keras 3, written as x + y or keras.ops.relu(x); they hold numbers only
    "keras.src.ops.numpy": (
        "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", "Negative",
        "Absolute", "Abs", "Square", "Sqrt", "Exp", "Tanh", "Clip", "Mean", "Max", "Reshape",
        "Squeeze", "ExpandDims", "Transpose", "Concatenate", "GetItem", "Pad",
    ),
    "keras.src.ops.nn": (
        "Relu", "Relu6", "Sigmoid", "Silu", "HardSigmoid", "HardSilu", "LeakyRelu", "Elu", "Gelu",
        "Selu", "Softmax",
    ),
}
FUNCTIONS = (  # of Keras 2, written as x + y or tf.nn.relu(x)
    "__operators__.add", "math.add", "math.subtract", "math.multiply", "nn.relu", "nn.relu6",
    "compat.v1.nn.relu6",
)
LAYER_MODULES = (None, "keras", "keras.layers", "keras._legacy.layers")
CONTAINER_MODULES = (None, "keras", "keras.models")
CONTAINER_PATHS = ("keras.src.models.", "keras.src.engine.")
PART_MODULES = (  # of initialisers and the like
    None, "keras.initializers", "keras.regularizers", "keras.constraints",
    "keras.mixed_precision", "keras.dtype_policies",
)
POLICIES = ("DTypePolicy", "FloatDTypePolicy")  # of numbers; Keras 3 has them in "keras"
CODE = ("function", "Lambda", "__lambda__")
MAX_DEPTH = 64


def check_layers(model: dict) -> None:
    """Whether a model's description holds nothing but layers that convert.

    Args:
        model: ``config.json`` of a .keras file, or ``model_config`` of an .h5 file.

    Raises:
        ModelError: the description is none, or has other layers (all of them listed).
    """
    kind = model.get("class_name") if isinstance(model, dict) else None
    if kind not in CONTAINERS:
        if isinstance(kind, str) and isinstance(model.get("config"), dict) and kind not in LAYERS:
            raise _of_own_class(kind)
        raise corrupt("Its description is not that of a Sequential or Functional model.")
    # Keras drops the outermost optimiser and loss where it loads without compiling, as we do;
    # those of models inside it would be built, and so are looked at.
    problems = _problems_of({**model, "compile_config": None}, 0)
    if problems:
        raise refusal("convert", problems, "Keras layers that convert: " + ", ".join(LAYERS) + ".")


def _of_own_class(name: str) -> ModelError:
    return ModelError(
        f"The model is of a class of its own, {quoted(name)}.",
        "A subclassed model's layers are called by the code of its class, which is not in the "
        "file.",
        "Build it from layers, keras.Model(inputs, outputs), take the weights over and save that; "
        "or convert it where its class is: tf.lite.TFLiteConverter.from_keras_model(model), and "
        "name the .tflite file.",
    )


def _problems_of(layer: dict, depth: int) -> list[Finding]:
    """A finding for each layer, in ``layer`` and below, that cannot be converted."""
    kind, config = layer.get("class_name"), layer.get("config")
    if depth > MAX_DEPTH or not isinstance(config, (dict, list)):
        raise corrupt("A layer's description is malformed or nested too deeply.")
    if kind in CONTAINERS:
        return _problems_inside(layer, config, depth)
    if reason := _reason(layer, kind, config) or refused_activation(config):
        name = config.get("name", "") if isinstance(config, dict) else ""
        kind = printable(str(kind))
        return [Finding(kind, f"layer {quoted(str(name))} {kind}", [reason])]
    return []


def _problems_inside(model: dict, config: dict | list, depth: int) -> list[Finding]:
    layers = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(layers, list) or not all(isinstance(inner, dict) for inner in layers):
        raise corrupt("A model's description has no list of layers.")
    problems = [p for inner in layers for p in _problems_of(inner, depth + 1)]
    if not _is_plain(model, config):
        reason = "a model of a class of its own, or with code of its own"
        problems.insert(0, Finding("", "", [reason]))
    return problems


def _is_plain(model: dict, config: dict | list) -> bool:
    """Whether a container is Keras's, and holds nothing but layers and numbers."""
    module = model.get("module")
    if module not in CONTAINER_MODULES and not str(module).startswith(CONTAINER_PATHS):
        return False
    rest = {k: v for k, v in config.items() if k != "layers"} if isinstance(config, dict) else {}
    return not _brings_code({**model, "config": rest, "class_name": None, "module": None})


def _reason(layer: dict, kind, config) -> str:
    """Why a layer cannot be converted; empty if it can, as far as its description tells."""
    if layer.get("module") in OPERATIONS:
        known = kind in OPERATIONS[layer["module"]]
    elif kind == "TFOpLambda":
        known = isinstance(config, dict) and config.get("function") in FUNCTIONS
    else:
        known = kind in (*LAYERS, *OLD_NAMES, *STEPPED, "Bidirectional")
        known = known and layer.get("module") in LAYER_MODULES
        if known and _keeps_state(config):
            return Reason("it keeps state from one call to the next", STATELESS)
    if not known:
        return unknown_layer(str(kind))
    inside = {**layer, "class_name": None, "module": None}
    return "it brings code of its own" if _brings_code(inside) else ""


def _keeps_state(config, depth: int = 0) -> bool:
    """Whether a recurrent layer, or one inside, goes on from the sample before."""
    if not isinstance(config, dict) or depth > MAX_DEPTH:
        return False
    inside = [config.get(role) for role in ("layer", "backward_layer")]
    return bool(config.get("stateful")) or any(
        _keeps_state(layer.get("config"), depth + 1) for layer in inside if isinstance(layer, dict)
    )


def _brings_code(value, depth: int = 0) -> bool:
    """Whether objects in a description are others than Keras's own harmless ones."""
    if depth > MAX_DEPTH:
        return True
    if isinstance(value, list):
        return any(_brings_code(item, depth + 1) for item in value)
    if not isinstance(value, dict):
        return False
    return not _is_harmless(value.get("class_name"), value.get("module")) or any(
        _brings_code(item, depth + 1) for item in value.values()
    )


def _is_harmless(kind, module) -> bool:
    if kind in (*LAYERS, *STEPPED) and module in LAYER_MODULES:  # a layer inside
        return True
    if module == "keras":
        return kind in POLICIES
    return kind not in CODE and module in PART_MODULES
