"""tools.utility: what a device sends is taken or refused as real utilities do."""

import pytest
from asking import LFDI, NOW, OTHER, house, texts

from tools.pki import sfdi
from tools.utility import PROFILES

ALL = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
EQL, BETA = PROFILES["eql"], PROFILES["v1.3b-sto"]
SEP2 = 'xmlns="urn:ieee:std:2030.5:ns"'


def xml(text, profile=EQL):
    return text.replace("CSIP", f'xmlns:c="{profile.namespace}"').replace("SEP2", SEP2).encode()


def response(subject, status=1, lfdi=LFDI, created=NOW):
    return xml(
        f"<DERControlResponse SEP2><createdDateTime>{created}</createdDateTime>"
        f"<endDeviceLFDI>{lfdi}</endDeviceLFDI><status>{status}</status>"
        f"<subject>{subject}</subject></DERControlResponse>"
    )


DOCUMENTS = {
    "dercap": "<DERCapability SEP2 CSIP><modesSupported>0010000C</modesSupported><rtgMaxW>"
              "<multiplier>1</multiplier><value>500</value></rtgMaxW><type>4</type>"
              "<c:doeModesSupported>0F</c:doeModesSupported></DERCapability>",
    "derg": "<DERSettings SEP2 CSIP><modesEnabled>0010000C</modesEnabled><setGradW>27</setGradW>"
            "<setMaxW><multiplier>1</multiplier><value>500</value></setMaxW><updatedTime>1700000000"
            "</updatedTime><c:doeModesEnabled>0F</c:doeModesEnabled></DERSettings>",
    "ders": "<DERStatus SEP2><alarmStatus>00000000</alarmStatus><genConnectStatus><dateTime>1"
            "</dateTime><value>07</value></genConnectStatus><readingTime>1</readingTime>"
            "</DERStatus>",
    "dera": "<DERAvailability SEP2><readingTime>1</readingTime></DERAvailability>",
}


@ALL
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_der_documents_are_put_and_read_back(profile, kind):
    utility, device = house(profile)
    href = getattr(utility.site(), kind)
    body = xml(DOCUMENTS[kind], profile)
    reply = device.ask("PUT", href, body)
    assert (reply.status, reply.body, reply.verdict) == (204, b"", "ok")
    assert device.ask("GET", href).body == body
    assert device.ask("POST", href, body).status == 405


@ALL
@pytest.mark.parametrize("spoil", [
    (b"<type>4</type>", b""),  # a mandatory element is missing
    (b"0010000C", b"10000C0"),  # odd number of hex digits
    (b">0F<", b">0000000F<"),  # the handbook's width (J5)
    (b"<value>500</value>", b"<value>52.5</value>"),  # the handbook's decimals (J4)
    (b"https://csipaus.org/ns", b"https://csipa.us.org/ns"),  # the scan's namespace (J2)
    (b"</DERCapability>", b""),
])
def test_bodies_that_the_schema_refuses_are_refused_with_reason_0(profile, spoil):
    utility, device = house(profile)
    body = xml(DOCUMENTS["dercap"], profile).replace(*spoil)
    reply = device.ask("PUT", utility.site().dercap, body)
    assert reply.status == 400
    assert b"<reasonCode>0</reasonCode>" in reply.body
    assert reply.verdict.startswith("refused: ")
    assert utility.site().documents == {}


def test_a_valid_document_of_another_resource_or_too_large_is_refused():
    utility, device = house(EQL)
    site = utility.site()
    assert device.ask("PUT", site.dercap, xml(DOCUMENTS["ders"])).status == 400
    utility.options.max_body = 100
    assert device.ask("PUT", site.ders, xml(DOCUMENTS["ders"])).status == 413


def published(profile=EQL):
    utility, device = house(profile)
    control = utility.publish(
        "p1", {"start": NOW, "duration": 300, "modes": {"exp_w": 1}}, NOW
    )
    return utility, device, control.mrid


@ALL
def test_responses_are_stored_in_their_order(profile):
    utility, device, mrid = published(profile)
    site = utility.site()
    for status in (1, 2, 3):
        reply = device.ask("POST", site.rsp, response(mrid, status, created=NOW + status))
        assert (reply.status, reply.verdict) == (201, "ok")
        assert texts(device.get(reply.headers["Location"]), "status") == [str(status)]
    assert [(r["subject"], r["status"], r["created"]) for r in site.responses] == [
        (mrid, s, NOW + s) for s in (1, 2, 3)
    ]


