"""The firmware learns on every device, and keeps to its budgets."""


def test_learns(edgetune_device):
    result = edgetune_device.tune(samples=200, seed=0)
    result.assert_accuracy(0.85)
    result.assert_gain(0.70)
    result.assert_digest("03429906")


def test_its_last_layer_learns_alone(edgetune_device):
    result = edgetune_device.tune(samples=100, passes=1, layers="last")
    result.assert_gain(0.15)
    result.assert_same_digest()


def test_budgets(edgetune_device):
    edgetune_device.assert_ram(budget=15_000)
    edgetune_device.assert_step_instructions(budget=440_000)
    edgetune_device.assert_step_instructions(budget=620_000, data="digits.npz")
