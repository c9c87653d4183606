# heap: 176k
"""Bodies to the letter, in pieces through small buffers, and what is refused, on the device."""

import gc

import check
import sep2
from sep2 import fields as f
from sep2.bodies import write
from xmlpull import Writer, XMLError

LFDI = b"4075DE6031E562ACF4D9EAA765A5B2ED00057269"
MRID = b"33B710B2E8C2424997F8EA1E00057269"
AT = 1682475000 - sep2.EPOCH
EQL, STORAGE = sep2.PROFILES["eql"], sep2.PROFILES["v1.3"]
BUF = bytearray(2048)
WRITER = Writer(BUF)

PV = {
    f.MODES: 0x00100088, f.MAX_VA: 5250, f.MAX_VAR: 2500, f.MAX_W: 5000, f.V_NOM: 2300,
    f.TYPE: 4, f.DOE_MODES: 15, f.VPP_MODES: 1, f.MIN_WH: 5, f.GRAD_W: 27, f.AT: AT,
}
STATUS = {f.AT: AT, f.ALARM: 0, f.GEN_CONNECT: (AT, 7), f.OPERATIONAL: (AT, 2)}
TYPE = {
    f.MRID: MRID, f.DESCRIPTION: b"Average W Reading - Phase A", f.QUALIFIER: 2, f.FLOW: 19,
    f.DURATION: 300, f.READING_KIND: 37, f.PHASE: 128, f.TEN: 0, f.UOM: 38,
}
READING = {f.MRID: MRID, f.AT: AT, f.DURATION: 300, f.START: AT - 300, f.VALUE: -32768}
NS = b' xmlns="urn:ieee:std:2030.5:ns"'


def body(kind, values, profile=None):
    assert write(WRITER, kind, values, profile) == 0
    return bytes(BUF[:WRITER.n])


def pieces(kind, values, profile, size):
    """The body through a buffer of `size` bytes; how many pieces it took."""
    buf = bytearray(size)
    writer = Writer(buf)
    out, at, n = b"", 0, 0
    while True:
        at = write(writer, kind, values, profile, at)
        out += bytes(buf[:writer.n])
        n += 1
        if not at:
            return out, n


def test_an_end_device_registers_itself():
    got = body(f.END_DEVICE, {f.CATEGORY: 0x200000, f.LFDI: LFDI, f.SFDI: sep2.sfdi(LFDI),
                              f.AT: AT}, EQL)
    assert got == b"<EndDevice" + NS + b"><deviceCategory>00200000</deviceCategory><lFDI>" + \
        LFDI + b"</lFDI><sFDI>173034634270</sFDI><changedTime>1682475000</changedTime>" \
        b"</EndDevice>", got


def test_a_connection_point_is_of_the_csipaus_namespace():
    for profile in sep2.PROFILES.values():
        got = body(f.CONNECTION_POINT, {f.CP_ID: "QB12345678"}, profile)
        assert got == b'<ConnectionPoint xmlns="' + profile.csipaus_ns + b'">' \
            b"<connectionPointId>QB12345678</connectionPointId></ConnectionPoint>", got


def test_a_capability_is_the_validated_one():
    got = body(f.DER_CAPABILITY, PV, EQL)
    assert got == b"<DERCapability" + NS + b' xmlns:c="https://csipaus.org/ns">' \
        b"<modesSupported>00100088</modesSupported><rtgMaxVA><multiplier>0</multiplier>" \
        b"<value>5250</value></rtgMaxVA><rtgMaxVar><multiplier>0</multiplier><value>2500</value>" \
        b"</rtgMaxVar><rtgMaxW><multiplier>0</multiplier><value>5000</value></rtgMaxW><rtgVNom>" \
        b"<multiplier>0</multiplier><value>230</value></rtgVNom><type>4</type>" \
        b"<c:doeModesSupported>0F</c:doeModesSupported></DERCapability>", got


