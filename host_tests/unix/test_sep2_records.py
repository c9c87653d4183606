# heap: 192k
"""Values of a control: normalised exactly, and bad rather than left out or taken for another."""

import check
import sep2_feed
import sep2

XML, WINDOW = sep2_feed.make()
CONTROLS = sep2.DERControlList(XML, href_max=sep2.HREF_MAX)


def one(data):
    """The reader after the one control of `data`; its values hold until the next read."""
    n = []
    sep2_feed.drive(CONTROLS, XML, WINDOW, (data,), n.append)
    assert len(n) == 1, len(n)
    return CONTROLS


def mode(base, mode):
    """Value of the mode, "absent" or ("bad", reason) of a control with that base."""
    r = one(sep2_feed.control(base))
    if r.bad is not None:
        return ("bad", r.bad)
    return r.rec[sep2.VALUE + mode] if r.rec[sep2.MODES] & (1 << mode) else "absent"


def power(multiplier, value, name="c:opModExpLimW", number=sep2.EXP_LIM_W):
    """What an ActivePower comes to."""
    return mode("<%s><multiplier>%s</multiplier><value>%s</value></%s>" % (
        name, multiplier, value, name), number)


def test_active_power_is_whole_watts_rounded_to_less():
    top = sep2.W_MAX
    for multiplier, value, wanted in (
        (0, 0, 0), (0, 32767, 32767), (4, 3, 30000), (1, 251, 2510), (-1, 19999, 1999),
        (-9, 32767, 0), (-3, "1999", 1), (9, 1, 10 ** 9), (9, 2, top), (0, top, top),
        (0, top + 1, top), (0, 2 ** 62, top), (-9, 7 * 10 ** 12 + 1, 7000), (0, "+5", 5),
        (0, " 5 ", 5), (0, "-0", 0),
    ):
        assert power(multiplier, value) == wanted, (multiplier, value)


def test_a_signed_target_rounds_toward_zero():
    for name, number in (("opModTargetW", sep2.TARGET_W),
                         ("c:opModStorageTargetW", sep2.STORAGE_TARGET_W)):
        for multiplier, value, wanted in (
            (0, -32768, -32768), (-1, -19, -1), (-1, 19, 1), (-2, -99, 0), (2, -50, -5000),
            (9, -32768, -sep2.W_MAX), (0, -2 ** 62, -sep2.W_MAX),
        ):
            assert power(multiplier, value, name, number) == wanted, (name, multiplier, value)


def test_a_limit_below_zero_is_bad():
    for name, number in (("c:opModExpLimW", sep2.EXP_LIM_W), ("c:opModImpLimW", sep2.IMP_LIM_W),
                         ("c:opModGenLimW", sep2.GEN_LIM_W), ("c:opModLoadLimW", sep2.LOAD_LIM_W)):
        assert power(0, -1, name, number)[0] == "bad"
        assert mode("<%s>-1</%s>" % (name, name), number)[0] == "bad"
        assert power(0, 1, name, number) == 1


def test_a_multiplier_beyond_nine_is_bad():
    for multiplier in (10, -10, 127, 2 ** 62, "x", ""):
        assert power(multiplier, 1)[0] == "bad", multiplier


def test_a_power_comes_in_any_order_or_bare():
    name = "c:opModImpLimW"
    for inside, wanted in (
        ("<value>15</value><multiplier>2</multiplier>", 1500),
        ("\n <value>15</value>\n <x>9</x><multiplier>2</multiplier><y><value>1</value></y>", 1500),
        ("20000", 20000),
        (" 20000\n", 20000),
    ):
        assert mode("<%s>%s</%s>" % (name, inside, name), sep2.IMP_LIM_W) == wanted, inside


def test_a_power_that_cannot_be_read_is_bad():
    name = "c:opModImpLimW"
    for inside in (
        "", "52.5", "1e3", "none", "<value>1</value>", "<multiplier>0</multiplier>",
        "<multiplier>0</multiplier><value/>", "<multiplier>0</multiplier><value>2.5</value>",
        "<multiplier>0</multiplier><value>1<!-- x -->5</value>",
        "<multiplier>0</multiplier><value>1</value><value>1</value>",
        "<multiplier>0</multiplier><multiplier>0</multiplier><value>1</value>",
        "<multiplier>0</multiplier><value><value>1</value></value>",
        "<multiplier>0</multiplier>5<value>1</value>",
        "20<!-- x -->000",
        "99999999999999999999",
    ):
        assert mode("<%s>%s</%s>" % (name, inside, name), sep2.IMP_LIM_W)[0] == "bad", inside
    assert mode("<%s/>" % name, sep2.IMP_LIM_W)[0] == "bad"


