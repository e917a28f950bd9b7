"""A user's program, as strict as mypy can be."""
from pathlib import Path

import numpy as np

import edgetune


class Loud(edgetune.Reporter):
    def note(self, text: str) -> None:
        print(text)

    def learnt(self, sample: edgetune.LearntSample) -> None:
        loss: float = sample.loss
        print(sample.expected, sample.predicted, sample.right, loss)


def main() -> float:
    with np.load("digits.npz") as held:
        x, y = held["tune_x"], held["tune_y"]
    tuned: edgetune.Tuned = edgetune.tune(
        "digits_int8.tflite", board="stm32f4-discovery", device="host", x=x, y=y, split=0.8,
        scale=1 / 16, recipe=edgetune.Recipe(layers=("last",)), reporter=Loud(),
    )
    losses: list[float] = tuned.history["loss"]
    job = edgetune.Job(tuned.tuned, edgetune.load_board("stm32f4-discovery"), data="digits.npz")
    ram: int = job.estimate.ram_bytes
    graph = edgetune.read_tflite(Path("digits_int8.tflite"))
    data = edgetune.load_data("digits.npz", graph.input, targets=edgetune.Targets("class", 10))
    plan = edgetune.make_plan(graph, edgetune.Recipe(), edgetune.load_board("stm32f4-discovery"))
    edgetune.check_fit(plan, edgetune.estimate(plan))
    firmware = edgetune.build_firmware(plan, Path("firmware"), "digits", native=True)
    with edgetune.connect(firmware, "host", edgetune.Reporter()) as client:
        outputs = edgetune.outputs_of(client, data, edgetune.Reporter(), "test set")
    measured = edgetune.measure(plan.program, outputs, data)
    try:
        edgetune.check_accuracy(measured, 0.9)
    except edgetune.AccuracyGateError as error:
        print(error.message, error.next_step)
    converted = edgetune.convert("digits_float.tflite", calibration=x)
    checked = edgetune.verify(firmware, "host", data, 10, 0, 5, edgetune.Reporter())
    boards: list[str] = list(edgetune.list_boards())
    print(losses, ram, len(converted.content), checked.digest, boards, tuned.digest)
    return tuned.accuracy_after or 0.0


if __name__ == "__main__":
    main()