def test_settings_come_from_the_same_values():
    got = body(f.DER_SETTINGS, PV, STORAGE)
    assert got.startswith(b"<DERSettings" + NS + b' xmlns:c="https://csipaus.org/ns/v1.3">'
                          b"<modesEnabled>00100088</modesEnabled><setGradW>27</setGradW>"), got
    assert got.endswith(
        b"<updatedTime>1682475000</updatedTime><c:doeModesEnabled>0F</c:doeModesEnabled>"
        b"<c:vppModesEnabled>01</c:vppModesEnabled><c:setMinWh><multiplier>0</multiplier>"
        b"<value>5</value></c:setMinWh></DERSettings>"), got


def test_a_status_is_the_validated_one():
    got = body(f.DER_STATUS, STATUS, EQL)
    at = b"<dateTime>1682475000</dateTime>"
    assert got == b"<DERStatus" + NS + b"><alarmStatus>00000000</alarmStatus>" \
        b"<genConnectStatus>" + at + b"<value>07</value></genConnectStatus>" \
        b"<operationalModeStatus>" + at + \
        b"<value>2</value></operationalModeStatus><readingTime>1682475000</readingTime>" \
        b"</DERStatus>", got


def test_a_log_event_is_of_the_der_function_set():
    got = body(f.LOG_EVENT, {f.AT: AT, f.CODE: 0, f.LOG_ID: 65535, f.DETAILS: b"a<b"}, EQL)
    assert got == b"<LogEvent" + NS + b"><createdDateTime>1682475000</createdDateTime>" \
        b"<details>a&lt;b</details><functionSet>11</functionSet><logEventCode>0</logEventCode>" \
        b"<logEventID>65535</logEventID><logEventPEN>40732</logEventPEN><profileID>2</profileID>" \
        b"</LogEvent>", got


def test_a_usage_point_is_made_of_parts():
    head = {f.MRID: MRID, f.DESCRIPTION: b"Site", f.ROLE: b"03", f.LFDI: LFDI}
    got = body(f.MUP_HEAD, head, EQL)
    assert got == b"<MirrorUsagePoint" + NS + b"><mRID>" + MRID + b"</mRID><description>Site" \
        b"</description><roleFlags>03</roleFlags><serviceCategoryKind>0</serviceCategoryKind>" \
        b"<status>1</status><deviceLFDI>" + LFDI + b"</deviceLFDI>", got
    got = body(f.MUP_TYPE, TYPE)
    assert got == b"<MirrorMeterReading><mRID>" + MRID + b"</mRID><description>Average W Reading" \
        b" - Phase A</description><ReadingType><commodity>1</commodity><dataQualifier>2" \
        b"</dataQualifier><flowDirection>19</flowDirection><intervalLength>300</intervalLength>" \
        b"<kind>37</kind><phase>128</phase><powerOfTenMultiplier>0</powerOfTenMultiplier>" \
        b"<uom>38</uom></ReadingType></MirrorMeterReading>", got
    assert body(f.MUP_TAIL, None) == b"</MirrorUsagePoint>"


def test_a_reading_costs_no_more_than_245_bytes_in_a_list():
    got = body(f.READING, READING)
    assert got == b"<MirrorMeterReading><mRID>" + MRID + b"</mRID><lastUpdateTime>1682475000" \
        b"</lastUpdateTime><Reading><timePeriod><duration>300</duration><start>1682474700" \
        b"</start></timePeriod><value>-32768</value></Reading></MirrorMeterReading>", got
    assert len(got) == 243
    bare = dict(READING)
    bare[f.AT] = None
    assert len(body(f.READING, bare)) == 200
    assert body(f.READINGS_HEAD, {f.COUNT: 15}, EQL) == \
        b"<MirrorMeterReadingList" + NS + b' all="15" results="15">'
    assert body(f.READINGS_TAIL, None) == b"</MirrorMeterReadingList>"


def test_a_reading_alone_is_a_document():
    values = dict(READING)
    values[f.QUALITY] = 1
    got = body(f.READING, values, EQL)
    assert got.startswith(b"<MirrorMeterReading" + NS + b"><mRID>"), got
    assert b"<Reading><qualityFlags>0001</qualityFlags><timePeriod>" in got


