"""A float32 network in numpy, built from an int8 Graph: forward, backward, losses, optimisers.

It starts from the dequantised weights, so it stands where the device stands before tuning, but
has no grid, no saturation and no requantisation afterwards: the yardstick for integer training,
and the reference for its gradients.

    network = Network(read_tflite("model.tflite"), SoftmaxCrossEntropy(), Sgd())
    network.step(x, label, rate)

Arrays are (batch, height, width, channels).  A batch's loss is the mean over its samples.
"""

from .losses import (
    Huber,
    MeanSquaredError,
    Reconstruction,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from .network import Network
from .normalise import absorb_normalisation
from .optimizers import Adam, Sgd

__all__ = [
    "Adam", "Huber", "MeanSquaredError", "Network", "Reconstruction", "Sgd",
    "SigmoidCrossEntropy", "SoftmaxCrossEntropy", "absorb_normalisation",
]