def test_every_mode_given_twice_is_bad():
    for name, text in (("opModConnect", "true"), ("opModFixedW", "1"), ("opModMaxLimW", "1"),
                       ("c:opModExpLimW", "1"), ("opModTargetW", "1"), ("rampTms", "1")):
        element = "<%s>%s</%s>" % (name, text, name)
        assert one(sep2_feed.control(element)).bad is None, name
        assert one(sep2_feed.control(element + element)).bad is not None, name


def test_booleans_have_four_spellings():
    for name, number in (("opModConnect", sep2.CONNECT), ("opModEnergize", sep2.ENERGIZE)):
        for text, wanted in (("true", 1), ("1", 1), ("false", 0), ("0", 0), (" true\n", 1)):
            assert mode("<%s>%s</%s>" % (name, text, name), number) == wanted, text
        for text in ("", "TRUE", "yes", "2", "tru", "falsey", "t", "10", "true x"):
            assert mode("<%s>%s</%s>" % (name, text, name), number)[0] == "bad", text


def test_percents_are_held_to_their_ranges():
    for name, number, low in (("opModMaxLimW", sep2.MAX_LIM_W, 0),
                              ("opModFixedW", sep2.FIXED_W, -10000)):
        for value in (low, low + 1, 0, 9999, 10000):
            assert mode("<%s>%d</%s>" % (name, value, name), number) == value
        for value in (low - 1, 10001, 65535):
            assert mode("<%s>%d</%s>" % (name, value, name), number)[0] == "bad"


def test_modes_whose_names_have_one_key_are_told_apart():
    base = "<opModTargetW><multiplier>0</multiplier><value>-7</value></opModTargetW>" \
           "<opModMaxLimW>8</opModMaxLimW>"
    assert mode(base, sep2.TARGET_W) == -7
    assert mode(base, sep2.MAX_LIM_W) == 8
    # Same length, first, middle and last letter as opModExpLimW, but another name.
    assert mode("<c:opXXXXxXXXXW>1</c:opXXXXxXXXXW>", sep2.EXP_LIM_W) == "absent"


def test_elements_that_are_not_ours_are_passed_over():
    base = (
        '<opModFixedVar><refType>1</refType><value>5</value></opModFixedVar>'
        '<opModFixedPFInjectW><displacement>95</displacement><excitation>true</excitation>'
        '<multiplier>-2</multiplier></opModFixedPFInjectW><opModVoltWatt href="/c/1"/>'
        '<v:opModExpLimW xmlns:v="urn:vendor"><multiplier>0</multiplier><value>1</value>'
        '</v:opModExpLimW><v:opModLater xmlns:v="urn:vendor">1</v:opModLater>'
        "<c:opModExpLimW>4</c:opModExpLimW>"
    )
    r = one(sep2_feed.control(base, "<description>a<!-- b -->c</description><later/>"))
    assert r.bad is None
    assert r.rec[sep2.MODES] == 1 << sep2.EXP_LIM_W
    assert r.rec[sep2.VALUE + sep2.EXP_LIM_W] == 4
    assert r.rec[sep2.VALUE + sep2.GEN_LIM_W] == sep2.ABSENT
    # A mode that stands there alone may be a limit: it is not left out.
    base += '<v:opModGenLimW xmlns:v="https://csipaus.org/ns/v9">1</v:opModGenLimW>'
    assert one(sep2_feed.control(base)).bad == "DERControlBase: namespace"


def test_every_csipaus_namespace_is_understood():
    for uri in sep2.NAMESPACES[1:]:
        data = sep2_feed.control("<c:opModExpLimW>4</c:opModExpLimW>").replace(
            b"https://csipaus.org/ns", uri)
        assert one(data).rec[sep2.MODES] == 1 << sep2.EXP_LIM_W, uri


