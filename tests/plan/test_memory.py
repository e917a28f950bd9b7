"""The arena and the order of a step: no byte is read that another buffer has overwritten."""

import random
import sys
from functools import partial

import numpy as np
import pytest
from branching import NETWORKS
from hand_graph import HandGraph
from shared_data import load_task, shared
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.boards.cores import CORES
from edgetune.learn.lower import lower
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.model.read import read_tflite
from edgetune.plan import kept
from edgetune.plan.arena import lay_out, peak
from edgetune.plan.buffers import LinkBuffers
from edgetune.plan.cost import estimate
from edgetune.plan.kept import kept_gradients, lay_out_schedule
from edgetune.plan.kernels import KERNELS
from edgetune.plan.plan import make_plan
from edgetune.plan.savings import Savings, cheap_layers, stages_of
from edgetune.plan.schedule import FRAME, Buffer, make_schedule
from edgetune.plan.thrift import plan_within, prices

# Buffers that a call writes, by their roles; all others it reads.
WRITTEN = {"y", "e_in", "scratch", "row_mass", "gradient", "row_hits"}


def chain() -> ModelBuilder:
    b = ModelBuilder((1, 9, 8, 3), seed=41).conv(6, 3, 2, activation="RELU")
    b.max_pool(2, 1).depthwise(3, activation="RELU6").average_pool(2, 1).pad(1, 1, 0, 2)
    return b.max_pool(2).dense(30, "RELU").dense(5).softmax()


MODELS = NETWORKS | {"chain": chain}


# -- the arena -------------------------------------------------------------------------------


def assert_apart(buffers, size):
    """Byte by byte and stage by stage."""
    for stage in range(max(b.last for b in buffers) + 1):
        taken = np.zeros(size, int)
        for buffer in buffers:
            if buffer.first <= stage <= buffer.last:
                assert buffer.offset % 8 == 0
                assert buffer.offset + buffer.size <= size
                taken[buffer.offset : buffer.offset + buffer.size] += 1
        assert taken.max() <= 1


