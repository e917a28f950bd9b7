"""The client against the real server, compiled for the PC with a learner that only keeps count."""

import random
from binascii import crc32

import pytest
from link_requests import (
    CLASSES,
    INPUT,
    LARGE,
    STATE,
    echo_hash,
    encoded,
    exchange,
    greet,
    samples,
    steps_and_hash,
    target,
    train_over,
)

from edgetune.errors import DataError, LinkError
from edgetune.link import Client
from edgetune.link.frames import Frame, encode_frame
from edgetune.link.messages import PAIR, PROTOCOL_VERSION, REPLY, WORD, Notice, Request

# -- each request ------------------------------------------------------------------------------


def test_hello_tells_the_model(small, launch):
    info = Client(launch(small)).hello()
    assert (info.model_hash, info.build_id, info.board) == (0x12345678, 0x9ABCDEF0, "echo")
    assert (info.input_bytes, info.output_bytes, info.state_bytes) == (INPUT, CLASSES, STATE)
    assert (info.arena_bytes, info.classes, info.trained_layers) == (4096, CLASSES, 1)
    assert info.target_bytes == len(target(0))
    assert (info.window, info.frame_max, info.reply_max, info.tick_hz) == (128, 64, 64, 0)


def test_train_and_infer(small, launch):
    client = Client(launch(small))
    client.hello()
    begin = client.start(5, 100)
    (sample, label), *_ = samples(1)
    result = client.train(sample, target(label))
    assert (result.prediction, result.draws, result.measure) == (0, 0, label)
    assert result.digest == client.digest() == client.digest(full=True)
    assert result.digest == crc32(client.read_state())
    assert result.digest != begin
    output = client.infer(sample)
    hashed = crc32(sample, echo_hash([(sample, label)]))
    assert output.output == bytes(hashed >> 2 * i & 0xFF for i in range(CLASSES))
    signed = memoryview(output.output).cast("b").tolist()
    assert output.prediction == signed.index(max(signed))
    assert client.start(5, 100) == begin


def test_requests_from_the_loops_body_keep_their_order(small, launch):
    client = Client(launch(small))
    client.hello()
    seen = []
    for result in client.train_many(encoded(samples(10))):
        seen += [result.draws, len(client.infer(bytes(INPUT)).output)]
    assert seen[::2] == list(range(10))
    assert steps_and_hash(client) == (10, echo_hash(samples(10)))


def test_a_loop_left_early_has_trained_one_more(small, launch):
    client = Client(launch(small))
    client.hello()
    results = client.train_many(encoded(samples(10)))
    next(results)
    assert steps_and_hash(client) == (2, echo_hash(samples(2)))


def test_state_comes_back_and_goes_on(small, launch):
    client = Client(launch(small))
    client.hello()
    client.start(1, 1)
    list(client.train_many(encoded(samples(5))))
    saved, digest = client.read_state(), client.digest()
    after = [result.digest for result in client.train_many(encoded(samples(5, seed=2)))]
    assert client.write_state(saved) == digest == client.digest(full=True)
    assert [result.digest for result in client.train_many(encoded(samples(5, seed=2)))] == after


def test_profile_and_stats(small, launch):
    client = Client(launch(small))
    client.hello()
    list(client.train_many(encoded(samples(3))))
    assert client.profile() == [3 * stage for stage in range(40)]
    stats = client.stats()
    assert (stats.rx_overruns, stats.bad_frames, stats.stack_bytes) == (0, 0, 0)


@pytest.mark.thorough
def test_profile_is_refused_without_it(large, launch):
    client = Client(launch(large))
    client.hello()
    with pytest.raises(LinkError, match="refused PROFILE"):
        client.profile()
    assert client.stats().bad_frames == 0


def test_the_host_checks_samples_and_states(small, launch):
    client = Client(launch(small))
    client.hello()
    for sample, wanted in [(bytes(INPUT - 1), target(0)), (bytes(INPUT), b"")]:
        with pytest.raises(DataError):
            client.train(sample, wanted)
    with pytest.raises(LinkError, match="refused TRAIN"):
        client.train(bytes(INPUT), target(CLASSES))
    with pytest.raises(DataError):
        client.write_state(bytes(STATE + 1))
    assert steps_and_hash(client) == (0, 0)


def test_reset_ends_the_session(small, launch):
    logged = []
    client = Client(launch(small), on_log=logged.append, nudge=0.05)
    client.hello()
    client.train(bytes(INPUT), target(0))
    client.reset()
    with pytest.raises(LinkError, match="no session"):
        client.stats()
    client.hello()
    assert steps_and_hash(client) == (0, 0)
    assert logged == ["ready", "ready"]


# -- the server's own checks -------------------------------------------------------------------

