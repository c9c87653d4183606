"""The site on an RTU line: frames, CRC, pace, silence; on a pty with pymodbus as the client."""

import contextlib
import struct

import pytest
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusIOException
from site_points import made
from test_site_server import admin, running

from tools.site import InverterSettings, MeterSettings, RtuBus
from tools.site.rtu import crc16


def framed(unit, pdu):
    data = bytes((unit,)) + pdu
    return data + crc16(data)


def read(unit, address, count, function=3):
    return framed(unit, struct.pack(">BHH", function, address, count))


def heard(bus, now, data):
    parts = bus.feed(now, data)
    return b"".join(part for _, part in parts), parts[-1][0] - now if parts else None


def test_crc_is_that_of_the_specifications_example():
    assert crc16(b"\x02\x07") == b"\x41\x12"      # appendix B: 0x1241


def test_reply_has_unit_words_and_crc():
    s = made()
    reply, _ = heard(RtuBus(s), 1.0, read(1, 40000, 2))
    assert reply == framed(1, bytes.fromhex("03 04 53756e53"))
    reply, _ = heard(RtuBus(s), 1.0, read(1, 0, 2))
    assert reply == framed(1, b"\x83\x02")


@pytest.mark.parametrize(("baud", "count", "ms"), [
    # Both frames at 11 bits a byte, one gap of 3.5 characters, 5 ms of turnaround
    (9600, 26, 87.5), (9600, 12, 55.4), (19200, 26, 46.2), (19200, 12, 30.2),
    (38400, 26, 27.1), (115200, 26, 14.7), (115200, 12, 12.0)])
def test_a_read_takes_as_long_as_on_a_real_line(baud, count, ms):
    s = made()
    _, took = heard(RtuBus(s, baud, turnaround_ms=5), 1.0, read(200, 40070, count))
    gap = 1.75 if baud > 19200 else 3.5 * 11000 / baud
    assert took * 1000 == pytest.approx(ms - gap, abs=0.1)     # theirs counts the gap behind too


def test_two_requests_share_the_line():
    s = made()
    bus = RtuBus(s, 9600)
    _, first = heard(bus, 1.0, read(1, 40000, 50))
    _, second = heard(bus, 1.0 + first / 2, read(200, 40000, 2))
    assert second > first / 2 + 13 * 11 / 9600


def test_pieces_arrive_at_the_pace_of_their_characters():
    parts = RtuBus(made(), 9600).feed(0.0, read(1, 40000, 20))
    at = [when for when, _ in parts]
    assert at == sorted(at) and len(parts) == 6
    assert at[1] - at[0] == pytest.approx(8 * 11 / 9600)


def test_a_unit_that_is_not_there_and_a_wrong_crc_are_silence():
    s = made()
    bus = RtuBus(s, units=(200,))
    good = read(200, 40000, 2)
    assert heard(bus, 1.0, read(9, 40000, 2))[0] == b""
    assert heard(bus, 2.0, read(1, 40000, 2))[0] == b""         # wired to another line
    assert heard(bus, 3.0, good[:-1] + b"\0")[0] == b""
    assert heard(bus, 4.0, good)[0] != b""


def test_a_broadcast_acts_and_is_not_answered():
    s = made(inverters=(InverterSettings(1), InverterSettings(2)))
    address = s.inverter.controls + 5
    pdu = struct.pack(">BHHB5H", 16, address, 5, 10, 3000, 0, 0, 0, 1)
    assert heard(RtuBus(s), 1.0, framed(0, pdu))[0] == b""
    assert [i.cap_w for i in s.inverters] == [3000, 3000]


def test_a_request_in_pieces_is_whole_and_a_cut_one_is_forgotten():
    s = made()
    bus, request = RtuBus(s), read(1, 40000, 2)
    assert heard(bus, 1.0, request[:3])[0] == b""
    assert heard(bus, 1.01, request[3:])[0][:3] == b"\x01\x03\x04"
    assert heard(bus, 2.0, request[:3])[0] == b""
    assert heard(bus, 2.2, request)[0][:3] == b"\x01\x03\x04"


@pytest.mark.parametrize("pdu", [
    b"\x03", b"\x2b\x0e\x01\x00", b"\x10\x9c\x40\x00\x02\x05" + bytes(5),
    b"\x03\x9c\x40\x00\x00", b"\x03\x9c\x40\xff\xff"])
def test_nonsense_with_a_good_crc_is_refused_or_silent(pdu):
    bus = RtuBus(made())
    reply, _ = heard(bus, 1.0, framed(1, pdu))
    assert reply == b"" or reply[1] & 0x80
    assert heard(bus, 2.0, read(1, 40000, 2))[0][:3] == b"\x01\x03\x04"


def test_function_4_reads_an_eastron_and_nothing_else():
    s = made(meter=MeterSettings(kind="sdm630"))
    s.advance(2)
    reply, _ = heard(RtuBus(s), 1.0, read(200, 52, 2, 4))
    assert struct.unpack(">f", reply[3:7])[0] == pytest.approx(-7500, abs=1)
    assert heard(RtuBus(s), 1.0, read(1, 40000, 2, 4))[0][1:3] == b"\x84\x01"


# A pty, with a client that is not ours.


@contextlib.contextmanager
def client(ready, timeout=2):
    made = ModbusSerialClient(ready["rtu"], baudrate=ready["baud"], timeout=timeout, retries=0)
    assert made.connect()
    try:
        yield made
    finally:
        made.close()


def test_pymodbus_reads_and_steers_the_site_through_a_pty():
    with running("--rtu", "--baud", "115200") as (_, ready), client(ready) as bus:
        assert bus.read_holding_registers(40000, count=2, device_id=1).registers == \
            [0x5375, 0x6E53]
        assert len(bus.read_holding_registers(40000, count=125, device_id=200).registers) == 125
        assert bus.read_holding_registers(0, count=2, device_id=1).exception_code == 2
        # model 123 stands behind SunS and models 1, 103, 120 and 121
        address = 40002 + 68 + 52 + 28 + 32 + 46
        assert bus.read_holding_registers(address, count=1, device_id=1).registers == [123]
        assert not bus.write_registers(address + 5, [2500, 0, 0, 0, 1], device_id=1).isError()
        assert not bus.write_register(address + 5, 2000, device_id=1).isError()
        status = admin(ready, "/status")
        assert (status["WMaxLimPct"], status["WMaxLim_Ena"]) == (2000, 1)
        assert [w["function"] for w in admin(ready, "/writes")] == [16, 6]


def test_the_pty_has_the_pace_of_its_baud_rate_and_only_its_units():
    args = ("--rtu", "--baud", "9600", "--rtu-unit", "200")
    with running(*args) as (_, ready), client(ready, timeout=0.5) as bus:
        loop_s = -admin(ready, "/status")["time"]
        for _ in range(3):
            reply = bus.read_holding_registers(40070, count=100, device_id=200)
            assert len(reply.registers) == 100
        loop_s += admin(ready, "/status")["time"]
        assert loop_s > 3 * 213 * 11 / 9600 - 0.11      # less one tick of the record
        assert no_answer(bus, 1)
        admin(ready, "/faults", {"bad_crc": True})
        assert no_answer(bus, 200)
        admin(ready, "/faults", {"bad_crc": False})
        assert len(bus.read_holding_registers(40070, count=2, device_id=200).registers) == 2


def no_answer(bus, unit):
    """Whether the client gave up."""
    try:
        return bus.read_holding_registers(40000, count=2, device_id=unit).isError()
    except ModbusIOException:
        return True
