"""What model.c says of a model, number by number: none of it passes through the numpy engine."""

import re

import pytest
from hand_graph import HandGraph

from edgetune.boards import load_board
from edgetune.codegen.model import model_source
from edgetune.learn.recipe import Recipe
from edgetune.plan.plan import make_plan


def graph():
    """A convolution of 108 weights and 4 scales behind a RELU6, a depthwise one of 72 weights, a
    pool, and a dense layer of 160."""
    g = HandGraph((1, 6, 6, 3), zero_point=-5)
    y = g.conv(g.input, 4, (3, 3), 0.05, -10, [4, 1, 2, 3], fused_activation_function="RELU6",
               padding="SAME")
    y = g.depthwise(y, 2, (3, 3), zero_point=7, fused_activation_function="RELU")
    y = g.pool("AVERAGE_POOL_2D", y, (2, 2), zero_point=7, stride=(1, 2))
    y = g.dense(g.pool("MAX_POOL_2D", y, (2, 1), zero_point=7), 5, scale=0.5)
    return g.graph(g.softmax(y))


def source(**recipe) -> str:
    plan = make_plan(graph(), Recipe(**recipe), load_board("mps2-an385"))
    return re.sub(r"\s+", " ", model_source(plan, "a test"))


def rows_of(text: str, name: str) -> list[dict]:
    """The entries of the table ``name``."""
    table = re.search(name + r"\[\d+\] = \{(.*?)\};", text)[1]
    return [
        {name: number(value) for name, value in re.findall(r"\.(\w+) = ([^,}]+)", row)}
        for row in re.findall(r"\{([^{}]*)\}", table)
    ]


def number(text: str):
    return int(text) if text.isdigit() else text


def shared(name: str, index: int) -> dict:
    return {"weights": f"state.parameters.{name}_weights", "bias": f"state.parameters.{name}_bias",
            "rule": f"&rules[{index}]", "words": f"&state.layers[{index}]"}


CONV = dict(rows=4, row_size=27, row_stride=27, column_stride=1)
DEPTHWISE = dict(rows=8, row_size=9, row_stride=1, column_stride=8)
DENSE = dict(rows=5, row_size=32, row_stride=32, column_stride=1)


def test_trained_layers_have_their_limits_and_their_place_in_the_digest():
    """256 * 48 * sqrt(108), of 72 and of 160; behind 108 + 4 and 72 + 8 values."""
    text = source(rule="fixed")
    assert [row["limit_q8"] for row in rows_of(text, "rules")] == [127_701, 104_267, 155_432]
    assert rows_of(text, "trained") == [
        CONV | dict(first_index=0) | shared("conv_2d_0", 0),
        DEPTHWISE | dict(first_index=112) | shared("depthwise_conv_2d_1", 1),
        DENSE | dict(first_index=192) | shared("fully_connected_4", 2),
    ]


def test_only_what_is_trained_is_numbered():
    text = source(layers=("depthwise_conv_2d_1", "fully_connected_4"), rule="fixed", rate=0.5)
    rows = rows_of(text, "trained")
    assert [row["first_index"] for row in rows] == [0, 80]
    limits = [row["limit_q8"] for row in rows_of(text, "rules")]
    assert limits == [1086, 1619]  # 128 * sqrt(72), of 160


def clips(text: str) -> list[tuple]:
    """Each call that writes an error, and the bounds it masks with."""
    pattern = r"et_(\w+)\([^;]*?\(et_clip\)\{(-?\d+), (-?\d+)\}"
    return [(name, int(low), int(high)) for name, low, high in re.findall(pattern, text)]


def test_errors_are_masked_where_the_producer_clipped():
    """The depthwise layer reads what a RELU6 of zero point -10 and scale 0.05 wrote: -10 .. 110."""
    assert clips(source()) == [
        ("softmax_cross_entropy_error", -129, 128), ("fully_connected_input_error", -129, 128),
        ("max_pool_2d_input_error", -129, 128), ("average_pool_2d_input_error", 7, 128),
        ("depthwise_conv_2d_input_error", -10, 110),
    ]


def structure(text: str, name: str) -> str:
    return re.search(rf"const et_\w+ {name} = (\{{.*?\}});", text)[1].replace(" ", "")


@pytest.mark.parametrize("name, facts", [
    ("conv_2d_0", [".in={6,6,3}", ".out={6,6,4}", ".kernel_h=3", ".stride_w=1", ".pad_h=1",
                   ".pad_w=1", ".input_zero_point=-5", ".output_zero_point=-10",
                   ".activation_min=-10", ".activation_max=110"]),
    ("depthwise_conv_2d_1", [".in={6,6,4}", ".out={4,4,8}", ".pad_h=0", ".multiplicity=2",
                             ".input_zero_point=-10", ".output_zero_point=7",
                             ".activation_min=7", ".activation_max=127"]),
    ("average_pool_2d_2", [".in={4,4,8}", ".out={3,2,8}", ".stride_h=1", ".stride_w=2"]),
    ("fully_connected_4", [".in=32", ".out=5", ".input_zero_point=7"]),
])
def test_structures_hold_shapes_windows_and_ranges(name, facts):
    text = structure(source(), name)
    assert [f for f in facts if not re.search(re.escape(f) + r"(?!\w)", text)] == []