@pytest.mark.parametrize("seed", thinned(range(20), 7))
def test_buffers_that_live_at_once_never_overlap(seed):
    source = random.Random(seed)
    buffers = []
    for index in range(source.randrange(2, 25)):
        first = source.randrange(12)
        last = min(11, first + source.choice((0, 0, 1, 2, 5)))
        buffers.append(Buffer(f"b{index}", source.randrange(1, 300), first=first, last=last))
    size = lay_out(buffers)
    assert_apart(buffers, size)
    assert peak(buffers, 12)[0] <= size <= sum(-(-b.size // 8) * 8 for b in buffers)


def test_buffers_share_memory_one_after_the_other():
    """Lives that touch at one stage are alive together there; those behind it may share."""
    one, two, three = (
        Buffer(name, size, first=first, last=last)
        for name, size, first, last in (("a", 64, 0, 1), ("b", 40, 1, 2), ("c", 64, 2, 3))
    )
    assert lay_out([one, two, three]) == 104
    assert one.offset == three.offset == 0 and two.offset == 64
    assert peak([one, two, three], 4) == (104, 1)


# -- a step, with the owner of every byte -----------------------------------------------------


@pytest.mark.parametrize("draw", ["systematic", "independent"])
@pytest.mark.parametrize("layers", ["all", "last", "none", "biases"])
@pytest.mark.parametrize("model", thinned(MODELS, 5))
def test_every_stage_reads_what_was_written_for_it(model, layers, draw):
    graph = read_tflite(MODELS[model]().build())
    plan = make_plan(graph, Recipe(layers=(layers,), draw=draw), load_board("stm32f4-discovery"))
    assert_reads_are_whole(plan)


def all_savings(graph):
    """Everything that a plan of the whole ``graph`` can give up."""
    plan = make_plan(graph, Recipe(), load_board("stm32f4-discovery"))
    again = frozenset(layer.name for layer in cheap_layers(plan.program))
    stages = stages_of(plan.program.layers)
    return Savings(small_ring=True, shared_frame=True, again=again, over=stages, plain=stages)


@pytest.mark.parametrize("model", ["chain", "inverted residual"])
def test_every_stage_of_a_thrifty_plan_does_too(model):
    graph = read_tflite(MODELS[model]().build())
    savings, board = all_savings(graph), load_board("stm32f4-discovery")
    plain = make_plan(graph, Recipe(), board, ram=1)
    plan = make_plan(graph, Recipe(), board, ram=1, savings=savings)
    assert_reads_are_whole(plan)
    again = [s for s in plan.schedule.stages[plan.schedule.forward_count :] if "y" in s.buffers]
    assert {s.layer.name for s in again} == savings.again and savings.again
    assert not any("scratch" in s.buffers for s in plan.schedule.stages)
    assert any(buffer.over for buffer in plan.schedule.buffers)
    assert estimate(plan).ram_bytes < estimate(plain).ram_bytes
    frame = next(b for b in plan.schedule.buffers if b.name == FRAME)
    readers = [
        number for number, s in enumerate(plan.schedule.stages)
        if any(b.name == "input" for b in s.buffers.values())
    ]
    assert (frame.first, frame.last, frame.size) == (0, readers[-1], plan.link.frame_max)


@pytest.mark.thorough
@pytest.mark.parametrize(("task", "board", "ram", "last", "without"), [
    ("kws_int8", "stm32f4-discovery", 96, None, 0),
    ("mlperf_tiny/vww_96_int8", "stm32f4-discovery", 128, 13, 2),
    ("mlperf_tiny/vww_96_int8", "mps2-an386", 256, 17, 0),
    ("mlperf_tiny/vww_96_int8", "mps2-an386", 256, 24, 1),
])  # fmt: skip
def test_real_models_are_made_to_fit(task, board, ram, last, without):
    """All layers, or the ``last`` ones ``without`` the largest of them."""
    graph = read_tflite(shared(f"{task}.tflite"))
    board = load_board(board).with_ram(ram * 1024)
    layers = lower(graph, Recipe().loss_choice).weighted_layers[-last if last else None :]
    largest = sorted(layers, key=lambda layer: -layer.weights.size)[:without]
    recipe = Recipe(layers=tuple(la.name for la in layers if la not in largest))
    plan = plan_within(graph, recipe, board)
    assert estimate(plan).ram_bytes <= ram * 1024
    assert estimate(make_plan(graph, recipe, board)).ram_bytes > ram * 1024
    found = prices(plan)
    assert plan.savings.small_ring and found and all(price.what for price in found)


def test_what_is_computed_again_gives_up_what_it_likes_alone():
    """Of a layer the forward that is computed again and the input's error: neither's kernel, nor
    place, is the other's, and each choice's price is named for what it is."""
    graph, board = read_tflite(MODELS["chain"]().build()), load_board("stm32f4-discovery")
    name = cheap_layers(make_plan(graph, Recipe(), board).program)[0].name

    def backward(**given):
        savings = Savings(again=frozenset({name}), **given)
        plan = make_plan(graph, Recipe(), board, ram=1, savings=savings)
        stages = plan.schedule.stages[plan.schedule.forward_count :]
        own = [s for s in stages if s.layer and s.layer.name == name and s.phase == "backward"]
        return plan, {s.call.split("_", 3)[-1]: (s.name, "scratch" in s.buffers) for s in own}

    again = frozenset({f"{name} again"})
    _, kept = backward()
    assert kept["forward"] == (f"{name} again", True)
    assert kept["input_error"][0] == f"{name} backward"
    assert backward(plain=frozenset({f"{name} backward"}))[1]["forward"] == kept["forward"]
    plan, found = backward(plain=again, over=again)
    assert found == kept | {"forward": (f"{name} again", False)}
    what = [price.what for price in prices(plan)]
    assert f"{name} writes its output, computed again, over its input" in what
    assert f"{name} again by kernels without scratch" in what


def assert_reads_are_whole(plan):
    """Of each byte that a stage reads its owner is the buffer that the stage means; what it writes
    over something lies as far before that as the kernel needs."""
    owner = [None] * plan.arena_bytes
    for index, stage in enumerate(plan.schedule.stages):
        writes = WRITTEN | {"e"} if stage.phase == "loss" else WRITTEN
        writes = {"outputs"} if stage.call == "output_size" else writes
        used = {role: b for role, b in stage.buffers.items() if not b.outside}
        died = {id(b.over[0]): b.name for b in used.values() if b.over and b.first == index}
        for role, buffer in used.items():
            if id(buffer) in died:
                held = set(owner[buffer.offset : buffer.offset + buffer.size])
                assert held == {buffer.name} and role not in writes
        for role, buffer in used.items():
            if role in writes:
                owner[buffer.offset : buffer.offset + buffer.size] = [buffer.name] * buffer.size
        for role, buffer in used.items():  # those written too: none may lie on another
            held = set(owner[buffer.offset : buffer.offset + buffer.size])
            allowed = {buffer.name, died.get(id(buffer), buffer.name)}
            assert held <= allowed, f"{stage.name} finds {held} in place of its {role}"
        if index + 1 == plan.schedule.forward_count:
            last = next(s for s in plan.schedule.stages[index::-1] if s.phase == "forward")
            output = last.buffers["y"]
            assert output.name == f"{plan.program.layers[-1].name}_out"


def portable(program, recipe):
    """The schedule where the portable kernels serve every stage."""
    savings = Savings(plain=stages_of(program.layers))
    return make_schedule(program, recipe, CORES["cortex-m3"], savings=savings)


def calls(program, **recipe):
    schedule = portable(program, Recipe(**recipe))
    names = [
        (s.kernel.symbol.removeprefix("et_"), s.layer.name if s.layer else "")
        for s in schedule.stages
    ]
    return names[: schedule.forward_count], names[schedule.forward_count :]


def branchless():
    """A convolution and a depthwise one, of several scales and of one, then a dense layer."""
    g = HandGraph((1, 6, 6, 3))
    y = g.conv(g.input, 4, (3, 3), weight_scale=[1, 2, 3, 4])
    y = g.depthwise(y, 1, (3, 3))
    y = g.pool("MAX_POOL_2D", y, (2, 2), stride=(2, 2))
    return g.lower(g.softmax(g.dense(y, 33)))


CONV, DEPTHWISE, POOL, DENSE = (
    "conv_2d_0", "depthwise_conv_2d_1", "max_pool_2d_2", "fully_connected_3"
)
LOSS = ("softmax_cross_entropy_error", "")
OBSERVED = [LOSS, ("softmax_echo", ""), ("adaptive_observe", "")]


def test_errors_go_down_before_the_weights_move():
    """Each layer's input error comes before its update; the first trained one has none."""
    forward, backward = calls(branchless())
    assert forward == [
        ("conv_2d_forward", CONV), ("output_size", CONV),
        ("depthwise_conv_2d_forward", DEPTHWISE), ("output_size", DEPTHWISE),
        ("max_pool_2d_forward", POOL), ("fully_connected_forward", DENSE), ("output_size", DENSE),
        ("softmax_forward", "softmax_4"),
    ]
    assert backward == [
        *OBSERVED, ("fully_connected_input_error", DENSE), ("update_factored", DENSE),
        ("max_pool_2d_input_error", POOL),
        ("depthwise_conv_2d_input_error", DEPTHWISE), ("update", DEPTHWISE),
        ("error_scale", CONV), ("update", CONV),
    ]


def test_a_step_ends_at_the_first_trained_layer():
    program = branchless()
    assert calls(program, layers=("last",))[1] == [*OBSERVED, ("update_factored", DENSE)]
    assert calls(program, layers=(DEPTHWISE,))[1] == [
        *OBSERVED, ("fully_connected_input_error", DENSE), ("max_pool_2d_input_error", POOL),
        ("update", DEPTHWISE),
    ]
    assert calls(program, layers=("none",))[1] == [LOSS]


def test_biases_alone_take_the_steps_of_all_layers_and_no_inputs():
    schedule = make_schedule(branchless(), Recipe(BIASES), CORES["cortex-m4"])
    updates = [stage for stage in schedule.stages if stage.phase == "update"]
    assert [(s.kernel.symbol, s.layer.name) for s in updates] == [
        ("et_update_biases", name) for name in (DENSE, DEPTHWISE, CONV)
    ]
    assert all(set(stage.buffers) == {"e", "row_mass", "gradient"} for stage in updates)
    names = [name for name, _ in calls(branchless(), layers=BIASES)[1]]
    assert names[3] == "fully_connected_input_error" and names.count("error_scale") == 1


def lives(builder, layers) -> dict:
    """Layer -> whether its output is still needed after the forward pass."""
    plan = make_plan(read_tflite(builder.build()), Recipe((layers,)), load_board("mps2-an386"))
    outputs = [s for s in plan.schedule.stages if s.phase == "forward"]
    last = plan.schedule.forward_count
    return {s.layer.name: s.buffers["y"].last >= last for s in outputs}


def test_only_what_a_mask_or_a_slope_needs_outlives_the_forward_pass_of_biases():
    """The dense layer at the end is read by the loss."""
    b = ModelBuilder((1, 8, 8, 3), seed=3).conv(4, 3).conv(5, 3).conv(6, 3, activation="RELU")
    b.conv(4, 3).unary("HARD_SWISH").mean().dense(3)
    found = lives(b, "biases")
    assert [name for name, lasts in found.items() if lasts] == [
        "conv_2d_2", "conv_2d_3", "fully_connected_6",
    ]
    assert sum(lives(b, "all").values()) > 4


@pytest.mark.parametrize("network", thinned(NETWORKS, 4))
def test_biases_alone_need_less_ram_than_all(network):
    graph, board = read_tflite(NETWORKS[network]().build()), load_board("stm32f4-discovery")
    every, biases = (make_plan(graph, Recipe((what,)), board) for what in ("all", "biases"))
    assert biases.state_bytes < every.state_bytes
    assert biases.state_bytes + biases.arena_bytes < every.state_bytes + every.arena_bytes


def test_biases_of_a_real_model_need_far_less_ram():
    graph, board = load_task("kws").graph, load_board("stm32f4-discovery")
    every, biases = (make_plan(graph, Recipe((what,)), board) for what in ("all", "biases"))
    weights = sum(layer.weights.size for layer in every.trained)
    assert every.state_bytes - biases.state_bytes >= weights
    assert biases.arena_bytes < every.arena_bytes


@pytest.mark.parametrize("inputs, call", [(64, "update"), (65, "update_factored")])
def test_a_dense_layer_of_128_weights_still_forms_its_gradient(inputs, call):
    g = HandGraph((1, inputs))
    assert calls(g.lower(g.dense(g.input, 2)))[1][-1][0] == call


@pytest.mark.parametrize("draw, hits", [("systematic", None), ("independent", 8)])
def test_an_update_has_room_for_every_row_and_column(draw, hits):
    """64 bits a row; 32 bits a weight of one row and its bias; 16 bits a row's hits."""
    recipe = Recipe(layers=(CONV,), draw=draw)
    schedule = portable(branchless(), recipe)
    buffers = schedule.stages[-1].buffers
    assert buffers["row_mass"].size == 8 * 4
    assert buffers["gradient"].size == 4 * (27 + 1)
    assert (buffers["row_hits"].size if "row_hits" in buffers else None) == hits


@pytest.mark.parametrize("room, kept", [(0, [16, 16]), (2000, [40, 16]), (2500, [40, 24])])
def test_gradients_are_kept_whole_where_there_is_room(room, kept):
    """Blocks of 16 rows, or all 24 and 40: of 73 and 25 words each."""
    b = ModelBuilder((1, 6, 6, 8), seed=3).conv(24, 3, activation="RELU").conv(40, 1)
    program = make_plan(
        read_tflite(b.mean().dense(3).build()), Recipe(), load_board("mps2-an386")
    ).program
    schedule = make_schedule(program, Recipe(), CORES["cortex-m4"])
    updates = [s for s in schedule.stages if s.kernel.forms]
    least = lay_out_schedule(schedule, 0)
    assert lay_out_schedule(schedule, least + room) <= least + room
    rows = [s.buffers["gradient"].size // (4 * (s.layer.row_size + 1)) for s in updates]
    assert rows == kept


@pytest.mark.parametrize("core, blocks, whole, line", [
    # 36 positions of 4 weights, and of 4 rows of 1,028 bytes, of which 8 KB hold no 8; or of 16.
    ("cortex-m4", 18 * 4 * (4 + 4), 18 * 4 * (4 + 16), 3 * 4 * (4 + 8)),  # pairs of halves
    ("cortex-m3", 36 * (4 + 4), 36 * (4 + 16), 6 * (4 + 8)),  # bytes
])  # fmt: skip
def test_the_scratch_of_a_gradient_by_hand(core, blocks, whole, line):
    """A line of 5 positions takes 3 pairs, however many more there would be room for."""
    g = HandGraph((1, 6, 6, 256))
    program = g.lower(g.dense(g.conv(g.input, 32, (1, 1)), 3))
    tall = HandGraph((1, 7, 1, 4))
    upright = tall.lower(tall.dense(tall.conv(tall.input, 8, (3, 1)), 3))
    found = []
    for one in (program, upright):
        schedule = make_schedule(one, Recipe(), CORES[core])
        update = next(stage for stage in schedule.stages if stage.kernel.forms)
        found += [update.buffers["scratch"].size, update.buffers["scratch"].whole]
        before, gradient = found[-2], update.buffers["gradient"]
        lay_out_schedule(schedule, 1 << 20)
        assert gradient.size == gradient.whole and found[-1] == update.buffers["scratch"].size
        assert before <= found[-1]
    assert found == [blocks, whole, line, line]


@pytest.mark.parametrize("ram", [90_000, 97_000, 98_000, 102_000])
def test_gradients_are_not_kept_where_the_stack_would_have_no_room(ram):
    """Of many layers, each with an update in the frame of et_model_train."""
    b = ModelBuilder((1, 6, 6, 4), seed=3)
    for _ in range(12):
        b.conv(24, 3, activation="RELU")
    graph, board = read_tflite(b.mean().dense(3).build()), load_board("stm32f4-discovery")
    least, kept, all_kept = (make_plan(graph, Recipe(), board, ram=n) for n in (1, ram, None))
    assert least.arena_bytes <= kept.arena_bytes <= all_kept.arena_bytes
    assert estimate(kept).ram_bytes <= max(ram, estimate(least).ram_bytes)


def test_a_real_model_has_room_for_all_its_gradients():
    plan = make_plan(load_task("kws").graph, Recipe(), load_board("stm32f4-discovery"))
    assert len(kept := kept_gradients(plan.schedule)) == 9 and all(kept.values())
    assert estimate(plan).ram_bytes <= plan.board.ram.length


def test_kernels_of_one_file_need_the_same_files():
    """A build for the PC drops no function, so a file's needs are those of all its functions."""
    found = {}
    for kernel in (k for row in KERNELS.values() for k in row if not k.forms):
        assert found.setdefault(kernel.source, kernel.sources) == kernel.sources, kernel.symbol


# -- the link's buffers ----------------------------------------------------------------------


@pytest.mark.parametrize("size, target, classes, frame, reply, ring", [
    (16, 4, 10, 128, 128, 512),  # the smallest frame: 131 bytes on the wire
    (784, 4, 10, 800, 128, 1024),  # 806 on the wire, and 128 to spare
    (785, 4, 200, 804, 216, 1024), (3072, 4, 112, 3088, 128, 4096),
    (3944, 4, 10, 3960, 128, 8192),
    (784, 0, 784, 796, 800, 1024),  # the input is the target
    (16, 400, 200, 428, 216, 1024),  # 432 on the wire
])
def test_a_frame_holds_a_sample_and_the_ring_a_frame(size, target, classes, frame, reply, ring):
    """A sample's frame: 8 bytes of header, its target, 4 of CRC, in whole words; on the wire a
    byte more in 254, and three."""
    found = LinkBuffers.for_model(size, target, classes)
    assert (found.frame_max, found.reply_max, found.rx_ring) == (frame, reply, ring)
    assert found.frame_max >= size + target + 12 and found.reply_max >= classes + 16



# -- long networks ---------------------------------------------------------------------------


def long_plan(operators: int):
    b = ModelBuilder((1, 4, 4, 2), seed=3)
    for _ in range(operators // 2):
        b.conv(2, 1).unary("LEAKY_RELU", 0.2)
    graph = read_tflite(b.mean().dense(3).softmax().build())
    return make_plan(graph, Recipe(), load_board("stm32f4-discovery"))


def lines_run(work) -> int:
    """Lines of Python, turns of loops within a line too."""
    count = [0]

    def trace(frame, event, arg):
        count[0] += event == "line"
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return count[0]


@pytest.mark.thorough
def test_an_estimate_grows_as_the_operators_do():
    """One more costs as much where there are many as where there are few."""
    few, many = (lines_run(partial(estimate, long_plan(n))) for n in (80, 160))
    assert many - few < 1000 * 80  # squares would take twice that
    few, some, many = (lines_run(estimate(long_plan(n)).as_dict) for n in (20, 40, 80))
    assert many - some < 2.1 * (some - few)


def test_a_long_network_is_laid_out_a_bounded_number_of_times(monkeypatch):
    times = []
    monkeypatch.setattr(kept, "lay_out", lambda *given: times.append(1) or lay_out(*given))
    assert len(kept.kept_gradients(long_plan(150).schedule)) > kept.ALONE < len(times) <= 70
