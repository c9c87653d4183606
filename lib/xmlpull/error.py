"""The one error of this package: what is wrong, and where."""


class XMLError(Exception):
    """A document that is malformed or beyond a limit, or a writer's buffer that is full.

    `what`: a short constant word or two.  `at`: byte offset in the document.
    """

    def __init__(self, what, at):
        super().__init__(what, at)
        self.what = what
        self.at = at