def test_times_are_held_at_the_bounds():
    top = sep2.W_MAX
    for text, wanted in (
        ("1682475300", 1682475300 - sep2.EPOCH), ("1577836800", 0), ("1577836799", -1),
        ("1000000000", 1000000000 - sep2.EPOCH), ("0", -top), ("-5", -top), ("1", -top),
        ("999999999", 999999999 - sep2.EPOCH), ("9999999999", top), ("4611686018427387904", top),
        ("1577836800".replace("7", "8"), 1588836800 - sep2.EPOCH),
        ("2651578622", top), ("2651578623", top), ("2651578621", top - 1), (" 1682475300 ",
         1682475300 - sep2.EPOCH), ("+1682475300", 1682475300 - sep2.EPOCH),
    ):
        r = one(sep2_feed.control(interval="<interval><start>" + text + "</start>"
                                "<duration>5</duration></interval>"))
        assert r.bad is None, (text, r.bad)
        assert r.rec[sep2.START] == wanted, (text, r.rec[sep2.START], wanted)
    for text in ("", "x", "168247530x", "16824 5300", "1682475300.0"):
        r = one(sep2_feed.control(interval="<interval><start>" + text + "</start>"
                                "<duration>5</duration></interval>"))
        assert r.bad is not None, text


def test_duration_is_held_at_its_bound():
    for text, wanted in (("0", 0), ("86400", 86400), ("4294967295", sep2.DURATION_MAX)):
        r = one(sep2_feed.control(interval="<interval><start>1682475300</start><duration>" + text +
                                "</duration></interval>"))
        assert (r.bad, r.rec[sep2.DURATION]) == (None, wanted)
    r = one(sep2_feed.control(interval="<interval><start>1682475300</start><duration>-1</duration>"
                            "</interval>"))
    assert r.bad is not None


def test_numbers_beside_the_base_are_held_to_their_ranges():
    for name, at, low, high, absent in (
        ("randomizeStart", sep2.RAND_START, -3600, 3600, 0),
        ("randomizeDuration", sep2.RAND_DURATION, -3600, 3600, 0),
    ):
        for value in (low, -1, 0, high):
            r = one(sep2_feed.control(parts="<%s>%d</%s>" % (name, value, name)))
            assert (r.bad, r.rec[at]) == (None, value)
        for value in (low - 1, high + 1, 2 ** 62):
            assert one(sep2_feed.control(parts="<%s>%d</%s>" % (name, value, name))).bad
        assert one(sep2_feed.control()).rec[at] == absent
    for value in (0, 65535):
        r = one(sep2_feed.control("<rampTms>%d</rampTms>" % value))
        assert (r.bad, r.rec[sep2.RAMP]) == (None, value)
    for value in (-1, 65536):
        assert one(sep2_feed.control("<rampTms>%d</rampTms>" % value)).bad
    assert one(sep2_feed.control()).rec[sep2.RAMP] == -1


def test_status_is_one_of_five():
    for value in range(5):
        r = one(sep2_feed.control(status="<EventStatus><dateTime>1</dateTime><currentStatus>%d"
                                "</currentStatus></EventStatus>" % value))
        assert (r.bad, r.rec[sep2.STATUS]) == (None, value)
    for status in ("<EventStatus><currentStatus>5</currentStatus></EventStatus>",
                   "<EventStatus><currentStatus/></EventStatus>", "<EventStatus/>", "",
                   "<currentStatus>0</currentStatus>"):
        assert one(sep2_feed.control(status=status)).bad, status


def test_response_required_is_one_or_two_digits():
    for text, wanted in (("03", 3), ("3", 3), ("0B", 11), ("ff", 255), ("00", 0)):
        r = one(sep2_feed.control(attributes='responseRequired="' + text + '"'))
        assert (r.bad, r.rec[sep2.RESPONSE]) == (None, wanted), text
    for text in ("", "003", "x", "-1"):
        assert one(sep2_feed.control(attributes='responseRequired="' + text + '"')).bad, text
    assert one(sep2_feed.control(attributes="")).rec[sep2.RESPONSE] == 0


def test_device_category_keeps_30_bits():
    for text, wanted in (("00200000", 0x200000), ("0", 0), ("8", 8), ("FFFFFFFF", 0x3FFFFFFF),
                         ("80800000", 0x800000)):
        r = one(sep2_feed.control(parts="<deviceCategory>" + text + "</deviceCategory>"))
        assert (r.bad, r.rec[sep2.CATEGORY]) == (None, wanted), text
    for text in ("", "000200000", "0g"):
        assert one(sep2_feed.control(parts="<deviceCategory>" + text + "</deviceCategory>")).bad
    assert one(sep2_feed.control()).rec[sep2.CATEGORY] == -1


