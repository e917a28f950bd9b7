"""Why a part of a model is refused, and what to do about it.

A reason is a string.  One that says more than "replace this layer" is a ``Reason``, which brings
its own advice; ``refusal`` makes one error of all: what is alike is one line with a count, and
each advice is given once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from edgetune.errors import ModelError
from edgetune.model import schema
from edgetune.model.kinds import LSTM

CHANGE = "Change these layers in the model that the file was made from, and convert that again."
FROM_FLOAT = (
    "Convert again from the float model: edgetune convert FLOAT -o INT8.tflite --data SAMPLES."
)
FIXED = "Fix the sizes before the model is converted: only the batch may be open, and is one then."
ENDS = (
    "Make a model of one input and one output of the part that is to learn: of a Keras model "
    "keras.Model(input, output) does."
)
STEP_BY_STEP = (
    "Convert it anew, which writes its steps out: edgetune convert MODEL -o INT8.tflite --data "
    "SAMPLES; edgetune tune does so by itself."
)
FEED_FORWARD = (
    "Use a network without recurrence: convolutions over the last samples in the place of a state."
)
STATELESS = (
    "Convert the model that takes a whole window at once, not its streaming form: the device is "
    "sent the window."
)
UNROLLED = (
    "Convert the model without loops and conditions: a recurrent Keras layer has none with "
    "unroll=True."
)
PRODUCTS = (
    "Replace attention, which multiplies two activations, by dense layers or convolutions over the "
    "sequence."
)
BUILTINS = (
    "Convert with target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS], and replace the "
    "layers that this refuses."
)
SCORES = (
    "Convert the model that ends in scores, before ARG_MAX: a device learns them, and the place of "
    "the largest is the class."
)
RAW = (
    "Convert the model that ends before its post-processing, and choose the output that learns "
    "with --output: what decodes boxes or poses holds no weights, and runs on what is left."
)
NEWEST = max(schema.OPERATORS)

RECURRENT = (
    "LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "RNN",
    "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN", "SVDF",
)
STATE = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
PLACES = ("ARG_MAX", "ARG_MIN")
DECODERS = (
    "CUSTOM:TFLite_Detection_PostProcess", "CUSTOM:PosenetDecoderOp",
    "CUSTOM:NonMaxSuppression", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5",
)
CONTROL = ("IF", "WHILE", "CALL", "STABLEHLO_WHILE", "STABLEHLO_CASE")


class Reason(str):
    """A reason, and in ``advice`` what to do about it."""

    advice: str

    def __new__(cls, text: str, advice: str) -> Reason:
        reason = super().__new__(cls, text)
        reason.advice = advice
        return reason


class UnknownKind(str):
    """That edgetune has no such operator or layer."""


class Finding(NamedTuple):
    """A part of a model that is refused.

    Args:
        kind: of the operator, layer or node.
        who: which one it is: "operator 3 SPLIT (output 'x')".
        reasons: all of them.
    """

    kind: str
    who: str
    reasons: list[str]


def unknown_kind(kind: str) -> str:
    """The reason for an operator that is in no table, by its TFLite name."""
    if kind == LSTM:
        return Reason("a recurrent layer, which runs where its steps are written out", STEP_BY_STEP)
    if kind in RECURRENT:
        return Reason("a recurrent layer, whose state goes from step to step", FEED_FORWARD)
    if kind in STATE:
        return Reason("it keeps state from one call to the next", STATELESS)
    if kind == "BATCH_MATMUL":
        return Reason(
            "a product of two matrices; only one of an activation with a constant matrix converts, "
            "from a float model, as a dense layer", PRODUCTS,
        )
    if kind in CONTROL:
        return Reason("control flow", UNROLLED)
    if kind in PLACES:
        return Reason("it gives the place of a value, from which no error comes back", SCORES)
    if kind in DECODERS:
        return Reason("post-processing, from which no error comes back", RAW)
    if kind.startswith("CUSTOM:Flex"):
        return Reason("an operator of TensorFlow itself, which TFLite alone does not run", BUILTINS)
    if kind.startswith("CUSTOM:"):
        return UnknownKind("a custom operator is not supported: the file does not hold its code")
    if kind.startswith("BUILTIN_"):
        return UnknownKind(
            "this kind of operator is not supported: its number is newer than edgetune's schema, "
            f"which ends at {NEWEST}"
        )
    return UnknownKind("this kind of operator is not supported")


def refusal(verb: str, findings: list[Finding], known: str) -> ModelError:
    """One error for all that is found.

    Args:
        verb: what cannot be done: "run" or "convert".
        findings: at least one.
        known: the sentence that lists what there is, for kinds that are unknown.
    """
    count = len(findings)
    return ModelError(
        f"edgetune cannot {verb} {count} part{'s' * (count > 1)} of this model.",
        "\n".join(listed(findings)),
        " ".join(_advice([reason for f in findings for reason in f.reasons], known)),
    )


def listed(findings: Iterable[Finding]) -> list[str]:
    """A line for each kind with the same reasons, with a count where there are several."""
    groups: dict[tuple, list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.kind, *finding.reasons), []).append(finding)
    return [_line(group) for group in groups.values()]


def _line(group: list[Finding]) -> str:
    first = group[0]
    reasons = "; ".join(first.reasons)
    if not first.who:
        return reasons
    if len(group) == 1:
        return f"{first.who}: {reasons}"
    where = first.who.replace(f" {first.kind}", "", 1)
    return f"{len(group)} times {first.kind}, the first is {where}: {reasons}"


def _advice(reasons: list[str], known: str) -> list[str]:
    """Each advice once; that for single layers first."""
    plain = [r for r in reasons if not isinstance(r, Reason)]
    own = [r.advice for r in reasons if isinstance(r, Reason)]
    general = []
    if any(isinstance(r, UnknownKind) for r in plain):
        general = [f"Replace these layers. {known}"]
    elif plain:
        general = [CHANGE]
    return general + list(dict.fromkeys(own))
