# heap: 80k
"""Modbus TCP: requests as the specification prints them, answers whole, in pieces and wrong."""

from array import array

import check
from modbus import BROKEN, EXCEPTION, LATE, NEED_DATA, OK, READ, READ_INPUT, Tcp

# The answer to read(1, READ, 40000, 2) of a new codec: transaction 1, unit 1, "SunS".
SUNS = bytes.fromhex("0001 0000 0007 01 03 04 53756e53".replace(" ", ""))


def asked():
    codec = Tcp()
    codec.read(1, READ, 40000, 2)
    return codec


def fed(codec, data):
    """Feed all of data as the port does; the codes of all that ended."""
    codes = []
    at = 0
    while at < len(data):
        code = codec.feed(data, at, len(data))
        at = codec.at
        if code != NEED_DATA:
            codes.append(code)
    return codes


def frame(codec, n):
    return bytes(codec.buf[:n])


def registers(codec, count):
    regs = array("H", bytes(2 * count))
    assert codec.copy(regs, 0) == count
    return list(regs)


def test_requests_are_framed_with_number_protocol_and_length():
    codec = Tcp()
    n = codec.read(200, READ, 40069, 26)
    assert frame(codec, n) == bytes.fromhex("000100000006c8039c85001a")
    n = codec.read(0, READ_INPUT, 0, 125)
    assert frame(codec, n) == bytes.fromhex("00020000000600040000007d")
    n = codec.write1(255, 65535, 65535)
    assert frame(codec, n) == bytes.fromhex("000300000006ff06ffffffff")
    n = codec.write(1, 40237, array("H", (9, 2500, 0, 60, 0, 1)), 1, 5)
    want = "00040000001101109d2d00050a09c40000003c00000001"
    assert frame(codec, n) == bytes.fromhex(want)


def test_an_answer_gives_its_registers():
    codec = asked()
    assert fed(codec, SUNS) == [OK]
    assert registers(codec, 2) == [0x5375, 0x6E53]
    more = array("H", (1, 2, 3, 4))
    assert codec.copy(more, 1) == 2
    assert list(more) == [1, 0x5375, 0x6E53, 4]


def test_an_answer_may_come_in_any_two_pieces_or_byte_by_byte():
    for cut in range(1, len(SUNS)):
        codec = asked()
        assert codec.feed(SUNS, 0, cut) == NEED_DATA and codec.at == cut
        assert codec.feed(SUNS, cut, len(SUNS)) == OK and codec.at == len(SUNS)
        assert registers(codec, 2) == [0x5375, 0x6E53]
    codec = asked()
    codes = [codec.feed(SUNS, i, i + 1) for i in range(len(SUNS))]
    assert codes == [NEED_DATA] * (len(SUNS) - 1) + [OK]


def test_a_truncated_answer_is_broken_when_given_up_and_the_rest_is_passed_over():
    for cut in range(len(SUNS)):
        codec = asked()
        assert fed(codec, SUNS[:cut]) == []
        assert codec.give_up() == (BROKEN if cut else NEED_DATA)
        codec.read(1, READ, 40000, 2)
        late = SUNS[cut:] + b"\0\2" + SUNS[2:-1] + b"!"
        assert fed(codec, late) == [LATE, OK] and not codec.dead
        assert registers(codec, 2) == [0x5375, 0x6E21], cut


def test_late_answers_are_passed_over_in_any_chunking():
    late = b"\0\1" + SUNS[2:]
    ours = b"\0\3" + SUNS[2:-1] + b"!"
    data = late + ours + b"\0\2" + SUNS[2:]
    for size in range(1, len(data) + 1):
        codec = asked()
        for _ in range(2):
            codec.give_up()
            codec.read(1, READ, 40000, 2)
        codes, got = [], None
        for start in range(0, len(data), size):
            piece = data[start:start + size]
            at = 0
            while at < len(piece):
                code = codec.feed(piece, at, len(piece))
                at = codec.at
                if code != NEED_DATA:
                    codes.append(code)
                if code == OK:
                    got = registers(codec, 2)
        assert codes == [LATE, OK, LATE] and got == [0x5375, 0x6E21], (size, codes, got)


def test_bytes_that_nobody_asked_for_are_passed_over():
    codec = Tcp()
    assert fed(codec, SUNS) == [LATE] and not codec.dead
    codec.read(1, READ, 40000, 2)
    assert fed(codec, SUNS) == [OK]
    assert fed(codec, SUNS) == [LATE]  # a second time


def test_transaction_numbers_wrap_at_16_bits():
    codec = Tcp()
    for _ in range(65535):
        codec.write1(1, 0, 0)
    assert frame(codec, 2) == b"\xff\xff"
    codec.read(1, READ, 40000, 2)
    assert frame(codec, 2) == b"\0\0"
    assert fed(codec, b"\xff\xff" + SUNS[2:]) == [LATE]
    assert fed(codec, b"\0\0" + SUNS[2:]) == [OK]


def test_a_refusal_gives_its_code():
    codec = asked()
    assert fed(codec, bytes.fromhex("00010000000301830b")) == [EXCEPTION]
    assert codec.exception == 11
    for wrong in ("000100000003018300", "00010000000401830200", "000100000003029302"):
        codec = asked()
        assert fed(codec, bytes.fromhex(wrong)) == [BROKEN], wrong


