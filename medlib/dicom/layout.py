"""How the pixels of one file are stored."""

from dataclasses import dataclass

from pydicom.uid import UID

Chunks = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Layout:
    """How pixels are stored, and (once located) the byte ranges `chunks` of each frame."""

    syntax: UID
    little_endian: bool
    rows: int
    columns: int
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    word_swapped: bool = False
    chunks: tuple[Chunks, ...] = ()

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame."""
        return self.rows * self.columns * self.bits_allocated // 8