REFUSED = [
    (Request.TRAIN, PAIR.pack(CLASSES, 0) + bytes(INPUT), 3),
    (Request.TRAIN, PAIR.pack(0xFFFF, 0) + bytes(INPUT), 3),
    (Request.TRAIN, PAIR.pack(0, 0) + bytes(INPUT - 1), 2),
    (Request.TRAIN, bytes(INPUT), 2),
    (Request.INFER, b"", 2),
    (Request.INFER, PAIR.pack(0, 0) + bytes(INPUT), 2),
    (Request.START, bytes(7), 2),
    (Request.WRITE, bytes(3), 2),
    (Request.READ, WORD.pack(STATE) + WORD.pack(1), 4),
    (Request.READ, WORD.pack(0xFFFFFFFF) + WORD.pack(2), 4),
    (Request.READ, WORD.pack(0) + WORD.pack(49), 4),
    (Request.WRITE, WORD.pack(4) + b"x", 4),
    (Request.WRITE, WORD.pack(0xFFFFFFFC) + bytes(40), 4),
    (Request.WRITE_END, WORD.pack(0), 4),
    (0x0C, b"", 1),
    (0x7F, b"", 1),
    (0xFF, b"", 1),
]


@pytest.mark.parametrize("kind, payload, code", REFUSED)
def test_bad_requests_are_refused_and_change_nothing(small, launch, kind, payload, code):
    pipe = launch(small)
    greet(pipe)
    digest = Frame(Request.DIGEST, 7, 1, WORD.pack(1))
    again = Frame(Request.DIGEST, 7, 3, WORD.pack(1))
    before, *middle, after = exchange(pipe, digest, Frame(kind, 7, 2, payload), again)
    assert middle[-1] == Frame(Notice.ERROR, 7, 2, PAIR.pack(code, kind))
    assert before.payload == after.payload


def write_up_to(pipe, end: int, step: int = 40) -> int:
    """Writes the state's first ``end`` bytes, chunk by chunk; the next request's number."""
    for seq, at in enumerate(range(0, end, step), 1):
        chunk = bytes([seq]) * min(step, end - at)
        (reply,) = exchange(pipe, Frame(Request.WRITE, 7, seq, WORD.pack(at) + chunk))
        assert reply.payload == WORD.pack(at + len(chunk))
    return seq + 1


@pytest.mark.parametrize("end, beyond", [(280, 21), (280, 44), (299, 2), (300, 1), (300, 40)])
def test_a_write_never_runs_past_the_state(small, launch, end, beyond):
    """A chunk that goes on where the last one ended, over the state's end, changes nothing: the
    rest that fits is still taken, and the whole is as it was sent."""
    pipe = launch(small)
    greet(pipe)
    seq = write_up_to(pipe, end)
    write = Frame(Request.WRITE, 7, seq, WORD.pack(end) + b"\xFF" * beyond)
    assert exchange(pipe, write)[-1].payload == PAIR.pack(4, Request.WRITE)
    rest = Frame(Request.WRITE, 7, seq + 1, WORD.pack(end) + bytes(STATE - end))
    assert exchange(pipe, rest)[-1].payload == WORD.pack(STATE)
    chunks = [bytes([i]) * min(40, end - at) for i, at in enumerate(range(0, end, 40), 1)]
    state = b"".join(chunks) + bytes(STATE - end)
    done = Frame(Request.WRITE_END, 7, seq + 2, WORD.pack(crc32(state)))
    assert exchange(pipe, done)[-1].payload == WORD.pack(crc32(state))


@pytest.mark.thorough
@pytest.mark.parametrize("count", [STATE + 1, 2 * STATE, LARGE])
def test_one_chunk_larger_than_the_state_is_refused(large, launch, count):
    pipe = launch(large)
    greet(pipe)
    digest, again = (Frame(Request.DIGEST, 7, seq, WORD.pack(1)) for seq in (1, 3))
    write = Frame(Request.WRITE, 7, 2, WORD.pack(0) + bytes(count))
    before, refusal, after = (exchange(pipe, frame)[-1] for frame in (digest, write, again))
    assert refusal.payload == PAIR.pack(4, Request.WRITE)
    assert before.payload == after.payload


