"""Pins by the names that data sheets give them: PA2, P0.06, or a plain number."""

from __future__ import annotations

import re

from edgetune.errors import UsageError

_GPIO_STEP = 0x400  # bytes from one STM32 port to the next


def set_pins(uart: dict, sources: list[str], tx: str | None, rx: str | None) -> dict:
    """``uart`` with other pins; ``sources`` are the port sources, which say how pins are chosen.

    Raises:
        UsageError: not the name of a pin of such a chip.
    """
    if tx is None and rx is None:
        return uart
    if "tx_pin" not in uart:
        raise UsageError("The UART's pins cannot be chosen.", "Its driver has no entry for them.",
                         "Leave --tx and --rx out.")
    if "stm32/gpio_v2.c" in sources or "stm32/gpio_v1.c" in sources:
        # The first port's bit in the enable register: RM0008 7.3.7; elsewhere bit 0.
        return _stm32(uart, 2 if "stm32/gpio_v1.c" in sources else 0, tx, rx)
    return uart | pin_numbers(tx, rx, r"(?:P(\d)\.|GPIO)?(\d{1,2})")


def pin_numbers(
    tx: str | None, rx: str | None, form: str = r"(?:P(\d)\.|P[A-K]|GPIO)?(\d{1,2})"
) -> dict[str, int]:
    """The entries tx_pin and rx_pin alone; of PA9, whose port is an address, the 9.

    ``form``: a regular expression for port and number.

    Raises:
        UsageError: not the name of a pin.
    """
    chosen = {"tx_pin": tx, "rx_pin": rx}
    return {key: _number(pin, form) for key, pin in chosen.items() if pin is not None}


def pin_names(uart: dict, sources: list[str]) -> dict[str, str]:
    """``tx`` and ``rx`` of ``uart`` as `set_pins` takes them; empty where they are not known."""
    if "tx_pin" not in uart or "rx_pin" not in uart:
        return {}
    if "tx_gpio_base" not in uart:
        return {one: str(uart[f"{one}_pin"]) for one in ("tx", "rx")}
    base = _first_port(uart, 2 if "stm32/gpio_v1.c" in sources else 0)
    return {one: f"P{chr(ord('A') + (uart[f'{one}_gpio_base'] - base) // _GPIO_STEP)}"
                 f"{uart[f'{one}_pin']}" for one in ("tx", "rx")}


def _stm32(uart: dict, first_bit: int, tx: str | None, rx: str | None) -> dict:
    """Base addresses and clock bits of the ports that the pins are in."""
    base, result = _first_port(uart, first_bit), dict(uart)
    for name, pin in (("tx", tx), ("rx", rx)):
        if pin is not None:
            port, number = _stm32_pin(pin)
            result[f"{name}_gpio_base"] = base + _GPIO_STEP * port
            result[f"{name}_pin"] = number
    ports = {(result[f"{n}_gpio_base"] - base) // _GPIO_STEP for n in ("tx", "rx")}
    below = uart["gpio_enable_mask"] & (1 << first_bit) - 1
    result["gpio_enable_mask"] = below | sum(1 << first_bit + port for port in ports)
    return result


def _first_port(uart: dict, first_bit: int) -> int:
    """The address of port A: the lowest port's, less its distance by the enable bits."""
    lowest = min(uart["tx_gpio_base"], uart["rx_gpio_base"])
    bits = uart["gpio_enable_mask"] >> first_bit
    return lowest - _GPIO_STEP * ((bits & -bits).bit_length() - 1)


def _stm32_pin(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"[Pp]([A-Ka-k])(1[0-5]|\d)", text.strip())
    if not match:
        raise _bad(text, "PA2 or PB15")
    return ord(match[1].upper()) - ord("A"), int(match[2])


def _number(text: str, form: str) -> int:
    """P1.02 is 34: ports of 32 pins, as in Nordic's pin selection registers."""
    match = re.fullmatch(form, text.strip(), re.IGNORECASE)
    if not match:
        raise _bad(text, "P0.06, GPIO0 or 6")
    return 32 * int(match[1] or 0) + int(match[2])


def _bad(text: str, example: str) -> UsageError:
    return UsageError(f"'{text}' is no pin of this chip.", f"Its pins are written as {example}.",
                      "Look the pin up in the data sheet.")
