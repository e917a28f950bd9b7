"""What a shell is told of arguments that are begun (click asks these)."""

from __future__ import annotations

from click.shell_completion import CompletionItem

DEVICES = ("auto", "host", "qemu", "renode")


def files(ctx, parameter, incomplete: str) -> list[CompletionItem]:
    """The shell's own list of files."""
    return [CompletionItem(incomplete, type="file")]


def boards(ctx, parameter, incomplete: str) -> list[str]:
    """Those that `edgetune boards list` shows."""
    from edgetune.boards import list_boards, list_own_boards

    names = sorted({*list_boards(), *list_own_boards()})
    return [name for name in names if name.startswith(incomplete)]


def devices(ctx, parameter, incomplete: str) -> list[str]:
    """Those that have a name; of ports there may be any."""
    return [name for name in DEVICES if name.startswith(incomplete)]


# Parameters of all verbs, by their names.
BY_NAME = {
    **dict.fromkeys(("board", "like"), boards), "device": devices,
    **dict.fromkeys((
        "model", "data", "labels", "test_data", "test_labels", "guard", "pack", "run", "one",
        "other", "resume", "continued", "cmsis_nn",
    ), files),
}
