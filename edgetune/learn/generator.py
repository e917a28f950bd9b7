"""The random generator: xoroshiro64** (Blackman and Vigna), 64 bits of state.

``docs/numerics.md`` section 6.
"""

from __future__ import annotations

MASK32 = 0xFFFFFFFF


def _rotl(x: int, k: int) -> int:
    return ((x << k) | (x >> (32 - k))) & MASK32


def mix32(x: int) -> int:
    """MurmurHash3's 32-bit finaliser, a bijection on 32-bit words."""
    x &= MASK32
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & MASK32
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & MASK32
    return x ^ (x >> 16)


class Generator:
    """A stream of uniform 32-bit words; ``state`` is the pair (s0, s1)."""

    def __init__(self, seed: int):
        # Two different inputs of a bijection are never both zero, the one bad state.
        self.state = (mix32(seed + 0x9E3779B9), mix32(seed + 2 * 0x9E3779B9))

    def next(self) -> int:
        """The next word, 0 .. 2**32 - 1."""
        s0, s1 = self.state
        result = (_rotl((s0 * 0x9E3779BB) & MASK32, 5) * 5) & MASK32
        s1 ^= s0
        self.state = (_rotl(s0, 26) ^ s1 ^ ((s1 << 9) & MASK32), _rotl(s1, 13))
        return result

    def below(self, total: int) -> int:
        """Uniform in 0 .. total - 1, bias below 2**-32 of each probability times ``total``/2**32.

        ``floor(word * total / 2**32)`` by a 32 x 64 bit product, no rejection; ``total`` < 2**64.
        """
        return (self.next() * total) >> 32