def test_a_control_without_what_it_needs_is_bad_but_known():
    for part in (b"<creationTime>1682475000</creationTime>", b"<start>1682475300</start>",
                 b"<duration>300</duration>", b"<DERControlBase></DERControlBase>"):
        r = one(sep2_feed.control().replace(part, b""))
        assert r.bad is not None, part
        assert sep2.mrid_text(r.key) == b"AB12"
    r = one(sep2_feed.control().replace(b"<mRID>AB12</mRID>", b""))
    assert r.bad is not None and r.key[16] == 0


def test_two_groups_of_one_name_are_bad():
    data = sep2_feed.control("<opModConnect>true</opModConnect>")
    base = b"<DERControlBase><opModEnergize>true</opModEnergize></DERControlBase>"
    assert one(data.replace(b"<DERControlBase>", base + b"<DERControlBase>")).bad
    assert one(data.replace(b"<interval>", b"<interval/><interval>")).bad


def test_one_bad_control_leaves_the_others_whole():
    good = sep2_feed.control("<c:opModExpLimW>7</c:opModExpLimW>", mrid="A1")
    bad = sep2_feed.control("<c:opModExpLimW>x</c:opModExpLimW>", mrid="B2")
    start, end = good.index(b"<DERControl "), good.index(b"</DERControlList>")
    mine = good[start:end]
    other = bad[bad.index(b"<DERControl "):bad.index(b"</DERControlList>")]
    data = good[:start] + mine + other + mine + b"<DERControl/>" + mine + good[end:]
    rows = sep2_feed.whole(CONTROLS, XML, WINDOW, data, 50,
                         lambda r: (r.bad is None, sep2.mrid_text(r.key), r.rec[sep2.MODES]))
    ok = (True, b"A1", 1 << sep2.EXP_LIM_W)
    assert rows == [ok, (False, b"B2", 0), ok, (False, b"", 0), ok], rows


def test_an_mrid_comes_back_as_it_was_written():
    for text in ("A", "a", "0", "abc", "DC1B27AC943B44AC87DAF7E162B6F6D4", "aBcDeF01",
                 "33b710b2e8c2424997f8ea1e00057269", "1234567", "123456789", "aB" * 16,
                 "33b710b2e8c2424997f8ea1e0005726", "fffffffff"):
        r = one(sep2_feed.control(mrid=text))
        assert r.bad is None, text
        assert sep2.mrid_text(r.key) == text.encode(), (text, sep2.mrid_text(r.key))
    assert sep2.mrid_text(one(sep2_feed.control(mrid=" AB12 ")).key) == b"AB12"


def test_mrids_that_differ_have_keys_that_differ():
    keys = set()
    texts = ("A", "a", "A0", "a0", "A00", "aB", "Ab", "AB", "ab", "0", "00", "000")
    for text in texts:
        keys.add(bytes(one(sep2_feed.control(mrid=text)).key))
    assert len(keys) == len(texts)


def test_an_mrid_of_33_digits_or_none_or_of_other_letters_is_bad():
    for text in ("0" * 33, "", "xyz", "AB G", "ABG", "AG", "G", "ag", "0123456789abcdeg" * 2,
                 "A<!-- x -->B"):
        r = one(sep2_feed.control(mrid=text))
        assert r.bad is not None, text
        assert r.key[16] == 0, text


def test_reply_to_is_one_object_while_it_stays_the_same():
    data = sep2_feed.control()
    start, end = data.index(b"<DERControl "), data.index(b"</DERControlList>")
    item = data[start:end]
    other = item.replace(b'"/r"', b'"/other?a=1&amp;b=2"')
    none = item.replace(b'replyTo="/r"', b"")
    rows = sep2_feed.whole(CONTROLS, XML, WINDOW, data[:start] + item * 2 + other + none + item +
                         data[end:], 1000, lambda r: r.reply_to)
    assert rows == ["/r", "/r", "/other?a=1&b=2", None, "/r"], rows
    assert rows[0] is rows[1]