def test_powers_fit_16_bits_rounded_to_the_nearest():
    for watts, value, multiplier in (
        (0, 0, 0), (1, 1, 0), (32767, 32767, 0), (32768, 3277, 1), (-32768, -3277, 1),
        (327674, 32767, 1), (327675, 3277, 2), (1000000, 10000, 2), (-999995, -10000, 2),
        (sep2.W_MAX, 10737, 5), (-sep2.W_MAX, -10737, 5),
    ):
        got = body(f.DER_AVAILABILITY, {f.AT: 0, f.W_AVAIL: watts}, EQL)
        wanted = "<statWAvail><multiplier>%d</multiplier><value>%d</value>" % (multiplier, value)
        assert wanted.encode() in got, (watts, got)


def test_other_quantities_are_unsigned():
    for field, given, inside in (
        (f.MAX_VA, 65535, (0, 65535)), (f.MAX_VA, 65536, (1, 6554)), (f.MAX_WH, 13500, (0, 13500)),
        (f.MAX_A, 217, (-1, 217)), (f.MAX_A, 220, (0, 22)), (f.MIN_V, 0, (0, 0)),
        (f.MAX_V, 655350, (0, 65535)), (f.MAX_V, 655351, (0, 65535)),
        (f.MAX_V, 655355, (1, 6554)), (f.MAX_V, 655360, (1, 6554)),
    ):
        values = dict(PV)
        values[field] = given
        got = body(f.DER_CAPABILITY, values, EQL)
        wanted = b"<multiplier>%d</multiplier><value>%d</value>" % inside
        assert wanted in got, (field, given, got)
    for field in (f.MAX_VA, f.MAX_A, f.MAX_V, f.MAX_WH, f.MIN_PF_OVER):
        values = dict(PV)
        values[field] = -1
        check.raises(sep2.Sep2Error, body, f.DER_CAPABILITY, values, EQL)


def test_power_factors_are_hundredths_and_var_absorbed_is_negative():
    values = dict(PV)
    values[f.MIN_PF_OVER] = 80
    for given in (2500, -2500):
        values[f.MAX_VAR_NEG] = given
        got = body(f.DER_SETTINGS, values, EQL)
        assert b"<setMinPFOverExcited><displacement>80</displacement><multiplier>-2</multiplier>" \
            b"</setMinPFOverExcited>" in got, got
        assert b"<setMaxVarNeg><multiplier>0</multiplier><value>-2500</value>" in got, got


def test_what_is_absent_is_left_out_and_what_must_be_there_is_an_error():
    for absent in (None, sep2.ABSENT):
        values = dict(PV)
        values[f.MAX_VA] = absent
        assert b"rtgMaxVA" not in body(f.DER_CAPABILITY, values, EQL)
        for field, name in ((f.MAX_W, "rtgMaxW"), (f.MODES, "modesSupported"), (f.TYPE, "type"),
                            (f.DOE_MODES, "c:doeModesSupported")):
            values = dict(PV)
            values[field] = absent
            exc = check.raises(sep2.Sep2Error, body, f.DER_CAPABILITY, values, EQL)
            assert exc.args == (name + ": missing",), exc.args
    exc = check.raises(sep2.Sep2Error, body, f.DER_STATUS, {f.ALARM: 0}, EQL)
    assert exc.args == ("readingTime: missing",)
    # The modes stand in the settings always: servers look at the bits (J33).
    exc = check.raises(sep2.Sep2Error, body, f.DER_SETTINGS, {f.MAX_W: 1, f.GRAD_W: 1}, EQL)
    assert exc.args == ("modesEnabled: missing",)


def test_zero_is_not_absent():
    values = {f.AT: 0, f.VAR_AVAIL: 0, f.RESERVE: 0}
    got = body(f.DER_AVAILABILITY, values, EQL)
    assert b"<readingTime>1577836800</readingTime><reservePercent>0</reservePercent>" \
        b"<statVarAvail><multiplier>0</multiplier><value>0</value>" in got, got


