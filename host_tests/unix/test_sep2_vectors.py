# heap: 232k
"""The documents of the handbook's Annex D come out with its values, however they are cut."""

import check
import sep2_feed
import sep2
from xmlpull import XMLError

def with_hrefs(xml):
    return sep2.DERControlList(xml, href_max=sep2.HREF_MAX)


_SMALL_READ = (100000, 100, 7, 1)  # whole, in parts, byte by byte


def read(cls, name, row):
    """Rows of a vector, the same for every size of parts; and the reader after it."""
    xml, window = sep2_feed.make()
    reader = cls(xml)
    data = check.vector(name)
    rows = None
    for size in _SMALL_READ:
        got = sep2_feed.whole(reader, xml, window, data, size, row)
        assert rows is None or got == rows, (size, got)
        rows = got
    return rows, reader


def test_device_capability_gives_its_links():
    rows, dcap = read(sep2.DeviceCapability, "annex_d_dcap.xml", None)
    assert rows == []
    assert dcap.poll_rate == -1
    assert dcap.time_href == "/api/v2/tm"
    assert dcap.edev_href == "/api/v2/edev"
    assert dcap.mup_href == "/api/v2/mup"


def test_device_capability_without_telemetry_gives_its_rate():
    _rows, dcap = read(sep2.DeviceCapability, "handbook_7_dcap.xml", None)
    assert dcap.poll_rate == 810
    assert dcap.time_href == "/dcap/tm"
    assert dcap.mup_href is None


def test_time_counts_from_2020():
    _rows, time = read(sep2.Time, "annex_d_time.xml", None)
    assert time.current == 1682475024 - sep2.EPOCH
    assert time.quality == 5
    assert time.poll_rate == -1


def device(r):
    return (r.href, r.lfdi, r.sfdi, r.enabled, r.fsa_href, r.der_href, r.registration_href,
            r.cp_href, r.log_href, r.post_rate, r.bad)


def test_end_devices_are_told_by_their_identifiers():
    rows, edevs = read(sep2.EndDeviceList, "annex_d_edevl.xml", device)
    assert (edevs.all, edevs.results, edevs.poll_rate, len(rows)) == (5, 5, -1, 5)
    at = "/api/v2/edev/_EQLDEV3"
    assert rows[0] == (
        at, b"4075DE6031E562ACF4D9EAA765A5B2ED00057269", b"173034634270", 1, at + "/fsa",
        at + "/der", at + "/rg", None, at + "/lel", -1, None)
    at = "/api/v2/edev/E-AGGREQL"
    assert rows[4] == (
        at, b"B1857F74B5DA25E82E78BE34877221CB89D55F45", b"476530583793", -1, None,
        None, at + "/rg", None, at + "/lel", -1, None)
    for row in rows:
        assert int(row[2]) == sep2.sfdi(row[1])


def test_a_single_end_device_is_a_list_of_one():
    rows, edevs = read(sep2.EndDeviceList, "annex_d_edev.xml", device)
    assert (edevs.all, edevs.results, len(rows)) == (1, 1, 1)
    assert rows[0][0] == "/api/v2/edev/_EQLDEV3"
    assert rows[0][2] == b"173034634270"


def test_a_der_leads_to_what_is_put():
    rows, ders = read(sep2.DERList, "annex_d_derl.xml", lambda r: (
        r.href, r.derp_href, r.dercap_href, r.derg_href, r.ders_href, r.dera_href, r.bad))
    assert (ders.all, ders.results, ders.poll_rate) == (1, 1, 301)
    at = "/api/v2/edev/_EQLDEV3/der/_EQLDEV3"
    assert rows == [(at, None, at + "/dercap", at + "/derg", at + "/ders", at + "/dera", None)]


def usage_point(r):
    return r.href, r.mrid, r.lfdi, r.post_rate, r.bad


def test_usage_points_are_told_by_their_mrids():
    rows, mups = read(sep2.MirrorUsagePointList, "annex_d_mup.xml", usage_point)
    assert (mups.all, mups.results, mups.poll_rate) == (2, 2, -1)
    lfdi = b"4075DE6031E562ACF4D9EAA765A5B2ED00057269"
    assert rows == [
        ("/api/v2/mup/85a3f3a1-8fdf-4952-bdf6-cdf405e33127", b"4075DE6031E562ACF4D9EA4900057269",
         lfdi, -1, None),
        ("/api/v2/mup/86e73745-8a19-4ece-86c8-78a6852964a5", b"4075DE6031E562ACF4D9EA0B00057269",
         lfdi, -1, None)]


def test_the_meter_readings_of_a_usage_point_are_passed_over():
    rows, mups = read(sep2.MirrorUsagePointList, "mup_list.xml", usage_point)
    assert (mups.all, mups.results, mups.poll_rate) == (3, 2, 60)
    lfdi = b"4075DE6031E562ACF4D9EAA765A5B2ED00057269"
    assert rows == [
        ("/mup/1", b"4075DE6031E562ACF4D9EA0300057269", lfdi, 60, None),
        ("/mup/2", b"4075DE6031E562ACF4D9EA4900057269", lfdi, 0x3FFFFFFF, None)]


