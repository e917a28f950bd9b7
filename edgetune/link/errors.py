"""Ways a conversation with a device fails, in words."""

from edgetune.errors import LinkError
from edgetune.link.messages import ErrorCode

_REBUILD = "build and flash the firmware again with this release"
_REFUSALS: dict[int, tuple[str, str]] = {
    ErrorCode.TYPE: ("its firmware was built without this request", _REBUILD),
    ErrorCode.LENGTH: ("the payload has the wrong size for its model", _REBUILD),
    ErrorCode.TARGET: ("the target is none of its loss", "check the labels"),
    ErrorCode.RANGE: ("offset or count lies outside the block", "read or write it from 0 on"),
    ErrorCode.STATE: (
        "a write of its state was begun and not ended",
        "write the whole state again, or start over",
    ),
    ErrorCode.CRC: ("the state written is not the state sent", "write the whole state again"),
    ErrorCode.FLASH: (
        "its flash failed, or has no room for the state",
        "look at it: edgetune weights status; what was confirmed is kept",
    ),
    ErrorCode.TRIAL: (
        "no trial runs that could be confirmed or given up",
        "commit first, or look what it keeps: edgetune weights status",
    ),
    ErrorCode.SOON: (
        "it learnt too few steps since the last commit, and each wears its flash",
        "let it learn on, or commit with --force",
    ),
    ErrorCode.WORSE: (
        "the confirmed weights had a better score, and the trial's is lower or not measured",
        "give the trial up: edgetune weights rollback; or confirm it with --force",
    ),
}


class DeviceResetError(LinkError):
    """The device started afresh in the middle of a session; its model is back at step 0."""


def device_reset() -> DeviceResetError:
    return DeviceResetError(
        "the device was reset during the session",
        "it lost power, crashed, or its reset button was pressed",
        "say hello again, then start over or write a saved state: its model is back at step 0",
    )


def no_session() -> LinkError:
    return LinkError(
        "there is no session with the device",
        "no hello was said, or the session ended with an error",
        "say hello first",
    )


def device_gone(failure: OSError | None = None) -> LinkError:
    return LinkError(
        "the device has gone away",
        str(failure or "its process ended or its cable was unplugged"),
        "connect or launch it again",
    )


def panic_words(exception: int, address: int) -> str:
    return f"exception {exception} at 0x{address:08x}"


def device_panicked(exception: int, address: int) -> LinkError:
    return LinkError(
        f"the firmware met a fault: {panic_words(exception, address)}",
        "a defect of the firmware, or a chip that is not the board's",
        "look the address up in firmware.map; the device resets to its initial weights",
    )


def other_session() -> LinkError:
    return LinkError(
        "the session was taken over",
        "another program said hello to the same device",
        "end the other program and say hello again",
    )


def no_hello(seconds: float, heard: bytes, framed: bool) -> LinkError:
    """Args: seconds waited, the first bytes received, and whether any of it was a whole frame."""
    if framed:
        return LinkError(
            "the device sends messages but does not answer a hello",
            f"it was busy, or cannot hear the host, for {seconds:g} s",
            "check the line to the device's receive pin, or wait until it is idle",
        )
    if heard:
        return LinkError(
            "the device sends bytes, but not edgetune's frames",
            f"the first were {heard!r}: another firmware, or another baud rate",
            "flash the firmware of this model and board, and check the baud rate",
        )
    return LinkError(
        "the device does not answer",
        f"not one byte came in {seconds:g} s",
        "check power, cable and port, and that the firmware is flashed",
    )


def no_reply(name: str, seconds: float, bad_frames: int) -> LinkError:
    if bad_frames:
        cause = f"{bad_frames} damaged frames came in from it: the line is too noisy"
        step = (
            "shorten the cable or try another port or adapter, without software flow control, "
            "which swallows bytes; the rate is baud in the board's board.toml"
        )
    else:
        cause = "it is stuck, or needs longer for one step than the host waits"
        step = (
            "reset the device and look at its power and line; where `edgetune plan` says that a "
            "step takes as long, train fewer layers (--train)"
        )
    return LinkError(f"no reply to {name} within {seconds:g} s", cause, step)


def wrong_version(theirs: int, ours: int) -> LinkError:
    return LinkError(
        f"the device speaks protocol version {theirs}, this edgetune version {ours}",
        "the firmware was built by another release of edgetune",
        _REBUILD,
    )


def malformed(what: str, how: str) -> LinkError:
    """Args: the message's name, and what is wrong with it."""
    return LinkError(
        f"the device's {what} is not as the protocol has it",
        f"{how}: firmware of another release, or not edgetune's at all",
        _REBUILD,
    )


def boot_loop(starts: int, panic: str, seconds: float) -> LinkError:
    """Args: how often it started, what its last panic said ("" without one), seconds waited."""
    if panic:
        return LinkError(
            "the firmware meets a fault as it starts, again and again",
            f"{starts} times within {seconds:.1f} s; the last was {panic}",
            "look the address up in firmware.map; too small a stack, or a chip that is not the "
            "board's, are common causes",
        )
    return LinkError(
        "the device starts anew again and again",
        f"it said so {starts} times within {seconds:.1f} s and answered no hello between",
        "check its supply and its reset line, and that no watchdog is left running",
    )


def lost_count(expected: int, first: int) -> LinkError:
    return LinkError(
        f"the device expects request {expected} where the host is at {first}",
        "the two ends have lost count of each other, which the protocol should rule out",
        "say hello again and compare the digest before going on",
    )


def refused(name: str, code: int) -> LinkError:
    """Args: the request's name, and the code (messages.ErrorCode) that the device gave."""
    cause, step = _REFUSALS.get(code, ("a code that this edgetune does not know", _REBUILD))
    return LinkError(f"the device refused {name} (error {code})", cause, step)
