"""Sizes of the link's buffers, from the sizes of the model's input and output.

``docs/protocol.md``: a frame is 8 bytes of header, the payload and 4 of CRC; a sample's payload
begins with its target.
"""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.plan.savings import NONE, Savings

SAMPLE_FRAMING = 12
REPLY_FRAMING = 16
SMALLEST_FRAME = 128  # a useful chunk for reading and writing weights
RING_RESERVE = 128
REPLIES = 2  # kept by the link
SMALL_RING = 512  # where it holds no whole sample


@dataclass(frozen=True)
class LinkBuffers:
    """Bytes of the frame under work, of one kept reply, and of the receive ring."""

    frame_max: int
    reply_max: int
    rx_ring: int
    frame_bytes: int  # of RAM: where the frame lies in the arena that of a target

    @property
    def total(self) -> int:
        """Bytes of them all, each kept reply with its length."""
        return self.frame_bytes + self.rx_ring + REPLIES * (self.reply_max + 4)

    @staticmethod
    def for_model(
        input_bytes: int, target_bytes: int, output_bytes: int, savings: Savings = NONE
    ) -> LinkBuffers:
        sample = input_bytes + target_bytes
        frame = max(SMALLEST_FRAME, _round_up(sample + SAMPLE_FRAMING, 4))
        reply = max(SMALLEST_FRAME, _round_up(output_bytes + REPLY_FRAMING, 4))
        wire = frame + frame // 254 + 3
        # A power of two, so that the ring's indices wrap without a division.
        ring = 1 << (wire + RING_RESERVE - 1).bit_length()
        return LinkBuffers(
            frame, reply, min(ring, SMALL_RING) if savings.small_ring else ring,
            target_bytes + 4 if savings.shared_frame else frame,
        )


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
