"""tools.utility on its ports: mutual TLS, faults of the wire, the operator, the process."""

import asyncio
import contextlib
import json
import signal
import ssl
import subprocess
import sys
import time

import aiohttp
import pytest
from lxml import etree

from tools.pki import write_folder
from tools.utility import PROFILES, Options, Schema, Server, Utility, admin
from tools.utility.server import tls_context

EQL = PROFILES["eql"]


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    path = tmp_path_factory.mktemp("pki")
    return path, write_folder(path)


def client_context(folder, device="device", ciphers=None):
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if ciphers:
        context.set_ciphers(ciphers + ":@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if device:
        context.load_cert_chain(folder / device / "cert.pem", folder / device / "key.pem")
    return context


@contextlib.asynccontextmanager
async def running(pki, profile=EQL, device="device", server="server", ciphers=None, **options):
    """A server with one registered device, and an aiohttp session of a device."""
    folder, issued = pki
    utility = Utility(profile, seed=3, options=Options(**options))
    utility.register(issued["device"].lfdi, time.time(), pin=111115)
    async with Server(utility, folder / server) as at:
        connector = aiohttp.TCPConnector(ssl=client_context(folder, device, ciphers))
        base = f"https://localhost:{at.port}"
        wait = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(base, connector=connector, timeout=wait) as session:
            session.headers["Accept"] = profile.media_type
            yield at, session


async def fetch(session, path):
    async with session.get(path) as reply:
        return reply.status, await reply.read()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_a_walk_over_mutual_tls_is_valid_and_logged(pki, profile):
    async def walk():
        async with running(pki, profile) as (at, session):
            at.utility.publish("p1", {"start": time.time(), "duration": 60,
                                      "modes": {"exp_w": 1}}, time.time())
            seen, todo = set(), [at.utility.roots["dcap"]]
            while todo:
                path = todo.pop()
                seen.add(path)
                status, body = await fetch(session, path + "?s=0&l=255")
                assert Schema.of(profile).errors(body) == []
                if status == 200:
                    hrefs = etree.fromstring(body).xpath("//@href")
                    todo += [h for h in hrefs if h not in seen and h not in todo]
            log = at.utility.journal.since()
            assert len(log) == len(seen) > 20
            assert {e["session"] for e in log} == {1} and at.sessions == at.hellos == 1
            assert {e["lfdi"] for e in log} == {pki[1]["device"].lfdi}

    asyncio.run(walk())


@pytest.mark.parametrize("device", ["wrong/foreign-device", None])
def test_a_device_without_a_certificate_of_the_same_serca_is_refused(pki, device):
    async def ask():
        async with running(pki, device=device) as (at, session):
            with pytest.raises(aiohttp.ClientError):
                await fetch(session, at.dcap)
            assert at.utility.journal.since() == []
            assert at.hellos >= 1 and at.sessions == 0

    asyncio.run(ask())


@pytest.mark.parametrize("server", [
    "wrong/foreign-server", "wrong/expired-server", "wrong/other-host-server",
])
def test_a_server_with_a_wrong_certificate_is_refused_by_the_client(pki, server):
    async def ask():
        async with running(pki, server=server) as (at, session):
            with pytest.raises((aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError)):
                await fetch(session, at.dcap)

    asyncio.run(ask())


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-AES128-GCM-SHA256"])
def test_both_suites_of_the_standard_are_served(pki, cipher):
    async def ask():
        async with running(pki, ciphers=cipher) as (at, session), session.get(at.dcap) as reply:
            assert reply.status == 200

    asyncio.run(ask())


def test_only_tls_1_2_and_a_required_certificate(pki):
    context = tls_context(pki[0] / "server", "ccm8")
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    names = [c["name"] for c in context.get_ciphers() if c["protocol"] == "TLSv1.2"]
    assert names == ["ECDHE-ECDSA-AES128-CCM8"]


def test_bodies_are_posted_and_bytes_are_counted(pki):
    async def post():
        async with running(pki, in_band=True) as (at, session):
            site = at.utility.site()
            body = (b'<DERStatus xmlns="urn:ieee:std:2030.5:ns"><readingTime>1</readingTime>'
                    b"</DERStatus>")
            async with session.put(site.ders, data=body) as reply:
                assert (reply.status, await reply.read()) == (204, b"")
            async with session.put(site.ders, data=b"<x/>") as reply:
                assert reply.status == 400
                assert b"reasonCode" in await reply.read()
            good, bad = at.utility.journal.since()
            assert good["verdict"] == "ok" and good["in"] > len(body) and good["out"] > 20
            assert bad["verdict"].startswith("refused: xsd: ")

    asyncio.run(post())


def test_statuses_are_served_for_so_many_requests(pki):
    async def ask():
        async with running(pki) as (at, session):
            faults = at.utility.faults
            faults.add("status", count=2)
            faults.add("status", status=429, retry_after=7, count=1)
            for _ in range(2):
                assert await fetch(session, at.dcap) == (500, b"COMMS DISABLED")
            async with session.get(at.dcap) as reply:
                assert (reply.status, reply.headers["Retry-After"]) == (429, "7")
                assert b"<maxRetryDuration>7<" in await reply.read()
            assert (await fetch(session, at.dcap))[0] == 200

    asyncio.run(ask())


def test_a_fault_hits_only_what_it_is_meant_for_until_it_is_cleared(pki):
    async def ask():
        async with running(pki) as (at, session):
            number = at.utility.faults.add("status", status=503, resource="tm", method="GET")
            for _ in range(3):
                assert (await fetch(session, at.utility.roots["tm"]))[0] == 503
            assert (await fetch(session, at.dcap))[0] == 200
            at.utility.faults.clear(number)
            assert (await fetch(session, at.utility.roots["tm"]))[0] == 200
            with pytest.raises(ValueError):
                at.utility.faults.add("flood")
            with pytest.raises(ValueError):
                at.utility.faults.add("truncate", status=1)

    asyncio.run(ask())


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("kind", ["cut_before", "cut_head", "cut_body"])
def test_cut_connections_end_early(pki, kind, reset):
    async def ask():
        async with running(pki) as (at, session):
            await fetch(session, at.dcap)
            at.utility.faults.add(kind, count=2, reset=reset)  # aiohttp tries once more
            with pytest.raises(aiohttp.ClientError):
                await fetch(session, at.dcap)
            at.utility.faults.clear()
            assert (await fetch(session, at.dcap))[0] == 200

    asyncio.run(ask())


def test_spoilt_bodies_arrive_whole_over_http(pki):
    async def ask():
        async with running(pki) as (at, session):
            _, whole = await fetch(session, at.dcap)
            at.utility.faults.add("truncate", count=1)
            assert await fetch(session, at.dcap) == (200, whole[:len(whole) // 2])
            at.utility.faults.add("oversize", count=1)
            status, body = await fetch(session, at.dcap)
            assert (status, len(body)) == (200, 10_000_000)
            assert Schema.of(EQL).errors(body) == []
            at.utility.faults.add("wrong", count=1)
            async with session.get(at.dcap) as reply:
                assert (reply.status, reply.content_type) == (200, "text/html")

    asyncio.run(ask())


def test_slow_bytes_arrive_slowly_and_whole(pki):
    async def ask():
        async with running(pki) as (at, session):
            _, whole = await fetch(session, at.dcap)
            at.utility.faults.add("slow", bytes=100, every_s=0.02, count=1)
            began = time.monotonic()
            assert (await fetch(session, at.dcap))[1] == whole
            assert time.monotonic() - began >= 0.02 * (len(whole) // 100)

    asyncio.run(ask())


def test_endless_bodies_go_on_until_the_client_leaves(pki):
    async def ask():
        async with running(pki) as (at, session):
            at.utility.faults.add("endless", count=1)
            async with session.get(at.dcap) as reply:
                got = 0
                while got < 20_000:
                    got += len(await reply.content.readany())
            while not at.utility.journal.since():
                await asyncio.sleep(0.01)
            assert at.utility.journal.since()[0]["out"] >= got

    asyncio.run(ask())


def test_silence_lasts_until_it_is_cleared(pki):
    async def ask():
        async with running(pki) as (at, session):
            at.utility.faults.add("silence")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(fetch(session, at.dcap), 0.3)
            at.utility.faults.clear()
            assert (await fetch(session, at.dcap))[0] == 200

    asyncio.run(ask())


@contextlib.contextmanager
def process(folder, *more):
    """The server as a program; gives what it said when it was ready."""
    command = [sys.executable, "-m", "tools.utility", "--pki", str(folder), *more]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield child, json.loads(child.stdout.readline())
    finally:
        child.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert child.wait(10) == 0
        assert time.monotonic() - began < 3
        child.stdout.close()


def test_the_program_and_its_operator(pki, tmp_path):
    log = tmp_path / "log.jsonl"
    with process(pki[0], "--pin", "111115", "--log", str(log), "--program", "x:3:f") as (_, said):
        port = said["admin_port"]

        def call(*words):
            return admin.call(port, words[0], admin.said_as(words[1:]))

        made = call("publish", "program=x", "start=+60", "duration=300", "exp_w=1500",
                    "randomize_start=10")
        call("default", "program=x", "imp_w=2000", "grad=27")
        call("publish", "program=x", "start=+90", "duration=60", "exp_w=0")
        call("rate", "kind=all", "seconds=60")
        call("program", "name=y", "primacy=0", "fsa=g")
        call("fault", "kind=status", "count=1", "resource=tm")
        state = call("state")
        site, = state["sites"]
        assert (site["lfdi"], site["pin"]) == (pki[1]["device"].lfdi, 111115)
        assert site["fsas"] == {"f": ["x"], "g": ["y"]}
        assert [p["name"] for p in site["programs"]] == ["y", "x"]
        program = site["programs"][1]
        assert [c["status"] for c in program["controls"]] == [4, 0]
        assert program["controls"][0]["mrid"] == made["mrid"]
        assert (program["grad"], program["default"]) == (27, {"opModImpLimW": [2000, 0]})
        assert state["faults"][0]["more"]["status"] == 500 and state["rates"]["fsa"] == 60
        assert call("cancel", "mrid=all", "program=x") == {"cancelled": 2}
        call("remove-fsa", "name=g")
        assert len(call("state")["sites"][0]["programs"]) == 1
        for wrong in (("publish", "duration=1"), ("fly",), ("rate", "kind=derc", "seconds=1")):
            with pytest.raises(ValueError):
                call(*wrong)

        async def ask():
            connector = aiohttp.TCPConnector(ssl=client_context(pki[0]))
            async with aiohttp.ClientSession(
                f"https://127.0.0.1:{said['port']}", connector=connector
            ) as session:
                return await fetch(session, said["dcap"])

        assert asyncio.run(ask())[0] == 200
        entry, = call("log", "since=0")["log"]
    assert json.loads(log.read_text()) == entry


def test_the_program_ends_at_once_though_a_request_hangs(pki):
    with process(pki[0]) as (_, said):
        admin.call(said["admin_port"], "fault", {"kind": "silence"})

        async def ask():
            connector = aiohttp.TCPConnector(ssl=client_context(pki[0]))
            async with aiohttp.ClientSession(
                f"https://127.0.0.1:{said['port']}", connector=connector
            ) as session:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(fetch(session, said["dcap"]), 0.3)

        asyncio.run(ask())