def test_hrefs_that_could_break_a_request_are_bad():
    for text in ("/a b", "/a&#13;&#10;X: y", "/a&#9;", "/\u00e9", "", "/" + "a" * 255):
        r = one(sep2_feed.control(attributes='replyTo="' + text + '"'))
        assert r.reply_to is None
        assert (r.bad is None) == (text == ""), text  # empty: as if there were none
        assert one(sep2_feed.control(attributes='href="' + text + '"')).href() is None, text
    assert one(sep2_feed.control(attributes='href="/' + "a" * 254 + '"')).href() == "/" + "a" * 254


def default(base, after="", cls=sep2.DefaultDERControl):
    """A DefaultDERControl read from that base."""
    reader = cls(XML)
    data = ('<DefaultDERControl xmlns="urn:ieee:std:2030.5:ns" xmlns:c="https://csipaus.org/ns">'
            "<mRID>A1</mRID>" + base + after + "</DefaultDERControl>").encode()
    sep2_feed.drive(reader, XML, WINDOW, (data,), None)
    return reader


def test_a_default_takes_set_grad_w():
    r = default("<DERControlBase><c:opModExpLimW>5</c:opModExpLimW></DERControlBase>",
                "<setESDelay>3</setESDelay><setGradW>27</setGradW>")
    assert r.rec[sep2.GRAD] == 27
    assert r.rec[sep2.VALUE + sep2.EXP_LIM_W] == 5


def test_an_empty_default_has_no_modes():
    for base in ("<DERControlBase/>", "<DERControlBase> </DERControlBase>"):
        r = default(base)
        assert (r.rec[sep2.MODES], r.rec[sep2.GRAD], r.bad) == (0, -1, None)


def test_a_default_that_cannot_be_read_is_bad():
    for base, after in (
        ("", ""),
        ("<DERControlBase>5</DERControlBase>", ""),
        ("<DERControlBase><c:opModExpLimW>-5</c:opModExpLimW></DERControlBase>", ""),
        ("<DERControlBase><c:opModExpLimW/></DERControlBase>", ""),
        ("<DERControlBase/>", "<setGradW>65536</setGradW>"),
        ("<DERControlBase/>", "<setGradW>1</setGradW><setGradW>1</setGradW>"),
    ):
        assert default(base, after).bad is not None, (base, after)


def test_a_bad_default_is_forgotten_by_the_next():
    reader = sep2.DefaultDERControl(XML)
    for base, bad in (("<DERControlBase/>", False), ("", True), ("<DERControlBase/>", False)):
        data = ('<DefaultDERControl xmlns="urn:ieee:std:2030.5:ns">' + base +
                "</DefaultDERControl>").encode()
        sep2_feed.drive(reader, XML, WINDOW, (data,), None)
        assert (reader.bad is not None) == bad, base


def test_a_program_that_cannot_be_read_is_bad():
    programs = sep2.DERProgramList(XML)
    link = '<DERControlListLink href="/c"><x/></DERControlListLink>'
    for attribute, inside, bad in (
        ('href="/p"', "<primacy>0</primacy>", False),
        ('href="/p"', "<primacy>255</primacy>", False),
        ('href="/p"', "<primacy>1</primacy>" + link, False),
        ('href="/p"', "<primacy>256</primacy>", True),
        ('href="/p"', "<primacy>-1</primacy>", True),
        ('href="/p"', "<primacy/>", True),
        ('href="/p"', "", True),
        ("", "<primacy>1</primacy>", True),
        ('href=" "', "<primacy>1</primacy>", True),
        ('href="/p"', "<primacy>1</primacy><primacy>2</primacy>", True),
        ('href="/p"', "<primacy>1</primacy><DERControlListLink/>", True),
        ('href="/p"', "<primacy>1</primacy>" + link + link, True),
    ):
        data = ('<DERProgramList xmlns="urn:ieee:std:2030.5:ns" all="1" results="1"><DERProgram ' +
                attribute + ">" + inside + "</DERProgram></DERProgramList>").encode()
        rows = sep2_feed.whole(programs, XML, WINDOW, data, 9, lambda r: r.bad is not None)
        assert rows == [bad], (attribute, inside)


