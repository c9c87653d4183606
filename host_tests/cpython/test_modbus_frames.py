"""Our Modbus frames against pymodbus's framers: each side reads what the other wrote."""

import sys
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests" / "cpython")]

from modbus import BROKEN, EXCEPTION, LATE, NEED_DATA, OK, Rtu, Tcp
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu import register_message as pdu

READ_ANSWERS = {3: pdu.ReadHoldingRegistersResponse, 4: pdu.ReadInputRegistersResponse}
WORD = st.integers(0, 0xFFFF)
UNIT = st.integers(1, 247)
FRAMINGS = pytest.mark.parametrize("make, framer", [(Tcp, FramerSocket), (Rtu, FramerRTU)])
FEW = settings(max_examples=80, deadline=None)


@st.composite
def requests(draw):
    """(name, arguments) of a call that makes a request."""
    unit, function = draw(UNIT), draw(st.sampled_from((3, 4, 6, 16)))
    if function == 6:
        return "write1", (unit, draw(WORD), draw(WORD))
    count = draw(st.integers(1, 125 if function < 6 else 123))
    addr = draw(st.integers(0, 65536 - count))
    if function == 16:
        values = draw(st.lists(WORD, min_size=count, max_size=count))
        return "write", (unit, addr, array("H", values), 0, count)
    return "read", (unit, function, addr, count)


def ask(codec, request):
    """Make the request; the frame that is sent."""
    name, args = request
    return bytes(codec.buf[:getattr(codec, name)(*args)])


def good_answer(request, values):
    """pymodbus's answer to the request."""
    name, args = request
    if name == "read":
        return READ_ANSWERS[args[1]](dev_id=args[0], registers=values[:args[3]])
    if name == "write1":
        return pdu.WriteSingleRegisterResponse(dev_id=args[0], address=args[1],
                                               registers=[args[2]])
    return pdu.WriteMultipleRegistersResponse(dev_id=args[0], address=args[1], count=args[4])


def feed(codec, data, cuts=()):
    """Feed data in pieces that end at `cuts`; the first code that is not NEED_DATA."""
    start = 0
    for end in [*sorted(cuts), len(data)]:
        while start < end:
            code = codec.feed(data, start, end)
            start = codec.at
            if code != NEED_DATA:
                return code
    return NEED_DATA


@FRAMINGS
@FEW
@given(request=requests())
def test_pymodbus_reads_our_requests(make, framer, request):
    data = ask(make(), request)
    used, got = framer(DecodePDU(True)).handleFrame(data, 0, 0)
    assert used == len(data)
    name, args = request
    function = {"read": args[1], "write1": 6, "write": 16}[name]
    assert (got.dev_id, got.function_code) == (args[0], function)
    if name == "read":
        assert (got.address, got.count) == args[2:]
    elif name == "write1":
        assert (got.address, got.registers) == (args[1], [args[2]])
    else:
        assert (got.address, got.count, got.registers) == (args[1], args[4], list(args[2]))


@FRAMINGS
@FEW
@given(request=requests(), values=st.lists(WORD, min_size=125, max_size=125),
       cuts=st.lists(st.integers(0, 259), max_size=4))
def test_we_read_the_answers_of_pymodbus(make, framer, request, values, cuts):
    codec = make()
    ask(codec, request)
    answer = good_answer(request, values)
    answer.transaction_id = 1
    data = framer(DecodePDU(True)).buildFrame(answer)
    assert feed(codec, data, [c for c in cuts if c < len(data)]) == OK
    if request[0] == "read":
        count = request[1][3]
        regs = array("H", bytes(2 * count))
        codec.copy(regs, 0)
        assert list(regs) == values[:count]


@FRAMINGS
@FEW
@given(request=requests(), code=st.integers(1, 11))
def test_we_read_the_refusals_of_pymodbus(make, framer, request, code):
    codec = make()
    data = ask(codec, request)
    function = data[7] if make is Tcp else data[1]
    answer = ExceptionResponse(function, exception_code=code, device_id=request[1][0])
    answer.transaction_id = 1
    answer.dev_id = request[1][0]
    assert feed(codec, framer(DecodePDU(True)).buildFrame(answer)) == EXCEPTION
    assert codec.exception == code