def test_a_connection_point_has_one_name_or_the_other():
    _rows, cp = read(sep2.ConnectionPoint, "cp_v13.xml", None)
    assert cp.cp_id == b"QB1234&5678"
    _rows, cp = read(sep2.ConnectionPoint, "cp_v11.xml", None)
    assert cp.cp_id == b"QB12345678"


def test_registration_gives_a_pin_of_any_length():
    _rows, registration = read(sep2.Registration, "annex_d_rg.xml", None)
    assert registration.pin == 1234
    assert registration.poll_rate == 300


def test_function_set_assignments_lead_to_programs():
    rows, fsas = read(sep2.FunctionSetAssignmentsList, "annex_d_fsa.xml",
                      lambda r: (r.href, r.derp_href, r.time_href, r.bad))
    assert (fsas.all, fsas.results) == (2, 2)
    at = "/api/v2/edev/_EQLDEV3/fsa/"
    assert rows == [(at + "2", at + "2/derp", "/api/v2/tm", None),
                    (at + "1", at + "1/derp", "/api/v2/tm", None)]


def program(r):
    return r.href, r.primacy, r.dderc_href, r.derc_href, r.bad


def test_a_program_gives_primacy_and_links():
    rows, programs = read(sep2.DERProgramList, "annex_d_derp.xml", program)
    at = "/api/v2/derp/TESTPRG3"
    assert rows == [(at, 1, at + "/dderc", at + "/derc", None)]
    assert programs.poll_rate == 301


def test_a_program_may_have_no_default():
    rows, _programs = read(sep2.DERProgramList, "annex_d_derp_1.xml", program)
    at = "/api/v2/derp/P-_EQLDEV3"
    assert rows == [(at, 102, None, at + "/derc", None)]


def modes(rec):
    """{mode: value} of a record."""
    return {m: rec[sep2.VALUE + m] for m in range(sep2.MODES_N) if rec[sep2.MODES] & (1 << m)}


def test_the_default_is_1500_w_both_ways():
    _rows, default = read(sep2.DefaultDERControl, "annex_d_dderc.xml", None)
    assert modes(default.rec) == {
        sep2.ENERGIZE: 1, sep2.IMP_LIM_W: 1500, sep2.EXP_LIM_W: 1500}
    assert default.rec[sep2.GRAD] == -1  # setSoftGradW is another thing
    assert default.bad is None
    assert sep2.mrid_text(default.key) == b"E6F3A83FC1E64929BB4502AA0CEA0FDB"


def control(r):
    rec = r.rec
    return (bytes(r.key), [rec[i] for i in range(sep2.MODES)], modes(rec), r.href(), r.reply_to,
            r.bad)


def test_the_five_controls_have_the_limits_of_the_handbook():
    rows, controls = read(with_hrefs, "annex_d_derc.xml", control)
    assert (controls.all, controls.results, len(rows)) == (5, 5, 5)
    imp, exp, gen, load = sep2.IMP_LIM_W, sep2.EXP_LIM_W, sep2.GEN_LIM_W, sep2.LOAD_LIM_W
    wanted = (
        (b"DC1B27AC943B44AC87DAF7E162B6F6D4", 1682511010, 1682475300,
         {imp: 3512, exp: 2512, gen: 30000, load: 30000}),
        (b"737A28BE154F4050BFB61D24202C0983", 1682511011, 1682475600, {imp: 2510, exp: 2500}),
        (b"B449BA6254B54629824DD5A8483FDC85", 1682511011, 1682475900, {imp: 5000, exp: 5000}),
        (b"13F80DFABADB421088DFC77B7C05AA7E", 1682511012, 1682476200, {imp: 12000, exp: 10000}),
        (b"295BB93B19464FC99501B8AB04689F87", 1682511013, 1682476500,
         {imp: 0, exp: 0, gen: 0, load: 0}),
    )
    for row, (mrid, created, start, limits) in zip(rows, wanted):
        key, numbers, got, href, reply_to, bad = row
        assert sep2.mrid_text(key) == mrid
        assert numbers == [created - sep2.EPOCH, 0, start - sep2.EPOCH, 300, 0, 0, 3, -1, -1, -1]
        assert got == limits, (mrid, got)
        assert href == "/api/v2/derp/TESTPRG3/derc/" + mrid.decode()
        assert reply_to == "/api/v2/rsps/res-ms/rsp"
        assert bad is None


def test_a_list_without_controls_is_whole():
    rows, controls = read(with_hrefs, "annex_d_derc_empty.xml", control)
    assert rows == []
    assert (controls.all, controls.results) == (0, 0)


