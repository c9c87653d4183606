# heap: 1088k
"""Our EndDevice: found, made, refused, its PIN compared and its connection point named."""

import check
import sep2
from edges import NOW
from north import LFDI
from server import ok, paged, resource, status
from session import BUSY, GONE, OUTAGE, SessionError
from south import South
from told import Told

_LFDI = str(LFDI, "ascii")
_SFDI = "167261211391"
_NMI = "QB12345678"


def device(lfdi=_LFDI, sfdi=_SFDI, number=1, more="", links=True):
    """An EndDevice of the list."""
    href = "/edev/%d" % number
    text = '<EndDevice href="%s">' % href
    if links:
        text += '<DERListLink href="%s/der"/>' % href
    if lfdi:
        text += "<lFDI>%s</lFDI>" % lfdi
    if links:
        text += '<LogEventListLink href="%s/lel"/>' % href
    text += "<sFDI>%s</sFDI><changedTime>1</changedTime>%s" % (sfdi, more)
    if links:
        text += ('<FunctionSetAssignmentsListLink href="%s/fsa"/><postRate>60</postRate>'
                 '<RegistrationLink href="%s/rg"/><c:ConnectionPointLink href="%s/cp"/>'
                 % (href, href, href))
    return text + "</EndDevice>"


_OTHER = device("4075DE6031E562ACF4D9EAA765A5B2ED00057269", "173034634270", 7)


class Rig(Told):
    """A Told whose server lists `devices`; `posts` answers what is posted to the list."""

    def __init__(self, *devices, posts=status(404), **settings):
        profile = settings.pop("profile", "eql")
        super().__init__(South(), profile, page=1, **settings)
        self.devices = list(devices)
        self.posts = posts
        self.server.routes["/edev"] = self._list

    def _list(self, target, body):
        if not body:
            return paged("EndDeviceList", self.devices, rate=60)(target, body)
        return self.posts(body) if callable(self.posts) else self.posts

    def find(self):
        return self.run(self.own.find("/edev"))

    def takes(self, _body):
        self.devices.append(device())
        return status(201, "Location: /edev/1")

    def point(self, gets, puts=status(201)):
        """The ConnectionPoint's answers, and one go at naming it."""
        self.server.routes["/cp"] = lambda _target, body: puts if body else gets
        self.run(self.own.name_point("/cp"))
        return self.asked()


# -- found ------------------------------------------------------------------


def test_our_entry_is_found_among_others_on_any_page_with_its_links():
    for at in range(3):
        devices = [_OTHER, _OTHER]
        devices.insert(at, device())
        rig = Rig(*devices)
        assert rig.find() == 60
        own = rig.own
        assert (own.registered, own.href, own.rg, own.fsa, own.der, own.log, own.cp) == (
            1, "/edev/1", "/edev/1/rg", "/edev/1/fsa", "/edev/1/der", "/edev/1/lel", "/edev/1/cp")
        assert own.post_rate == 60 and not own.pin_read
        assert rig.said.count("REGISTERED", "href=/edev/1") == 1


def test_the_lfdi_decides_and_the_sfdi_only_where_there_is_no_lfdi():
    for entry, ours in ((device(_LFDI.lower(), "5"), 1), (device(None), 1),
                        (device(None, "173034634270"), 0), (device(_LFDI[:-1] + "0"), 0)):
        rig = Rig(entry)
        rig.find()
        assert rig.own.registered == ours, entry
        assert rig.asked() == ["GET /edev"]


def test_a_stranger_is_told_whom_the_server_has_to_know_and_only_once():
    rig = Rig(_OTHER)
    for _ in range(3):
        rig.find()
    assert rig.own.registered == 0 and rig.own.href is None and not rig.own.pin_read
    assert rig.said.count("NOT_REGISTERED", "lfdi=" + _LFDI, "sfdi=" + _SFDI) == 1
    assert rig.asked() == ["GET /edev"] * 3