def test_a_half_written_state_is_never_used(small, launch):
    pipe = launch(small)
    greet(pipe)
    exchange(pipe, Frame(Request.WRITE, 7, 1, WORD.pack(0) + bytes(40)))
    sample = PAIR.pack(0, 0) + bytes(INPUT)
    kinds = {Request.TRAIN: sample, Request.INFER: bytes(INPUT), Request.DIGEST: bytes(4)}
    kinds[Request.READ] = bytes(8)
    for seq, (kind, payload) in enumerate(kinds.items(), 2):
        assert exchange(pipe, Frame(kind, 7, seq, payload))[-1].payload == PAIR.pack(5, kind)
    early = Frame(Request.WRITE_END, 7, 6, bytes(4))
    assert exchange(pipe, early)[-1].payload == PAIR.pack(4, Request.WRITE_END)
    client = Client(pipe)
    client.hello()
    with pytest.raises(LinkError, match="error 5"):
        client.train(bytes(INPUT), target(0))
    client.write_state(bytes(STATE))
    client.train(bytes(INPUT), target(0))


def test_a_state_damaged_on_its_way_is_refused(small, launch):
    client = Client(launch(small))
    client.hello()
    channel = client._channel
    for at in range(0, STATE, 30):
        channel.wait(channel.submit(Request.WRITE, WORD.pack(at) + bytes(30)))
    wrong = WORD.pack(crc32(bytes(STATE)) ^ 1)
    with pytest.raises(LinkError, match="error 6"):
        channel.wait(channel.submit(Request.WRITE_END, wrong))
    with pytest.raises(LinkError, match="error 5"):
        client.digest()
    client.start(1, 1)
    client.digest()


def test_repeats_are_answered_and_not_executed(small, launch):
    pipe = launch(small)
    greet(pipe)
    first, second = (
        Frame(Request.TRAIN, 7, seq, PAIR.pack(seq, 0) + bytes(INPUT)) for seq in (1, 2)
    )
    taken, one, _, two = exchange(pipe, first, second)
    assert taken.type == Notice.TAKEN and [one.seq, two.seq] == [1, 2]
    assert exchange(pipe, first, second, first) == [one, two, one]
    assert [f.payload for f in exchange(pipe, Frame(Request.DIGEST, 7, 3, bytes(4)))] == [
        two.payload[8:]
    ]
    (nak,) = exchange(pipe, first)
    assert (nak.type, PAIR.unpack(nak.payload)) == (Notice.NAK, (2, 4))
    (ahead,) = exchange(pipe, Frame(Request.DIGEST, 7, 5, bytes(4)))
    assert (ahead.type, PAIR.unpack(ahead.payload)) == (Notice.NAK, (2, 4))


def test_a_repeated_hello_keeps_the_sequence(small, launch):
    pipe = launch(small)
    greet(pipe)
    exchange(pipe, Frame(Request.STATS, 7, 1))
    (hello,) = exchange(pipe, Frame(Request.HELLO, 7, 0, PAIR.pack(PROTOCOL_VERSION, 0)))
    assert PAIR.unpack_from(hello.payload) == (PROTOCOL_VERSION, 2)


def test_poll_returns_lost_replies(small, launch):
    pipe = launch(small)
    greet(pipe)
    replies = exchange(pipe, Frame(Request.STATS, 7, 1), Frame(Request.DIGEST, 7, 2, bytes(4)))
    where = Frame(Request.POLL | REPLY, 7, 1, PAIR.pack(99, 3))
    assert exchange(pipe, Frame(Request.POLL, 7, 1, PAIR.pack(99, 0))) == [*replies, where]


def test_without_a_session_only_hello_is_answered(small, launch):
    pipe = launch(small)
    pipe.write(b"\0noise\0")
    (nak,) = exchange(pipe, Frame(Request.STATS, 7, 1))
    assert (nak.type, nak.session, PAIR.unpack(nak.payload)[0]) == (Notice.NAK, 0, 3)


# -- anything at all ---------------------------------------------------------------------------


def anything(source: random.Random) -> bytes:
    """Noise, valid frames of nonsense, or spoiled frames."""
    kind = source.choice([*Request, 0, 0x0C, 0x81, source.randrange(256)])
    payload = source.randbytes(source.choice([0, 2, 4, 8, 20, INPUT + 4, source.randrange(200)]))
    if source.random() < 0.5:
        offset = source.choice([0, 1, STATE - 1, STATE, STATE + 1, 2**31, 2**32 - 1])
        payload = WORD.pack(offset) + payload
    frame = Frame(kind, source.choice([0, 7, 7, 7]), source.randrange(8), payload)
    wire = bytearray(encode_frame(frame))
    if source.random() < 0.2:
        wire[source.randrange(len(wire))] = source.randrange(256)
    return source.randbytes(source.randrange(300)) if source.random() < 0.1 else bytes(wire)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_sent_crashes_the_server(small, launch, seed):
    source = random.Random(seed)
    pipe = launch(small)
    for _ in range(1500):
        pipe.write(anything(source))
        pipe.read(0)
    client = train_over(pipe, samples(3))
    assert steps_and_hash(client) == (3, echo_hash(samples(3)))