def test_an_answer_to_something_else_is_broken():
    for wrong in (
        "00010000000702030453756e53",  # unit
        "00010000000701040453756e53",  # function
        "00010000000701030653756e53",  # byte count against the length
        "000100000005010302 5375",  # a register too few
        "0001000000090103 06 53756e530000",  # one too many
        "000100000006010353756e53",
    ):
        codec = asked()
        assert fed(codec, bytes.fromhex(wrong.replace(" ", ""))) == [BROKEN], wrong
        assert not codec.dead  # the next frame begins where it should


def test_writes_are_held_against_their_echo():
    values = array("H", (2500, 0))
    good = bytes.fromhex("000100000006011000050002")
    codec = Tcp()
    codec.write(1, 5, values, 0, 2)
    assert fed(codec, good) == [OK]
    for i in range(6, len(good)):
        codec = Tcp()
        codec.write(1, 5, values, 0, 2)
        wrong = bytearray(good)
        wrong[i] ^= 1
        assert fed(codec, wrong) == [BROKEN], i
    codec = Tcp()
    codec.write1(1, 5, 2500)
    assert fed(codec, bytes.fromhex("0001000000060106000509c4")) == [OK]
    codec.write1(1, 5, 2500)
    assert fed(codec, bytes.fromhex("0002000000060106000509c5")) == [BROKEN]


def test_a_header_that_is_none_ends_the_stream_until_reset():
    for wrong in ("000100010007", "000100000002", "0001000000ff", "000180000007"):
        codec = asked()
        assert codec.feed(bytes.fromhex(wrong) + b"\1\3", 0, 8) == BROKEN
        assert codec.dead and codec.at == 8
        codec.read(1, READ, 40000, 2)
        assert codec.feed(SUNS, 0, len(SUNS)) == BROKEN and codec.at == len(SUNS)
        codec.reset()
        codec.read(1, READ, 40000, 2)
        assert fed(codec, b"\0\3" + SUNS[2:]) == [OK] and not codec.dead


def test_reset_forgets_a_part_of_a_frame():
    codec = asked()
    codec.feed(SUNS, 0, 9)
    codec.reset()
    codec.read(1, READ, 40000, 2)
    assert fed(codec, b"\0\2" + SUNS[2:]) == [OK]


def test_the_longest_frames_fit():
    codec = Tcp()
    regs = array("H", range(1000, 1125))
    n = codec.write(1, 0, regs, 2, 123)
    assert n == 259 and frame(codec, n)[-2:] == b"\x04\x64"
    assert fed(codec, bytes.fromhex("00010000000601100000007b")) == [OK]
    codec.read(1, READ, 65411, 125)
    body = b"".join([bytes((v >> 8, v & 255)) for v in regs])
    assert fed(codec, bytes.fromhex("0002000000fd0103fa") + body) == [OK]
    assert registers(codec, 125) == list(regs)


def test_our_own_misuse_is_a_value_error():
    codec = Tcp()
    regs = array("H", bytes(250))
    for unit, function, addr, count in (
        (-1, 3, 0, 1), (256, 3, 0, 1), (1, 2, 0, 1), (1, 5, 0, 1), (1, 16, 0, 1), (1, 3, -1, 1),
        (1, 3, 65536, 1), (1, 3, 65535, 2), (1, 3, 0, 0), (1, 3, 0, 126), (1, 3, 0, -1),
    ):
        check.raises(ValueError, codec.read, unit, function, addr, count)
    for addr, start, count in ((0, 0, 0), (0, 0, 124), (0, -1, 2), (0, 124, 2), (65534, 0, 3)):
        check.raises(ValueError, codec.write, 1, addr, regs, start, count)
    for unit, addr, value in ((256, 0, 0), (1, 65536, 0), (1, 0, -1), (1, 0, 65536)):
        check.raises(ValueError, codec.write1, unit, addr, value)
    codec.read(1, READ, 0, 3)
    check.raises(ValueError, codec.copy, array("H", bytes(4)), 0)
    check.raises(ValueError, codec.copy, array("H", bytes(6)), 1)
    check.raises(ValueError, codec.copy, array("H", bytes(6)), -1)


class Cycle:
    """Requests and answers without anything made on the way."""

    def __init__(self):
        self.codec = Tcp()
        self.regs = array("H", bytes(10))
        self.late = b"\0\0" + SUNS[2:]
        self.second = b"\0\2" + SUNS[2:]
        self.wrote = bytes.fromhex("000300000006011000050005")

    def run(self):
        codec = self.codec
        codec.read(1, READ, 40000, 2)
        codec.feed(SUNS, 0, 5)
        codec.give_up()
        codec.read(1, READ, 40000, 2)
        codec.feed(SUNS, 5, len(SUNS))
        codec.feed(self.late, 0, len(self.late))
        a = codec.feed(self.second, 0, len(self.second))
        codec.copy(self.regs, 3)
        codec.write(1, 5, self.regs, 0, 5)
        b = codec.feed(self.wrote, 0, len(self.wrote))
        codec.write1(1, 5, 65535)
        return 10 * a + b


def test_nothing_allocates():
    cycle = Cycle()
    assert check.locked(cycle.run) == 10 * OK + OK
    assert list(cycle.regs) == [0, 0, 0, 0x5375, 0x6E53]


check.run(globals())
