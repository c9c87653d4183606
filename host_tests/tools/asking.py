"""A device for the tests of the stand-in server: it asks the handlers directly."""

from lxml import etree

from tools.utility import Options, Request, Schema, Utility

LFDI = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
OTHER = "4075DE6031E562ACF4D9EAA765A5B2ED00057269"
NOW = 1_700_000_000
NS = {"s": "urn:ieee:std:2030.5:ns"}


def house(profile, *, register=True, **options):
    """A utility with one registered device, and that device."""
    utility = Utility(profile, seed=7, options=Options(**options))
    if register:
        utility.register(LFDI, NOW, pin=111115)
    return utility, Asking(utility)


class Asking:
    """Asks with the profile's own headers; every body that comes back must be valid."""

    def __init__(self, utility, lfdi=LFDI):
        self.utility, self.lfdi, self.now = utility, lfdi, NOW
        self.schema = Schema.of(utility.profile)
        self.media = utility.profile.media_type

    def ask(self, method, path, body=b"", headers=None, **query):
        if headers is None:
            headers = {"accept": self.media}
            if body:
                headers["content-type"] = self.media
        query = {k: str(v) for k, v in query.items()}
        reply = self.utility.handle(
            Request(method, path, query, headers, body, self.lfdi), self.now
        )
        if reply.body:
            assert self.schema.errors(reply.body) == [], reply.body
        return reply

    def get(self, path, **query):
        reply = self.ask("GET", path, **query)
        assert reply.status == 200, reply.verdict
        return etree.fromstring(reply.body)

    def link(self, root, name):
        """The href of a link anywhere below `root`."""
        return root.xpath(f".//*[local-name()='{name}']/@href")[0]

    def walk(self):
        """{kind of link: href} of all that can be reached from dcap."""
        found, todo = {}, [("dcap", self.utility.roots["dcap"])]
        while todo:
            name, path = todo.pop()
            reply = self.ask("GET", path, s=0, l=255)
            found[path] = (name, reply)
            if reply.status == 200:
                root = etree.fromstring(reply.body)
                links = root.xpath(".//*[@href]")
                todo += [(etree.QName(e).localname, e.get("href")) for e in links
                         if e.get("href") not in found]
        return found


def texts(root, name):
    """The texts of all elements of that name."""
    return root.xpath(f".//*[local-name()='{name}']/text()")
