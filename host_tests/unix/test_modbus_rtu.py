# heap: 64k
"""Modbus RTU: frames of the specification, answers whole, in pieces, damaged and echoed."""

from array import array

import check
from modbus import BROKEN, CRC, EXCEPTION, LATE, NEED_DATA, OK, READ, READ_INPUT, WRONG, Rtu

# The answer to read(17, READ, 107, 3), with the CRC that the bitwise definition gives.
BODY = bytes.fromhex("110306ae415652 4340".replace(" ", ""))


def crc(data):
    """By the definition, bit by bit: an independent check on the table."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return bytes((value & 255, value >> 8))


def sealed(text):
    data = bytes.fromhex(text.replace(" ", ""))
    return data + crc(data)


ANSWER = BODY + crc(BODY)


def asked(echo=False):
    codec = Rtu(echo=echo)
    n = codec.read(17, READ, 107, 3)
    return codec, bytes(codec.buf[:n])


def fed(codec, data):
    codes = []
    at = 0
    while at < len(data):
        code = codec.feed(data, at, len(data))
        assert codec.at > at
        at = codec.at
        if code != NEED_DATA:
            codes.append(code)
    return codes


def registers(codec):
    regs = array("H", bytes(6))
    codec.copy(regs, 0)
    return list(regs)


def test_requests_carry_the_crc_low_byte_first():
    codec, request = asked()
    assert request == bytes.fromhex("1103006b00037687")  # a widely printed example
    n = codec.read(247, READ_INPUT, 0, 125)
    assert bytes(codec.buf[:n]) == sealed("f7040000007d")
    n = codec.write1(1, 40237, 2500)
    assert bytes(codec.buf[:n]) == sealed("01069d2d09c4")
    n = codec.write(1, 5, array("H", (0, 10, 258)), 1, 2)
    assert bytes(codec.buf[:n]) == sealed("011000050002 04 000a0102")


def test_an_answer_gives_its_registers_whole_or_byte_by_byte():
    codec, _ = asked()
    assert fed(codec, ANSWER) == [OK] and registers(codec) == [0xAE41, 0x5652, 0x4340]
    codec, _ = asked()
    codes = [codec.feed(ANSWER, i, i + 1) for i in range(len(ANSWER))]
    assert codes == [NEED_DATA] * (len(ANSWER) - 1) + [OK]


def test_a_truncated_answer_is_broken_when_given_up():
    for cut in range(len(ANSWER)):
        codec, _ = asked()
        assert fed(codec, ANSWER[:cut]) == []
        assert codec.give_up() == (BROKEN if cut else NEED_DATA)
        assert fed(codec, ANSWER[cut:]) == []  # nobody waits for the rest
        codec.read(17, READ, 107, 3)
        assert fed(codec, ANSWER) == [OK]


def test_each_single_bit_error_is_noticed():
    for bit in range(8 * len(ANSWER)):
        codec, _ = asked()
        wrong = bytearray(ANSWER)
        wrong[bit // 8] ^= 1 << bit % 8
        codes = fed(codec, wrong)
        assert codes == [BROKEN] or (not codes and codec.give_up() == BROKEN), bit


def test_noise_before_the_frame_is_broken_and_no_hang():
    for noise in (b"\x55", b"\x11", b"\x11\x03", b"\x11\x83", b"\0\x80", ANSWER[:4]):
        codec, _ = asked()
        codes = fed(codec, noise + ANSWER)
        assert codes == [BROKEN], (noise, codes)
        codec.read(17, READ, 107, 3)
        assert fed(codec, ANSWER) == [OK]


def test_what_a_turning_line_makes_is_no_part_of_the_frame():
    for noise in (b"\0", b"\xff", b"\0\0\0\0", b"\xff\0\xff" * 100):
        codec, _ = asked()
        assert fed(codec, noise) == [] and codec.give_up() == NEED_DATA
        codec.read(17, READ, 107, 3)
        assert fed(codec, noise + ANSWER) == [OK] and registers(codec)[0] == 0xAE41


def test_a_broken_answer_says_why():
    for body, why in (("120306ae4156524340", WRONG), ("110306ae4156524341", CRC),
                      ("1104", WRONG), ("110308ae", WRONG)):
        codec, _ = asked()
        data = bytes.fromhex(body)
        data += crc(BODY) if why == CRC else crc(data)
        assert fed(codec, data) == [BROKEN] and codec.why == why, body
    codec = Rtu()
    codec.write1(17, 5, 1)
    assert fed(codec, sealed("110600050002")) == [BROKEN] and codec.why == WRONG


def test_the_length_of_the_answer_is_known_beforehand():
    codec = Rtu()
    codec.read(1, READ, 0, 26)
    assert codec.expect == 57
    codec.write(1, 0, array("H", (1, 2)), 0, 2)
    assert codec.expect == 8


def test_an_echo_is_learned_from_the_first_read_in_any_chunking():
    _, request = asked()
    data = request + ANSWER
    for size in range(1, len(data) + 1):
        codec, _ = asked()
        codes = []
        for start in range(0, len(data), size):
            codes += fed(codec, data[start:start + size])
        assert codes == [OK], size
        n = codec.write1(1, 5, 9)
        echo = bytes(codec.buf[:n])
        assert fed(codec, echo) == []  # the echo is no answer to it
        assert fed(codec, echo) == [OK]


def test_what_only_begins_like_an_echo_teaches_nothing():
    for cut in range(3, 8):
        codec, request = asked()
        assert fed(codec, request[:cut] + b"\x55" + ANSWER) == [BROKEN], cut
        codec.read(17, READ, 107, 3)
        assert fed(codec, ANSWER) == [OK]  # no echo is waited for


def test_what_follows_the_frame_belongs_to_nobody():
    codec, _ = asked()
    assert fed(codec, ANSWER + b"\0" + ANSWER) == [OK]
    assert registers(codec) == [0xAE41, 0x5652, 0x4340]


def test_an_answer_to_something_else_is_broken():
    for wrong in ("120306ae4156524340", "110406ae4156524340", "110304ae415652",
                  "110308ae41565243400000", "1110006b0003", "128302", "118400", "118300"):
        codec, _ = asked()
        assert fed(codec, sealed(wrong)) == [BROKEN], wrong


def test_a_patient_one_passes_over_whole_answers_to_others():
    others = ("1203020007", "110304aabbccdd", "1106000b0002", "11100001000a", "128302", "1190 02",
              "120306ae4156524340")
    for other in others:
        for step in (1, 2, 100):
            codec, _ = asked()
            codec.patient = 1
            data, codes = sealed(other) + sealed(other) + ANSWER, []
            for at in range(0, len(data), step):
                codes += fed(codec, data[at:at + step])
            assert codes == [LATE, LATE, OK] and registers(codec) == [44609, 22098, 17216], other
        # Without patience, with a CRC that does not fit, or cut, it is none.
        codec, _ = asked()
        assert fed(codec, sealed(other) + ANSWER) == [BROKEN], other
        codec, _ = asked()
        codec.patient = 1
        data = sealed(other)
        assert fed(codec, data[:-1] + bytes((data[-1] ^ 1,))) == [BROKEN], other
        codec, _ = asked()
        codec.patient = 1
        assert fed(codec, data[:-1]) == [] and codec.give_up() == BROKEN, other
    for none in ("110307", "1103fc", "110500", "550101"):
        codec, _ = asked()
        codec.patient = 1
        assert fed(codec, bytes.fromhex(none)) == [BROKEN], none


def test_a_patient_one_learns_an_echo_all_the_same():
    codec, request = asked()
    codec.patient = 1
    assert fed(codec, request + sealed("110304aabbccdd") + ANSWER) == [LATE, OK]


def test_a_refusal_gives_its_code():
    codec, _ = asked()
    assert fed(codec, sealed("118306")) == [EXCEPTION] and codec.exception == 6
    codec.write1(17, 5, 1)
    assert fed(codec, sealed("118602")) == [EXCEPTION] and codec.exception == 2
    codec.write(17, 5, array("H", (1,)), 0, 1)
    assert fed(codec, sealed("119003")) == [EXCEPTION] and codec.exception == 3


def test_writes_are_held_against_their_echo():
    codec = Rtu()
    codec.write(1, 5, array("H", (7, 8)), 0, 2)
    assert fed(codec, sealed("011000050002")) == [OK]
    codec.write1(1, 5, 9)
    assert fed(codec, sealed("010600050009")) == [OK]
    for wrong in ("010600060009", "01060005000a", "020600050009", "011000050009"):
        codec.write1(1, 5, 9)
        assert fed(codec, sealed(wrong)) == [BROKEN], wrong
    for wrong in ("011000060002", "011000050003"):
        codec.write(1, 5, array("H", (7, 8)), 0, 2)
        assert fed(codec, sealed(wrong)) == [BROKEN], wrong


def test_our_own_echo_is_passed_over_in_any_chunking():
    codec, request = asked(echo=True)
    data = request + ANSWER
    for size in range(1, len(data) + 1):
        codec, _ = asked(echo=True)
        codes = []
        for start in range(0, len(data), size):
            codes += fed(codec, data[start:start + size])
        assert codes == [OK] and registers(codec) == [0xAE41, 0x5652, 0x4340], size


def test_an_echoed_write_is_not_taken_for_its_answer():
    codec = Rtu(echo=True)
    n = codec.write1(1, 5, 9)
    echo = bytes(codec.buf[:n])
    assert fed(codec, echo) == []  # FC6: echo and answer are the same bytes
    assert codec.give_up() == NEED_DATA
    codec.write1(1, 5, 9)
    assert fed(codec, echo + echo) == [OK]
    n = codec.write(1, 5, array("H", range(123)), 0, 123)
    assert fed(codec, bytes(codec.buf[:n]) + sealed("01100005007b")) == [OK]


def test_a_damaged_echo_is_a_collision():
    for i in range(8):
        codec, request = asked(echo=True)
        wrong = bytearray(request + ANSWER)
        wrong[i] ^= 0x10
        assert fed(codec, wrong) == [BROKEN], i


def test_nobody_waits_before_a_request():
    codec = Rtu()
    assert fed(codec, ANSWER) == [] and not codec.dead
    codec.read(17, READ, 107, 3)
    assert fed(codec, ANSWER) == [OK]


def test_units_are_1_to_247():
    codec = Rtu()
    check.raises(ValueError, codec.read, 0, READ, 0, 1)
    check.raises(ValueError, codec.write1, 0, 0, 1)
    check.raises(ValueError, codec.read, 248, READ, 0, 1)
    assert codec.read(247, READ, 0, 1) == 8


def test_the_longest_answer_fits():
    codec = Rtu()
    codec.read(1, READ, 0, 125)
    answer = sealed("0103fa" + "1234" * 125)
    assert fed(codec, answer) == [OK]
    regs = array("H", bytes(250))
    assert codec.copy(regs, 0) == 125 and set(regs) == {0x1234}


class Cycle:
    def __init__(self):
        self.codec = Rtu(echo=True)
        n = self.codec.read(17, READ, 107, 3)
        self.data = bytes(self.codec.buf[:n]) + ANSWER
        self.regs = array("H", bytes(6))

    def run(self):
        codec, data = self.codec, self.data
        codec.read(17, READ, 107, 3)
        codec.feed(data, 0, 5)
        code = codec.feed(data, 5, len(data))
        codec.copy(self.regs, 0)
        codec.write(1, 5, self.regs, 0, 3)
        codec.feed(data, 0, len(data))
        codec.write1(1, 5, 65535)
        codec.give_up()
        return code


def test_nothing_allocates():
    cycle = Cycle()
    assert check.locked(cycle.run) == OK
    assert list(cycle.regs) == [0xAE41, 0x5652, 0x4340]


check.run(globals())