@settings(max_examples=40, deadline=None)
@given(request=requests(), values=st.lists(WORD, min_size=125, max_size=125), data=st.data())
def test_no_truncated_or_damaged_rtu_answer_is_ever_ok(request, values, data):
    good = FramerRTU(DecodePDU(True)).buildFrame(good_answer(request, values))
    for cut in range(len(good)):
        codec = Rtu()
        ask(codec, request)
        assert feed(codec, good[:cut]) == NEED_DATA
        assert codec.give_up() == (BROKEN if cut else NEED_DATA)
    bits = range(8 * len(good)) if len(good) < 30 else data.draw(
        st.lists(st.integers(0, 8 * len(good) - 1), min_size=60, max_size=60))
    for bit in bits:
        codec = Rtu()
        ask(codec, request)
        wrong = bytearray(good)
        wrong[bit // 8] ^= 1 << bit % 8
        code = feed(codec, bytes(wrong))
        assert code == BROKEN or (code == NEED_DATA and codec.give_up() == BROKEN), bit


@FRAMINGS
@settings(max_examples=300, deadline=None)
@given(request=requests(), noise=st.binary(max_size=600))
def test_no_noise_breaks_a_codec(make, framer, request, noise):
    codec = make()
    ask(codec, request)
    start = 0
    while start < len(noise):
        code = codec.feed(noise, start, len(noise))
        assert code in (NEED_DATA, BROKEN, EXCEPTION, OK, LATE) and codec.at > start
        start = codec.at
    codec.reset()
    args = (1, 3, 0, 1)
    number = ask(codec, ("read", args))[:2]  # TCP has the transaction's number there
    answer = good_answer(("read", args), [7])
    answer.transaction_id = int.from_bytes(number, "big")
    assert feed(codec, framer(DecodePDU(True)).buildFrame(answer)) == OK


@st.composite
def damages(draw, frame):
    """The frame as a bad line gives it: cut, flipped, filled up, doubled or another's."""
    kind, at = draw(st.integers(0, 6)), draw(st.integers(0, len(frame) - 1))
    noise = draw(st.binary(min_size=1, max_size=12))
    return (
        frame[:at],
        frame[:at] + bytes((frame[at] ^ draw(st.integers(1, 255)),)) + frame[at + 1:],
        noise + frame,
        frame[:at] + noise + frame[at:],
        frame[:at] + frame[at + 1:],
        frame[at:] + frame,
        noise * 30,
    )[kind]


@settings(max_examples=500, deadline=None)
@given(request=requests(), values=st.lists(WORD, min_size=125, max_size=125), data=st.data())
def test_a_damaged_rtu_answer_is_never_another_value(request, values, data):
    codec = Rtu()
    sent = ask(codec, request)
    good = FramerRTU(DecodePDU(True)).buildFrame(good_answer(request, values))
    line = (sent if data.draw(st.booleans()) else b"") + data.draw(damages(good))
    code = feed(codec, line, data.draw(st.lists(st.integers(0, len(line)), max_size=3)))
    if code == OK and request[0] == "read":
        regs = array("H", bytes(2 * request[1][3]))
        codec.copy(regs, 0)
        assert list(regs) == values[:request[1][3]]
    # Whatever came: after the next request its answer is taken.
    codec.reset()
    ask(codec, request)
    assert feed(codec, good) == OK


@settings(max_examples=200, deadline=None)
@given(request=requests(), values=st.lists(WORD, min_size=125, max_size=125),
       cuts=st.lists(st.integers(0, 520), max_size=5), silence=st.integers(0, 3))
def test_an_echo_is_learned_before_any_answer(request, values, cuts, silence):
    codec = Rtu()
    first = ("read", (5, 3, 100, 1 + silence))
    echo = ask(codec, first)
    answer = FramerRTU(DecodePDU(True)).buildFrame(good_answer(first, values))
    assert feed(codec, echo + answer) == OK
    echo = ask(codec, request)
    assert feed(codec, echo, [c for c in cuts if c < len(echo)]) == NEED_DATA
    good = FramerRTU(DecodePDU(True)).buildFrame(good_answer(request, values))
    assert feed(codec, good, [c for c in cuts if c < len(good)]) == OK
