"""Who the device is to a server, read from its flash: loaded at boot and let go of again.

Enters: the DER files of the flash.  Leaves: a TLS context that shows our chain and knows our CA.

    link = Link(loop, Identity(store))

IEEE 2030.5 6.x: TLS 1.2, mutual, ECDHE-ECDSA with AES-128 CCM-8 or GCM.  Limit: four certificates.
"""

import tls

_SUITES = ("TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256")
_CHAIN_MAX = 4  # own certificates that are sent, leaf first


class IdentityError(Exception):
    """A key or certificate is missing or unusable; the text says which and what to do."""


class Identity:
    """The device's key and chain and the CA that it trusts, as DER files of a config.Store.

    `ca.der`, `key.der`, `cert0.der` (leaf), `cert1.der` ... in this order.  IdentityError when
    one is missing; what mbedTLS cannot load is an IdentityError too.  Allocates.
    """

    def __init__(self, store):
        self._ca = _need(store, "ca.der", "the CA that the server's certificate goes back to")
        self._key = _need(store, "key.der", "the device's private key")
        self.leaf = _need(store, "cert0.der", "the device's own certificate")
        self._chain = [self.leaf]
        for i in range(1, _CHAIN_MAX):
            more = _read(store, "cert" + str(i) + ".der")
            if more is None:
                break
            self._chain.append(more)

    def context(self):
        """A new tls.SSLContext that sends the chain and verifies the server."""
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        try:
            for certificate in self._chain:  # each call adds one certificate to what is sent
                context.load_cert_chain(certificate, self._key)
            context.load_verify_locations(self._ca)
        except ValueError as exc:
            raise IdentityError(str(exc) + ": DER files that this interpreter can load are needed"
                                " (a stock one refuses critical certificatePolicies)")
        known = context.get_ciphers()
        context.set_ciphers([suite for suite in _SUITES if suite in known])
        return context


def _read(store, name):
    try:
        return store.read(name)
    except OSError as exc:
        raise IdentityError(name + " cannot be read (is it larger than 8 KiB?): " + str(exc))


def _need(store, name, what):
    data = _read(store, name)
    if data is None:
        raise IdentityError("no " + name + " on the flash: put " + what + " there as DER")
    return data