@pytest.mark.parametrize("change", [
    {"lfdi": OTHER}, {"lfdi": LFDI.lower()}, {"status": 4}, {"status": 14}, {"status": 252},
    {"subject": "00" * 16},
])
def test_responses_with_wrong_values_are_refused_with_reason_1(change):
    utility, device, mrid = published()
    reply = device.ask("POST", utility.site().rsp, response(**{"subject": mrid, **change}))
    assert reply.status == 400 and b"<reasonCode>1</reasonCode>" in reply.body
    assert utility.site().responses == []


def test_a_subject_in_another_case_is_refused():
    utility, device, mrid = published(BETA)
    assert mrid != mrid.upper()
    assert device.ask("POST", utility.site().rsp, response(mrid.upper())).status == 400


def test_responses_out_of_order_are_taken_with_a_remark():
    utility, device, mrid = published()
    rsp = utility.site().rsp
    said = [device.ask("POST", rsp, response(mrid, s)).verdict for s in (2, 1, 1, 6, 3)]
    assert said == [
        "ok, but: no Received before it", "ok", "ok, but: sent before", "ok",
        "ok, but: after the event's last response",
    ]
    utility.site().remove_program("p1")
    assert device.ask("POST", rsp, response(mrid, 7)).verdict.endswith("the program is gone")


def device_body(lfdi=LFDI, short=None, category="00200000"):
    return xml(f"<EndDevice SEP2><deviceCategory>{category}</deviceCategory><lFDI>{lfdi}</lFDI>"
               f"<sFDI>{short or sfdi(LFDI)}</sFDI><changedTime>{NOW}</changedTime></EndDevice>")


@ALL
def test_a_device_registers_itself_in_band_where_allowed(profile):
    utility, device = house(profile, register=False, in_band=True, static_pin=123455)
    path = utility.roots["edevl"]
    for body, status in ((device_body(lfdi=LFDI.lower()), 400), (device_body(lfdi=OTHER), 403),
                         (device_body(short=1), 403), (device_body(category="04000000"), 400)):
        assert device.ask("POST", path, body).status == status
    reply = device.ask("POST", path, device_body())
    assert reply.status == 201
    assert texts(device.get(reply.headers["Location"]), "lFDI") == [LFDI]
    assert texts(device.get(utility.site().rg), "pIN") == ["123455"]
    assert device.ask("POST", path, device_body()).status == 409
    utility.options.in_band = False
    assert device.ask("POST", path, device_body()).status == profile.forbidden


def test_the_connection_point_is_an_nmi_and_can_be_locked():
    utility, device = house(BETA)
    path = utility.site().cp

    def put(nmi):
        return device.ask("PUT", path, (
            f'<ConnectionPoint xmlns="{BETA.namespace}"><connectionPointId>{nmi}'
            "</connectionPointId></ConnectionPoint>").encode())

    assert put("12").status == 422
    reply = put("QB12345678")
    assert (reply.status, reply.headers["Location"]) == (201, path)
    assert texts(device.get(path), "connectionPointId") == ["QB12345678"]
    utility.options.lock_cp = True
    assert [put(n).status for n in ("QB12345678", "QB12345679")] == [201, 409]


def test_log_events_are_kept():
    utility, device = house(EQL)
    site = utility.site()
    body = xml(f"<LogEvent SEP2><createdDateTime>{NOW}</createdDateTime><functionSet>11"
               "</functionSet><logEventCode>2</logEventCode><logEventID>1</logEventID>"
               "<logEventPEN>40732</logEventPEN><profileID>2</profileID></LogEvent>")
    reply = device.ask("POST", site.lel, body)
    assert reply.status == 201
    assert texts(device.get(reply.headers["Location"]), "logEventCode") == ["2"]
    assert device.get(site.lel, l=9).get("all") == "1"


READING = ("<Reading><qualityFlags>0001</qualityFlags><timePeriod><duration>300</duration>"
           "<start>{start}</start></timePeriod><value>{value}</value></Reading>")
TYPE = ("<ReadingType><commodity>1</commodity><dataQualifier>2</dataQualifier><kind>{kind}</kind>"
        "<phase>128</phase><powerOfTenMultiplier>0</powerOfTenMultiplier><uom>38</uom>"
        "</ReadingType>")
MUP, MMR = "A" * 24 + "00032473", "B" * 24 + "00032473"
MINUTE = NOW // 60 * 60


def meter(mrid=MMR, tail="", root="MirrorMeterReading SEP2"):
    return f"<{root}><mRID>{mrid}</mRID>{tail}</{root.split()[0]}>"


