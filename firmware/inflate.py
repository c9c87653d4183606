"""Bodies that come compressed: held whole in a buffer of fixed size, inflated piece by piece.

Enters: a response whose Content-Encoding is gzip.  Leaves: bytes of the body, as they are asked
for.

    inflate = Inflate(board.GZIP)
    await inflate.begin(response)
    n = inflate.readinto(window, start)          # 0 at the end

Loaded where the board has the memory for it (GZIP is not 0).  The window of the decoder is as
large as the body, by its own word, and 32 KiB at most; a body that lies, is cut short or has a
wrong checksum is a ValueError.  Limit: compressed bodies of the buffer's size.
"""

import io

import deflate
from micropython import const

WINDOW_BITS_MIN = const(8)
WINDOW_BITS_MAX = const(15)
_TRAILER = const(8)  # checksum and length (RFC 1952)


class Inflate:
    """See the module's text. `size`: bytes of the buffer, 64 or more."""

    def __init__(self, size):
        self._buf = bytearray(size)
        self._stream = None

    async def begin(self, response):
        """Read the compressed body to its end. ValueError when it is too long or no gzip."""
        buf, n = self._buf, 0
        while True:
            if n == len(buf):
                raise ValueError("gzip body too long")
            got = await response.readinto(buf, n, len(buf))
            if not got:
                break
            n += got
        if n < 2 * _TRAILER:
            raise ValueError("gzip body too short")
        # The length says how far back the decoder can be asked to look; 32 KiB is the most.
        length = buf[n - 4] | buf[n - 3] << 8 | (buf[n - 2] | buf[n - 1]) << 16
        bits = WINDOW_BITS_MIN
        while bits < WINDOW_BITS_MAX and length >> bits:
            bits += 1
        self._stream = deflate.DeflateIO(io.BytesIO(memoryview(buf)[:n]), deflate.GZIP, bits)

    def readinto(self, window, start):
        """Fill window[start:] with the body; how many bytes, 0 at its end. ValueError: broken."""
        try:
            n = self._stream.readinto(memoryview(window)[start:])
        except (OSError, EOFError) as exc:
            self._stream = None
            raise ValueError("gzip: " + repr(exc))
        if not n:
            self._stream = None  # the decoder's window goes
        return n
