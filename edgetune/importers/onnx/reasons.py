"""Why an ONNX node cannot be converted, and what to do about it, by its kind."""

from __future__ import annotations

from edgetune.model.reasons import FEED_FORWARD, UNROLLED, Reason, UnknownKind

RECURRENT = ("DynamicQuantizeLSTM",)
CONTROL = ("If", "Loop", "Scan", "SequenceMap")
MACHINES = {  # of ai.onnx.ml, without layers: the start of their names, and what they are
    "SVM": "a support vector machine of another form than libsvm's",
    "TreeEnsemble": "decision trees",
}
LAYERED = (
    "Train a small network on the same data and give that: scikit-learn's MLPClassifier and "
    "MLPRegressor convert by skl2onnx."
)
NO_KERNEL = "Take an activation that int8 kernels know: Relu, HardSwish, Sigmoid, Tanh, Gelu."
FUNCTIONS = (  # of one value, that no operator here computes
    "ThresholdedRelu", "Shrink", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh",
    "Asinh", "Acosh", "Atanh", "Floor", "Ceil", "Round", "Swish",
)
LOGIC = ("And", "Or", "Xor", "Not", "Equal", "IsNaN", "IsInf")


def unknown_kind(kind: str, domain: str) -> str:
    """The reason for a node of a kind that is in no table; ``domain`` is whose kind it is."""
    if kind in RECURRENT:
        return Reason("a recurrent layer, whose state goes from step to step", FEED_FORWARD)
    if kind in CONTROL:
        return Reason("control flow", UNROLLED)
    for start, machine in MACHINES.items():
        if domain == "ai.onnx.ml" and kind.startswith(start):
            return Reason(f"{machine}, which has no layers to train", LAYERED)
    if domain not in ("", "ai.onnx"):
        return UnknownKind("this kind of operator is not one of ONNX's own")
    if kind in LOGIC:
        return Reason("it works on truth values", NO_KERNEL)
    if kind in FUNCTIONS:
        return Reason("a function that no int8 operator here computes", NO_KERNEL)
    return UnknownKind("this kind of operator is not supported")


def on_activations(kind: str) -> str:
    """The reason for a node that is worked out where it reads constants alone, and does not."""
    return unknown_kind(kind, "") if kind in (*FUNCTIONS, *LOGIC) else "it runs on constants only"