def test_values_beyond_their_range_are_errors():
    for kind, base, field, top in (
        (f.DER_CAPABILITY, PV, f.TYPE, 255), (f.DER_SETTINGS, PV, f.GRAD_W, 65535),
        (f.DER_CAPABILITY, PV, f.DOE_MODES, 255), (f.DER_CAPABILITY, PV, f.MODES, 0xFFFFFFFF),
        (f.DER_AVAILABILITY, STATUS, f.RESERVE, 10000), (f.LOG_EVENT, None, f.LOG_ID, 65535),
        (f.READING, READING, f.QUALITY, 65535), (f.READING, READING, f.DURATION, 0xFFFFFFFF),
    ):
        values = dict(base or {f.AT: 0, f.CODE: 1})
        if kind == f.DER_AVAILABILITY:
            values = {f.AT: 0}
        for value in (0, top):
            values[field] = value
            body(kind, values, EQL)
        for value in (-1, top + 1):
            values[field] = value
            exc = check.raises(sep2.Sep2Error, body, kind, values, EQL)
            assert exc.args[0].endswith(": out of range"), exc.args
    for value, sound in ((-9, True), (9, True), (-10, False), (10, False)):
        values = dict(TYPE)
        values[f.TEN] = value
        if sound:
            body(f.MUP_TYPE, values)
        else:
            check.raises(sep2.Sep2Error, body, f.MUP_TYPE, values)


def test_text_is_held_to_the_standards_lengths():
    values = dict(TYPE)
    for text in (b"x" * 32, "x" * 32, b""):
        values[f.DESCRIPTION] = text
        body(f.MUP_TYPE, values)
    values[f.DESCRIPTION] = b"Average W Reading - Phase A (Site)"  # 34 (J14)
    exc = check.raises(sep2.Sep2Error, body, f.MUP_TYPE, values)
    assert exc.args == ("description: too long",)
    values = {f.AT: 0, f.MANUFACTURER: (0, "abcdefg")}
    exc = check.raises(sep2.Sep2Error, body, f.DER_STATUS, values, EQL)
    assert exc.args == ("value: too long",)
    check.raises(sep2.Sep2Error, body, f.CONNECTION_POINT, {f.CP_ID: "x" * 33}, EQL)


def test_a_body_comes_whole_through_every_buffer_that_holds_one_element():
    for kind, values, profile in (
        (f.DER_CAPABILITY, PV, STORAGE), (f.DER_SETTINGS, PV, STORAGE),
        (f.DER_STATUS, STATUS, EQL), (f.MUP_TYPE, TYPE, None), (f.READING, READING, EQL),
        (f.MUP_TAIL, None, None),
    ):
        wanted = body(kind, values, profile)
        most = 0
        for size in range(len(wanted) + 2):
            try:
                got, n = pieces(kind, values, profile, size)
            except XMLError:
                # The longest element does not fit. One that does is never left out instead.
                assert size < 120, (kind, size)
                continue
            assert got == wanted, (kind, size, got)
            assert n == 1 or size < len(wanted)
            most = max(most, n)
        assert most > 1 or kind == f.MUP_TAIL


def test_text_that_xml_cannot_hold_is_an_error_and_no_endless_row_of_pieces():
    values = {f.AT: 0, f.CODE: 1, f.LOG_ID: 1, f.DETAILS: b"a\x00b"}
    check.raises(XMLError, pieces, f.LOG_EVENT, values, EQL, 200)


def test_writing_leaves_nothing_behind_and_little_garbage():
    body(f.DER_SETTINGS, PV, STORAGE)
    values = (PV, STATUS, READING)
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        write(WRITER, f.READING, values[2])
        reading = gc.mem_alloc() - before
        write(WRITER, f.DER_SETTINGS, values[0], STORAGE)
        rest = gc.mem_alloc() - before - reading
    finally:
        gc.enable()
    gc.collect()
    assert gc.mem_alloc() - before <= 64, gc.mem_alloc() - before
    assert reading < 3600, reading
    assert rest < 8000, rest


check.run(globals())
