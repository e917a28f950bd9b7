"""A pretrained model goes on learning on a microcontroller.

The same flow as the command line, for a script or a notebook; the run's folder is the same::

    import edgetune

    tuned = edgetune.tune("digits_int8.tflite", board="stm32f4-discovery", x=x, y=y, split=0.8)
    tuned.accuracy_before, tuned.accuracy_after, tuned.history["accuracy"], tuned.folder

Piece by piece, with what a plan says before anything is built::

    job = edgetune.Job("digits_float.tflite", "stm32f4-discovery", data="digits.npz")
    print(job.estimate.ram_bytes, job.estimate.step_instructions)
    result = job.tune(edgetune.TuneSettings(passes=1))  # into a new folder below runs/

Step by step::

    converted = edgetune.convert("digits_float.tflite", calibration=samples)
    graph = edgetune.read_tflite(converted.content)  # or the path of an int8 file
    board = edgetune.load_board("stm32f4-discovery")
    data = edgetune.load_data("digits.npz", graph.input)
    plan = edgetune.make_plan(graph, edgetune.Recipe(), board)
    firmware = edgetune.build_firmware(plan, Path("firmware"), "digits")
    with edgetune.connect(firmware, "qemu", edgetune.Reporter()) as client:
        outputs = edgetune.outputs_of(client, data, edgetune.Reporter(), "test set")
    edgetune.measure(plan.program, outputs, data).shown

Every error is an `EdgetuneError` with a message, a cause and a next step.  A name is imported
when it is first used, so that ``import edgetune`` costs next to nothing.
"""

from importlib import import_module as _import_module

__version__ = "0.1.0"

_HOMES = {
    "edgetune.errors": (
        "AccuracyGateError", "DataError", "DeviceNotFoundError", "DivergenceError",
        "DoesNotFitError", "EdgetuneError", "LinkError", "ModelError", "ToolchainError",
        "UsageError",
    ),
    "edgetune.flash": ("choose_flasher",),
    "edgetune.importers.load": ("load_model",),
    "edgetune.quantize": ("convert",),
    "edgetune.boards": ("list_boards", "load_board"),
    "edgetune.boards.adding": ("BoardWishes", "add_board"),
    "edgetune.packs": ("PackStore", "install_file", "install_pack", "update_index"),
    "edgetune.learn.recipe": ("Recipe",),
    "edgetune.model.inspect": ("describe",),
    "edgetune.model.read": ("read_tflite",),
    "edgetune.plan.cost": ("estimate",),
    "edgetune.plan.fit": ("check_fit",),
    "edgetune.plan.plan": ("make_plan",),
    "edgetune.session.bench": ("bench",),
    "edgetune.session.connection": ("connect",),
    "edgetune.data": ("Arrays", "Preprocessing", "Targets", "load_data", "load_samples"),
    "edgetune.session.evaluation": ("check_accuracy", "measure", "outputs_of"),
    "edgetune.session.flashing": ("ensure_firmware", "write_image"),
    "edgetune.session.firmware": ("build_firmware",),
    "edgetune.session.guarding": ("HeldOut",),
    "edgetune.session.fit": ("Tuned", "tune"),
    "edgetune.session.job": ("Job",),
    "edgetune.session.reporter": ("LearntSample", "Reporter"),
    "edgetune.session.run_folder": ("RunFolder",),
    "edgetune.session.tuning": ("TuneSettings",),
    "edgetune.session.verification": ("verify",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str):
    if name not in _HOME_OF:
        raise AttributeError(f"module 'edgetune' has no attribute '{name}'")
    value = globals()[name] = getattr(_import_module(_HOME_OF[name]), name)
    return value


def __dir__():
    own = (name for name in globals() if name.startswith("__"))
    return sorted({*own, *__all__})
