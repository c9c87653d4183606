# heap: 160k
"""Identifiers, profiles, pages and responses against the numbers of the handbook."""

import check
import sep2
from xmlpull import Writer, XMLError


def test_sfdi_of_the_handbooks_devices():
    for head, wanted in (("4075DE6031", 173034634270), ("4AECA0BBB7", 201123460434),
                         ("B1857F74B5", 476530583793), ("3E4F45AB31", 167261211391)):
        assert sep2.sfdi((head + "0" * 30).encode()) == wanted, head
    assert sep2.sfdi(b"000000000" + b"0" * 31) == 0


def test_lfdi_is_the_head_of_the_hash():
    # SHA-256 of "abc" (FIPS 180-4, example).
    assert sep2.lfdi(b"abc") == b"BA7816BF8F01CFEA414140DE5DAE2223B00361A3"


def test_the_check_digit_of_a_pin():
    for pin in (111115, 332211, 123455, 0, 99999 * 10 + 5):
        assert sep2.pin_valid(pin), pin
    for pin in (111114, 1234, 123456, 1111150, -1):
        assert not sep2.pin_valid(pin), pin


def test_pins_compare_as_numbers():
    assert sep2.pin_equal("011114", 11114)
    assert sep2.pin_equal(111115, 111115)
    assert not sep2.pin_equal(111115, 111114)


LFDI = b"4075DE6031E562ACF4D9EAA765A5B2ED00057269"


def test_mrids_of_usage_points_are_those_of_the_handbook():
    assert sep2.mup_mrid(LFDI, b"49", 57269) == b"4075DE6031E562ACF4D9EA4900057269"
    assert sep2.mup_mrid(LFDI, b"03", 1) == b"4075DE6031E562ACF4D9EA0300000001"
    assert sep2.mup_mrid(LFDI, b"03", 99999999)[-8:] == b"99999999"


def test_mrids_of_readings_are_the_head_of_a_hash_with_role_and_pen():
    # SHA-256 of "abc" (FIPS 180-4, example).
    assert sep2.mmr_mrid(b"a", b"bc", b"03", 57269) == b"BA7816BF8F01CFEA4141400300057269"


def test_no_two_readings_share_an_mrid():
    other = b"3E4F45AB31E562ACF4D9EAA765A5B2ED00057269"
    seen = set()
    for lfdi in (LFDI, other):
        for role in (b"03", b"49"):
            seen.add(sep2.mup_mrid(lfdi, role, 57269))
            for uom in (b"38", b"63", b"29", b"33"):
                for phase in (b"0", b"128", b"64", b"32"):
                    mrid = sep2.mmr_mrid(lfdi, uom + b"/" + phase, role, 57269)
                    assert len(mrid) == 32 and mrid == mrid.upper()
                    assert mrid[22:] == role + b"00057269"
                    assert all(c in b"0123456789ABCDEF" for c in mrid)
                    seen.add(mrid)
    assert len(seen) == 4 + 64


def test_a_page_has_start_and_limit():
    assert sep2.page("/derp/1/derc", 0, 255) == "/derp/1/derc?s=0&l=255"
    assert sep2.page("/derp/1/derc?a=1", 10, 5) == "/derp/1/derc?a=1&s=10&l=5"


def test_profiles_differ_as_the_servers_do():
    eql, v13, sto = sep2.PROFILES["eql"], sep2.PROFILES["v1.3"], sep2.PROFILES["v1.3b-sto"]
    assert (eql.csipaus_ns, eql.media_type) == (b"https://csipaus.org/ns", "application/sep+xml")
    assert v13.csipaus_ns == b"https://csipaus.org/ns/v1.3"
    assert v13.media_type == "application/sep+xml; csipaus=1.3"
    assert sto.csipaus_ns == b"https://csipaus.org/ns/v1.3-beta/storage"
    assert sto.media_type == "application/sep+xml; csipaus=1.3-beta_storage"
    assert (eql.storage, v13.storage, sto.storage) == (False, True, True)
    assert (eql.well_known, v13.well_known, sto.well_known) == (False, True, False)
    for name in sep2.PROFILES:
        assert sep2.PROFILES[name].name == name
        assert sep2.PROFILES[name].csipaus_ns in sep2.NAMESPACES


def key(text):
    """mRID key of a text."""
    packed = bytearray(sep2.KEY_SIZE)
    assert sep2.pack_mrid(packed, text, 0, len(text))
    return packed


def test_a_key_is_laid_out_as_the_design_says():
    assert bytes(key(b"aB12c")) == b"\xab\x12\xc0" + bytes(13) + b"\x05\x88\0\0\0"
    full = key(b"DC1B27AC943B44AC87DAF7E162B6F6d4")
    assert bytes(full) == b"\xdc\x1b\x27\xac\x94\x3b\x44\xac\x87\xda\xf7\xe1\x62\xb6\xf6\xd4" \
        b"\x20\0\0\0\x02"


def test_packing_an_mrid_does_not_allocate():
    packed = bytearray(sep2.KEY_SIZE)
    for text in (b"33b710b2e8c2424997f8ea1e00057269", b"33B710B2E8C2424997F8EA1E0005726", b"a"):
        def pack():
            return sep2.pack_mrid(packed, text, 0, len(text))
        assert check.locked(pack)
        assert sep2.mrid_text(packed) == text


def test_a_response_is_that_of_the_handbook():
    buf = bytearray(400)
    writer = Writer(buf)
    n = sep2.write_response(writer, key(b"DC1B27AC943B44AC87DAF7E162B6F6D4"), 1,
                            1682475000 - sep2.EPOCH, b"4075DE6031E562ACF4D9EAA765A5B2ED00057269")
    wanted = b"".join(line.strip() for line in check.vector("annex_d_rsp.xml").split(b"\n"))
    assert bytes(buf[:n]) == wanted
    again = sep2.write_response(writer, key(b"ab1"), 7, 0, b"0" * 40)  # the writer begins anew
    text = bytes(buf[:again])
    assert text.endswith(b"<status>7</status><subject>ab1</subject></DERControlResponse>"), text
    assert b"<createdDateTime>1577836800</createdDateTime>" in text


def test_a_response_that_does_not_fit_is_an_error():
    subject = key(b"DC1B27AC943B44AC87DAF7E162B6F6D4")
    n = sep2.write_response(Writer(bytearray(400)), subject, 1, 104638200, b"4" * 40)
    assert n == 257, n
    for size in range(n):
        check.raises(XMLError, sep2.write_response, Writer(bytearray(size)), subject, 1,
                     104638200, b"4" * 40)
    assert sep2.write_response(Writer(bytearray(n)), subject, 1, 104638200, b"4" * 40) == n


check.run(globals())