def test_bare_numbers_are_watts():
    rows, controls = read(with_hrefs, "handbook_7_5_derc.xml", control)
    assert (controls.all, controls.results) == (2, 1)
    key, numbers, limits, href, reply_to, bad = rows[0]
    assert bad is None
    assert sep2.mrid_text(key) == b"ABCDEF0123456789"
    assert numbers[:6] == [1639545523 - sep2.EPOCH, 1, 1605621600 - sep2.EPOCH, 86400, 10, 0]
    assert limits == {sep2.IMP_LIM_W: 20000, sep2.EXP_LIM_W: 5000}
    assert href is None and reply_to is None


ALL = (
    (sep2.DeviceCapability, "annex_d_dcap.xml"),
    (sep2.DeviceCapability, "handbook_7_dcap.xml"),
    (sep2.Time, "annex_d_time.xml"),
    (sep2.EndDeviceList, "annex_d_edev.xml"),
    (sep2.EndDeviceList, "annex_d_edevl.xml"),
    (sep2.Registration, "annex_d_rg.xml"),
    (sep2.FunctionSetAssignmentsList, "annex_d_fsa.xml"),
    (sep2.DERList, "annex_d_derl.xml"),
    (sep2.MirrorUsagePointList, "annex_d_mup.xml"),
    (sep2.MirrorUsagePointList, "mup_list.xml"),
    (sep2.ConnectionPoint, "cp_v13.xml"),
    (sep2.ConnectionPoint, "cp_v11.xml"),
    (sep2.DERProgramList, "annex_d_derp.xml"),
    (sep2.DERProgramList, "annex_d_derp_1.xml"),
    (sep2.DefaultDERControl, "annex_d_dderc.xml"),
    (with_hrefs, "annex_d_derc.xml"),
    (with_hrefs, "annex_d_derc_empty.xml"),
    (with_hrefs, "handbook_7_5_derc.xml"),
)


def outcome(reader, xml, window, data):
    """True when the document came to DONE, False when it ended in an error of ours."""
    try:
        sep2_feed.drive(reader, xml, window, (data,), lambda r: None)
    except (XMLError, sep2.Sep2Error):
        return False
    return True


def test_a_document_cut_anywhere_is_never_done():
    xml, window = sep2_feed.make(4096)
    for cls, name in ALL:
        reader = cls(xml)
        data = check.vector(name).rstrip()
        for n in range(len(data)):
            assert not outcome(reader, xml, window, data[:n]), (name, n)
        assert outcome(reader, xml, window, data), name


def test_what_follows_the_root_is_an_error():
    xml, window = sep2_feed.make()
    reader = sep2.DERControlList(xml)
    data = check.vector("annex_d_derc_empty.xml")
    assert outcome(reader, xml, window, data + b"<!-- end -->\n")
    assert not outcome(reader, xml, window, data + b"x")
    assert not outcome(reader, xml, window, data + data)


def test_another_root_is_named():
    xml, window = sep2_feed.make()
    for data, name in (
        (b"<html><body/></html>", b"html"),
        (b"<html/>", b"html"),
        (b'<Error xmlns="urn:ieee:std:2030.5:ns"><reasonCode>0</reasonCode></Error>', b"Error"),
        (b'<Time xmlns="urn:other"/>', b"Time"),
        (b'<DERProgramList xmlns="urn:ieee:std:2030.5:ns"/>', b"DERProgramList"),
    ):
        reader = sep2.DERControlList(xml)
        exc = check.raises(sep2.Sep2Error, sep2_feed.drive, reader, xml, window, (data,), None)
        assert exc.args == ("root", name), exc.args


def test_reading_controls_allocates_nothing_once_the_reply_is_known():
    data = check.vector("annex_d_derc.xml")
    xml, window = sep2_feed.make(len(data) + 64)
    reader = sep2.DERControlList(xml)
    sep2_feed.drive(reader, xml, window, (data,), lambda r: None)
    reader.begin()
    at = xml.room()
    window[at:at + len(data)] = data
    xml.feed(len(data))
    for i in range(5):
        assert check.locked(reader.next_record) == sep2.ITEM, i


def test_programs_are_told_apart_by_their_mrid_of_any_length():
    xml, window = sep2_feed.make()
    reader = sep2.DERProgramList(xml)
    seen = []
    for mrid in ("", "<mRID>C7170E2F587E43EE98E51043FECDBA09</mRID>",
                 "<mRID>C7170E2F587E43EE98E51044FECDBA09</mRID>",
                 "<mRID>\n C7170E2F587E43EE98E51043FECDBA09 </mRID>",
                 "<mRID>" + "0123456789" * 4 + "1</mRID>", "<mRID>no hex at all</mRID>"):
        data = ('<DERProgramList xmlns="urn:ieee:std:2030.5:ns" all="1" results="1">'
                '<DERProgram href="/p">' + mrid + "<primacy>1</primacy></DERProgram>"
                "</DERProgramList>").encode()
        (one,) = sep2_feed.whole(reader, xml, window, data, 9, lambda r: (r.mrid, r.bad))
        assert one[1] is None, mrid
        seen.append(one[0])
    assert seen[0] == -1 and seen[1] == seen[3] and len(set(seen)) == 5


check.run(globals())