def test_an_entry_that_is_not_enabled_is_none_and_is_not_posted_again():
    for register in (0, 1):
        rig = Rig(device(more="<enabled>false</enabled>"), register=register,
                  posts=status(409))
        rig.find()
        assert rig.own.registered == 0 and rig.asked() == ["GET /edev"]
        rig.devices[0] = device(more="<enabled>true</enabled>")
        rig.find()
        assert rig.own.registered == 1


def test_an_entry_that_disappears_ends_the_registration_and_may_come_back():
    rig = Rig(device())
    rig.find()
    rig.devices.clear()
    rig.find()
    assert rig.own.registered == 0 and rig.own.href is None
    assert rig.said.count("NOT_REGISTERED") == 1
    rig.devices.append(device(number=2))
    rig.find()
    assert rig.own.registered == 1 and rig.own.fsa == "/edev/2/fsa"
    assert rig.said.count(" REGISTERED") == 2


def test_a_list_that_cannot_be_read_changes_nothing():
    rig = Rig(device())
    rig.find()
    for answer, kind in ((status(503, body=b"COMMS DISABLED"), OUTAGE), (status(404), GONE),
                         (OSError(104), OUTAGE)):
        rig.server.routes["/edev"] = answer
        assert check.raises(SessionError, rig.find).kind == kind
        assert rig.own.registered == 1 and rig.own.fsa == "/edev/1/fsa"
    assert rig.said.count("REGISTERED") == 1


# -- registered in band -----------------------------------------------------


def test_a_device_that_the_list_lacks_is_posted_where_it_is_set_so():
    inverter, battery = ("h", 502, 1), ("h", 502, 2)
    for fitted, category in (((inverter, None), "00200000"), ((inverter, battery), "00800000"),
                             ((None, battery), "02000000")):
        rig = Rig(_OTHER, register=1, inverter=fitted[0], battery=fitted[1])
        assert rig.me.category == int(category, 16)  # which events are for us, too (D3)
        rig.posts = rig.takes
        rig.find()
        assert rig.asked() == ["GET /edev"] + ["POST /edev"] + ["GET /edev"] * 2
        assert rig.own.registered == 1 and rig.own.href == "/edev/1"
        doc = rig.sent("POST", "/edev")[0]
        assert doc.text == (
            '<EndDevice xmlns="urn:ieee:std:2030.5:ns"><deviceCategory>%s</deviceCategory>'
            "<lFDI>%s</lFDI><sFDI>%s</sFDI><changedTime>%d</changedTime></EndDevice>"
            % (category, _LFDI, _SFDI, NOW + sep2.EPOCH)), doc.text
        assert rig.said.count("REGISTRATION_SENT") == 1
        rig.find()
        assert len(rig.sent("POST")) == 1


def test_what_is_there_already_is_looked_at_again():
    def taken(_body):  # by another request, a moment ago
        rig.devices.append(device())
        return status(409)

    rig = Rig(register=1, posts=taken)
    rig.find()
    assert rig.own.registered == 1 and rig.asked() == ["GET /edev", "POST /edev", "GET /edev"]
    rig = Rig(register=1, posts=status(409))  # and is not shown to us all the same
    rig.find()
    assert rig.own.registered == 0 and len(rig.asked()) == 3


def test_a_refusal_is_said_and_tried_again_at_the_next_read_of_the_list():
    for code in (400, 403, 404, 405):
        rig = Rig(register=1, posts=status(code))
        for n in (1, 2):
            assert rig.find() == 60
            assert rig.own.registered == 0 and len(rig.sent("POST")) == n
        assert rig.said.count("REGISTRATION_REFUSED", "why=HTTP_%d" % code) == 2
        rig.posts = rig.takes
        rig.find()
        assert rig.own.registered == 1, code


def test_an_outage_is_the_business_of_the_poll():
    for answer, kind in ((status(503), OUTAGE), (status(429, "Retry-After: 9"), BUSY),
                         (OSError(104), OUTAGE)):
        rig = Rig(register=1, posts=answer)
        failed = check.raises(SessionError, rig.find)
        assert failed.kind == kind and failed.wait_s == (9 if kind == BUSY else -1)
        assert rig.own.registered == -1
        rig.posts = rig.takes
        rig.find()
        assert rig.own.registered == 1


