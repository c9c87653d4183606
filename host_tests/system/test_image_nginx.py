"""The unix32 image against nginx, the server that many utilities have in front.

Mutual TLS 1.2 with CCM-8 alone and with GCM alone, every policy critical, the whole chain sent;
and what nginx says of a client whose chain it does not take.  Left out where there is no nginx or
no image, failed under MICROSEP2_IMAGE=1, see host_tests/conftest.py.
"""

import contextlib
import hashlib
import os
import select
import shutil
import socket
import ssl
import subprocess
import time
import urllib.parse

import pytest
from image_forger import Forger
from needed import program
from test_image_enrol import Board
from test_image_tls import CCM8, CLIENT, DER, GCM, image, run

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
NGINX = shutil.which("nginx", path=PATH)
WAIT_S = 20

CONF = """
daemon off;
master_process off;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.2;
        ssl_ciphers {suite}:@SECLEVEL=0;
        ssl_ecdh_curve prime256v1;
        ssl_client_certificate {folder}/ca.pem;
        ssl_verify_client on;
        ssl_verify_depth 3;
        keepalive_timeout 0;
        return 200 "$ssl_client_verify $ssl_cipher $ssl_client_escaped_cert";
    }}
}}
"""
LEAF = DER.replace("range(3)", "range(1)")


@pytest.fixture(autouse=True)
def need_nginx():
    program("nginx", "nginx", PATH)


@contextlib.contextmanager
def nginx(issued, folder, suite):
    """nginx on a free port of loopback; gives the port."""
    issued.write(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "conf").write_text(CONF.format(folder=folder, port=port, suite=suite))
    argv = [NGINX, "-e", str(folder / "log"), "-p", str(folder), "-c", str(folder / "conf")]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as server:
        try:
            until = time.monotonic() + WAIT_S
            while not _listens(port):
                assert server.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, "it never listened"
                select.select([], [], [], 0.05)
            yield port
        finally:
            server.terminate()


def _listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture
def visit(authority, tmp_path):
    """A function: [status line, body] of what nginx with that suite alone answers to the image."""
    def ask(issued, suite, load=DER):
        device = issued.write(tmp_path / "device")
        with nginx(authority.server("localhost"), tmp_path / "server", suite) as port:
            script = CLIENT.replace("LOAD", load).replace(
                "/dcap HTTP/1.1", "/dcap HTTP/1.1\\r\\nHost: localhost")
            failed, said = run(image(), script, tmp_path, port, "localhost", device)
        assert failed == "", said
        return said.split("\r\n")[0], said.split("\r\n\r\n", 1)[1]
    return ask


@pytest.mark.parametrize("suite", [CCM8, GCM])
def test_both_sides_know_each_other(authority, visit, suite):
    issued = authority.device(serial="1")
    status, body = visit(issued, suite)
    verified, used, seen = body.split(" ")
    assert (status, verified, used) == ("HTTP/1.1 200 OK", "SUCCESS", suite)
    der = ssl.PEM_cert_to_DER_cert(urllib.parse.unquote(seen))
    assert hashlib.sha256(der).hexdigest()[:40].upper() == issued.lfdi


def test_a_leaf_alone_and_a_strangers_chain_are_refused_with_400(authority, visit):
    status, _ = visit(authority.device(serial="1"), CCM8, LEAF)
    assert status == "HTTP/1.1 400 Bad Request"
    stranger = Forger.create(name="Stranger", critical_policies=True).device(serial="1")
    stranger.root = authority.serca  # it trusts the server, the server does not know it
    status, body = visit(stranger, CCM8)
    assert status == "HTTP/1.1 400 Bad Request" and "certificate" in body


def test_a_new_chain_that_gets_400_is_not_put_in_place(tmp_path):
    image(code=None)
    with Board(tmp_path) as board:
        board.request()
        board.issue()
        server = board.authority.server("localhost")
        server.root = Forger.create(name="Stranger", critical_policies=True).serca
        with nginx(server, tmp_path / "server", CCM8) as port:
            board.server, board.plant = {"port": port, "dcap": "/"}, {
                "inverter": "localhost:1/1", "meter": "localhost:1/2"}
            board.flash(identity=None)
            status, said = board.provision("take", board.answer)
        assert status == 1 and "IDENTITY_TRIED status=400" in said, said
        assert "TRIAL_FAILED" in said and board.held() == ["next.der"]