def usage_point(inner, role="03", lfdi=LFDI, mrid=MUP):
    return xml(f"<MirrorUsagePoint SEP2><mRID>{mrid}</mRID><roleFlags>{role}</roleFlags>"
               "<serviceCategoryKind>0</serviceCategoryKind><status>1</status>"
               f"<deviceLFDI>{lfdi}</deviceLFDI>{inner}</MirrorUsagePoint>")


def inner_type(kind=37, mrid=MMR):
    return meter(mrid, TYPE.format(kind=kind), "MirrorMeterReading")


@ALL
def test_a_usage_point_is_created_once_and_listed_with_its_post_rate(profile):
    utility, device = house(profile)
    path = utility.roots["mupl"]
    utility.set_rate("post", 60)
    first = device.ask("POST", path, usage_point(inner_type()))
    again = device.ask("POST", path, usage_point(inner_type()))
    assert [r.status for r in (first, again)] == [201, 204]
    assert [r.verdict for r in (first, again)] == ["ok", "ok"]
    assert first.headers == again.headers
    root = device.get(path, l=9)
    assert root.get("all") == "1" and texts(root, "postRate") == ["60"]
    assert texts(device.get(first.headers["Location"]), "mRID") == [MUP, MMR]


@ALL
def test_usage_points_with_wrong_values_are_refused(profile):
    utility, device = house(profile)
    path = utility.roots["mupl"]
    cases = [(usage_point(inner_type(), lfdi=OTHER), 403), (usage_point(inner_type(9)), 400),
             (usage_point(""), 201 if profile.bare_mup else 400)]
    assert [device.ask("POST", path, b).status for b, _ in cases] == [s for _, s in cases]


@ALL
def test_readings_are_upserted_singly_or_as_a_list(profile):
    utility, device = house(profile)
    href = device.ask("POST", utility.roots["mupl"], usage_point(inner_type())).headers["Location"]
    point = utility.site().usage_points[MUP]
    one = xml(meter(tail=READING.format(start=MINUTE, value=1500)))
    reply = device.ask("POST", href, one)
    assert (reply.status, reply.verdict) == (201, "ok")
    assert ("Location" in reply.headers) is (profile.name == "eql")
    inner = meter(tail=READING.format(start=MINUTE, value=-7), root="MirrorMeterReading")
    other = meter("C" * 24 + "00032473", READING.format(start=MINUTE, value=5)
                  + TYPE.format(kind=37), "MirrorMeterReading")
    both = xml(f'<MirrorMeterReadingList SEP2 all="2" results="2">{inner}{other}'
               "</MirrorMeterReadingList>")
    assert device.ask("POST", href, both).status == 201
    values = {k[0][0]: v["value"] for k, v in point.readings.items()}
    assert values == {"B": -7, "C": 5}


@ALL
def test_readings_with_wrong_values_are_refused(profile):
    utility, device = house(profile)
    href = device.ask("POST", utility.roots["mupl"], usage_point(inner_type())).headers["Location"]
    untimed = "<Reading><value>1</value></Reading>"
    fine = READING.format(start=MINUTE, value=40000)
    cases = [
        (meter("D" * 32, fine), 400),  # unknown, without its type
        (meter(tail=untimed), 400),
        (meter(tail=fine), 400 if profile.int16_readings else 201),
    ]
    assert [device.ask("POST", href, xml(b)).status for b, _ in cases] == [s for _, s in cases]
    second = usage_point(inner_type(), role="49", mrid="F" * 24 + "00032473")
    assert device.ask("POST", utility.roots["mupl"], second).status == 400  # MMR's mRID is taken


def test_what_a_procedure_would_fault_is_remarked():
    utility, device = house(EQL, pen=57269)
    reply = device.ask("POST", utility.roots["mupl"], usage_point(inner_type(), role="0B"))
    assert reply.verdict.startswith("ok, but: ") and "roleFlags" in reply.verdict
    assert "another PEN" in reply.verdict
    odd = READING.format(start=MINUTE + 1, value=1).replace(">300<", ">59<")
    verdict = device.ask("POST", reply.headers["Location"], xml(meter(tail=odd))).verdict
    assert "off the minute" in verdict and "not whole minutes" in verdict


def test_a_new_usage_point_can_be_slow_to_appear():
    utility, device = house(EQL, mup_delay=8)
    reply = device.ask("POST", utility.roots["mupl"], usage_point(inner_type()))
    href = reply.headers["Location"]
    body = xml(meter(tail=READING.format(start=MINUTE, value=1)))
    device.now = NOW + 7
    assert device.ask("POST", href, body).status == 404
    device.now = NOW + 8
    assert device.ask("POST", href, body).status == 201