# -- the PIN ----------------------------------------------------------------


def registration(pin):
    return ok(resource("Registration", "<dateTimeRegistered>1</dateTimeRegistered><pIN>%s</pIN>"
                       % pin, 'pollRate="120"'))


def test_the_pin_is_compared_where_one_is_set():
    for mine, theirs, good in ((111115, "111115", True), (111115, "111116", False), (5, "5", True),
                               (123, "000123", True), (-1, "987654", True), (0, "1", False)):
        rig = Rig(device(), pin=mine)
        rig.find()
        rig.server.routes["/edev/1/rg"] = registration(theirs)
        assert rig.run(rig.own.check_pin("/edev/1/rg")) == good, (mine, theirs)
        assert rig.own.pin_read == good and rig.own.pin_rate() == 120


def test_a_pin_that_becomes_wrong_closes_what_was_open():
    rig = Rig(device(), pin=111115)
    rig.find()
    rig.server.routes["/edev/1/rg"] = [registration(111115), registration(5), registration(111115)]
    for good in (True, False, True):
        assert rig.run(rig.own.check_pin("/edev/1/rg")) == good == rig.own.pin_read


def test_a_registration_that_cannot_be_read_says_nothing_about_the_pin():
    rig = Rig(device(), pin=111115)
    rig.find()
    for answer in (status(503), status(404), ok(resource("Registration")), registration("none")):
        rig.server.routes["/edev/1/rg"] = answer
        check.raises(SessionError, lambda: rig.run(rig.own.check_pin("/edev/1/rg")))
        assert not rig.own.pin_read


def test_without_a_registration_there_is_no_pin_to_compare():
    rig = Rig(device(links=False), pin=111115)
    rig.find()
    assert rig.own.registered == 1 and rig.own.rg is None and rig.own.pin_read


# -- the connection point -----------------------------------------------------


def cp(text):
    return ok('<ConnectionPoint xmlns="https://csipaus.org/ns">%s</ConnectionPoint>' % text)


def test_the_point_is_named_where_it_has_another_name_or_none():
    same = "<connectionPointId>%s</connectionPointId>" % _NMI
    for answer, put in ((cp(same), False), (cp("<id>%s</id>" % _NMI), False),
                        (cp(same.replace("QB", "QC")), True), (cp(""), True), (status(404), True),
                        (status(403), True), (ok("<html/>"), True)):
        rig = Rig(nmi=_NMI)
        assert rig.point(answer) == ["GET /cp"] + ["PUT /cp"] * put
        assert rig.said.count("NMI_SENT", "nmi=" + _NMI) == put


def test_the_point_is_written_in_the_namespace_of_the_profile():
    for profile, ns in (("eql", "https://csipaus.org/ns"),
                        ("v1.3", "https://csipaus.org/ns/v1.3"),
                        ("v1.3b-sto", "https://csipaus.org/ns/v1.3-beta/storage")):
        rig = Rig(nmi=_NMI, profile=profile)
        rig.point(status(404), status(204))
        assert rig.sent("PUT")[0].text == (
            '<ConnectionPoint xmlns="%s"><connectionPointId>%s</connectionPointId>'
            "</ConnectionPoint>" % (ns, _NMI))


def test_a_name_that_is_refused_is_said_and_stops_nothing():
    for code in (400, 404, 405, 409, 422):
        rig = Rig(nmi=_NMI)
        assert rig.point(status(404), status(code)) == ["GET /cp", "PUT /cp"]
        assert rig.said.count("NMI_REFUSED", "why=HTTP_%d" % code) == 1
        assert not rig.said.count("NMI_SENT")


def test_an_outage_leaves_the_name_to_the_poll():
    for gets, puts in ((status(503), status(201)), (status(404), status(500)),
                       (status(429), status(201))):
        rig = Rig(nmi=_NMI)
        failed = check.raises(SessionError, lambda: rig.point(gets, puts))
        assert failed.kind <= BUSY and not rig.said.count("NMI_REFUSED")


check.run(globals())