def test_single_resources_that_cannot_be_read_are_errors():
    for cls, name, inside in (
        (sep2.Time, "Time", ""), (sep2.Time, "Time", "<currentTime/>"),
        (sep2.Time, "Time", "<currentTime>1</currentTime><quality>256</quality>"),
        (sep2.Registration, "Registration", ""),
        (sep2.Registration, "Registration", "<pIN>-1</pIN>"),
        (sep2.Registration, "Registration", "<pIN>4294967296</pIN>"),
        (sep2.DeviceCapability, "DeviceCapability", "<TimeLink/>"),
        (sep2.DeviceCapability, "DeviceCapability", '<TimeLink href="/ x"/>'),
    ):
        data = "<" + name + ' xmlns="urn:ieee:std:2030.5:ns">' + inside + "</" + name + ">"

        def read():
            sep2_feed.drive(cls(XML), XML, WINDOW, (data.encode(),), None)
        check.raises(sep2.Sep2Error, read)


def test_a_der_or_a_usage_point_that_cannot_be_read_is_bad():
    head = '<%s xmlns="urn:ieee:std:2030.5:ns" all="1" results="1"><%s href="/m">'
    for cls, root, item, inside, bad in (
        (sep2.DERList, "DERList", "DER", "", False),
        (sep2.DERList, "DERList", "DER", "<DERStatusLink/>", True),
        (sep2.DERList, "DERList", "DER", '<DERStatusLink href="/a b"/>', True),
        (sep2.DERList, "DERList", "DER", '<DERStatusLink href="/a"/>' * 2, True),
        (sep2.MirrorUsagePointList, "MirrorUsagePointList", "MirrorUsagePoint", "", False),
        (sep2.MirrorUsagePointList, "MirrorUsagePointList", "MirrorUsagePoint",
         "<postRate>-1</postRate>", True),
        (sep2.MirrorUsagePointList, "MirrorUsagePointList", "MirrorUsagePoint",
         "<mRID>xyz</mRID>", True),
        (sep2.MirrorUsagePointList, "MirrorUsagePointList", "MirrorUsagePoint",
         "<mRID>" + "A" * 41 + "</mRID>", True),
        (sep2.MirrorUsagePointList, "MirrorUsagePointList", "MirrorUsagePoint",
         "<MirrorMeterReading><mRID>A</mRID><mRID/></MirrorMeterReading>" * 2, False),
    ):
        data = head % (root, item) + inside + "</%s></%s>" % (item, root)
        rows = sep2_feed.whole(cls(XML), XML, WINDOW, data.encode(), 9,
                               lambda r: r.bad is not None)
        assert rows == [bad], (item, inside)
        none = data.replace(' href="/m"', "").encode()
        assert sep2_feed.whole(cls(XML), XML, WINDOW, none, 9, lambda r: r.bad is None) == [False]


def test_a_connection_point_may_be_empty_but_not_ambiguous():
    point = sep2.ConnectionPoint(XML)

    def read(inside):
        data = '<ConnectionPoint xmlns="https://csipaus.org/ns">' + inside + "</ConnectionPoint>"
        sep2_feed.drive(point, XML, WINDOW, (data.encode(),), None)
        return point.cp_id

    assert read("<connectionPointId>A</connectionPointId>") == b"A"
    assert read("") is None  # and what was read before is forgotten
    assert read("<connectionPointId/>") == b""
    assert read("<id>" + "9" * 32 + "</id>") == b"9" * 32
    for inside in ("<id>1</id><connectionPointId>1</connectionPointId>", "<id><x/></id>",
                   "<id>" + "9" * 33 + "</id>", "<id/><id/>"):
        check.raises(sep2.Sep2Error, read, inside)


def test_counts_of_a_list_are_held_or_refused():
    def read(text):
        data = '<DERControlList xmlns="urn:ieee:std:2030.5:ns" ' + text + "/>"
        sep2_feed.drive(CONTROLS, XML, WINDOW, (data.encode(),), None)

    for text, wanted in (('all="0" results="0"', (0, 0)), ("", (-1, -1)),
                         ('all="4294967295" results="1"', (0x3FFFFFFF, 1))):
        read(text)
        assert (CONTROLS.all, CONTROLS.results) == wanted, text
    for text in ('all="-1"', 'all="x"', 'results=""', 'pollRate="1.5"'):
        check.raises(sep2.Sep2Error, read, text)


check.run(globals())
