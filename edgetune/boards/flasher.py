"""What a board.toml says of writing firmware to the board, checked."""

# Each flasher, with the keys that its table [flasher.NAME] must have.
FLASHERS = {
    "pyocd": {"target": str},
    "openocd": {"scripts": list},
    "st-flash": {},
    "jlink": {"device": str},
    "uf2": {"family": int, "label": str},
    "picotool": {},
}
# [flasher.identity]: a word that only this chip has: the bits of ``mask`` at ``address``.
IDENTITY = {"address": int, "mask": int, "value": int}


def check_flasher(flasher: dict) -> None:
    """ValueError where the table [flasher] names what nothing knows, or lacks what is needed.

    ``tools`` names the flashers that can write the board, its default first. Where there is none,
    ``note`` says how the board is written, as the rest of a sentence that begins with its title.
    """
    tools = flasher["tools"]
    for name in tools:
        if name not in FLASHERS:
            raise ValueError(f"No flasher is called '{name}': {', '.join(FLASHERS)} are known.")
        _check_facts(name, flasher.get(name, {}), FLASHERS[name])
    if "identity" in flasher:
        _check_facts("identity", flasher["identity"], IDENTITY)
    if not tools and not isinstance(flasher.get("note"), str):
        raise ValueError("flasher.tools is empty and flasher.note does not say why.")


def _check_facts(name: str, facts: dict, wanted: dict) -> None:
    for key, kind in wanted.items():
        if not isinstance(facts.get(key), kind):
            raise ValueError(f"flasher.{name}.{key} is missing or of the wrong kind.")