def array(text: str, name: str) -> list[int]:
    return [int(v) for v in re.search(rf"{name}\[\d*\] = \{{(.*?)\}}", text)[1].split(",")
            if v.strip()]


def test_multipliers_of_each_channel():
    """0.5 * scale / 0.05 in a file's float32; errors are scaled by what stands beside them."""
    text = source()
    shifts = array(text, "conv_2d_0_shift")
    real = [m * 2.0 ** (s - 31) for m, s in zip(array(text, "conv_2d_0_multiplier"), shifts)]
    assert real == pytest.approx([40, 10, 20, 30], rel=1e-6) and shifts == [6, 4, 5, 5]
    assert ", 4, &conv_2d_0.quantization)" in text


def statements(text: str) -> list[str]:
    """Of a training step: what each assigns or adds, with the error and exponent of an update and
    all arguments of a join."""
    body = re.search(r"et_model_train\(.*?\{(.*?) return result;", text)[1]
    found = re.findall(r"(\w+ \+?= (?:\w+ \+ )?et_(\w+)\((.*?\)));", body)
    return [_shortened(*call) for call in found if call[1] != "argmax"]


def _shortened(text: str, function: str, arguments: str) -> str:
    start = text[: text.index("(")]
    if function == "error_join":
        return f"{start}({arguments}"
    update = re.search(r"(\w+_error), (\w+_exponent)", arguments)
    return f"{start}({update[1]}, {update[2]})" if start.startswith("draws") else start


def test_an_update_takes_the_exponent_of_its_own_error():
    """Each error has an exponent of its own, from that of the error it comes from."""
    assert statements(source()) == [
        "fully_connected_4_exponent = et_softmax_cross_entropy_error",
        "max_pool_2d_3_exponent = fully_connected_4_exponent + et_fully_connected_input_error",
        "draws += et_update_factored(fully_connected_4_error, fully_connected_4_exponent)",
        "average_pool_2d_2_exponent = max_pool_2d_3_exponent + et_max_pool_2d_input_error",
        "depthwise_conv_2d_1_exponent = "
        "average_pool_2d_2_exponent + et_average_pool_2d_input_error",
        "conv_2d_0_exponent = depthwise_conv_2d_1_exponent + et_depthwise_conv_2d_input_error",
        "draws += et_update(depthwise_conv_2d_1_error, depthwise_conv_2d_1_exponent)",
        "conv_2d_0_exponent += et_error_scale",
        "draws += et_update_blocks(conv_2d_0_error, conv_2d_0_exponent)",
    ]


def test_errors_of_two_readers_meet_in_the_first_ones_unit():
    """A sum of scale 2 reads a of scale 0.5 and b of 0.25; b is a convolution of a with weights of
    scale 3.  Over the sum's unit a's error is in 0.5 / 2; b's in 0.25 / 2, and past the weights in
    0.5 * 3 / 0.25 of that.  3 = 24576 / 2^15 * 2^2."""
    g = HandGraph((1, 2, 2, 3))
    a = g.conv(g.input, 2, (1, 1))
    b = g.conv(a, 2, (1, 1), 0.25, weight_scale=[3])
    y = g.dense(g.operator("ADD", [b, a], (1, 2, 2, 2), 2.0), 2)
    plan = make_plan(g.graph(y), Recipe(rule="fixed"), load_board("mps2-an385"))
    assert statements(re.sub(r"\s+", " ", model_source(plan, "a test"))) == [
        "fully_connected_3_exponent = et_softmax_cross_entropy_error",
        "add_2_exponent = fully_connected_3_exponent + et_fully_connected_input_error",
        "draws += et_update(fully_connected_3_error, fully_connected_3_exponent)",
        "conv_2d_1_exponent = add_2_exponent + et_add_input_error",
        "conv_2d_0_exponent = add_2_exponent + et_add_input_error",
        "conv_2d_0_exponent_of_9 = conv_2d_1_exponent + et_conv_2d_input_error",
        "conv_2d_0_exponent = et_error_join(conv_2d_0_error, conv_2d_0_error_of_9, 8, "
        "(et_join){24576, 2}, conv_2d_0_exponent, conv_2d_0_exponent_of_9)",
        "draws += et_update_blocks(conv_2d_1_error, conv_2d_1_exponent)",
        "draws += et_update_blocks(conv_2d_0_error, conv_2d_0_exponent)",
    ]


def test_the_error_of_a_lone_input_says_which_one():
    """The engine's function has the argument, however many inputs an operator joins."""
    g = HandGraph((1, 2, 2, 3))
    y = g.operator("CONCATENATION", [g.conv(g.input, 2, (1, 1))], (1, 2, 2, 2), axis=3)
    plan = make_plan(g.graph(g.dense(y, 2)), Recipe(), load_board("stm32f4-discovery"))
    assert "et_concatenation_input_error(&concatenation_1, 0, " in re.sub(
        r"\s+", " ", model_source(plan, "a test")
    )
