"""Proves pysaml2_idp.py without Avouch: pysaml2's own service provider signs alice in there.
`target/peers/venv/bin/python tests/peers/python/pysaml2_selftest.py`, after `make peers`."""

import html
import json
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

warnings.filterwarnings("ignore")

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import create_metadata_string
from saml2.response import IncorrectlySigned
from saml2.sigver import SigverError

SP, ACS = "http://localhost:8082/metadata", "http://localhost:8082/acs"
HERE = Path(__file__).parent
passed = 0


class Peer:
    def __init__(self):
        command = [sys.executable, HERE / "pysaml2_idp.py", "{}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())

    def tell(self, cmd, **arguments):
        print(json.dumps({"cmd": cmd, **arguments}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        assert answer["ok"], answer
        return answer


def check(what, holds):
    global passed
    assert holds, what
    passed += 1


def service_provider(peer, folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sp", "-days", "9"]
        + ["-keyout", f"{folder}/sp.key", "-out", f"{folder}/sp.pem"],
        check=True,
        capture_output=True,
    )
    config = SPConfig().load(
        {
            "entityid": SP,
            "key_file": f"{folder}/sp.key",
            "cert_file": f"{folder}/sp.pem",
            "encryption_keypairs": [{"key_file": f"{folder}/sp.key", "cert_file": f"{folder}/sp.pem"}],
            "metadata": {"inline": [urlopen(peer.ready["metadata_url"]).read().decode()]},
            "allow_unknown_attributes": True,
            "service": {
                "sp": {
                    "endpoints": {"assertion_consumer_service": [(ACS, BINDING_HTTP_POST)]},
                    "authn_requests_signed": True,
                    "want_response_signed": False,
                    "want_assertions_signed": False,
                    "want_assertions_or_response_signed": True,
                }
            },
        }
    )
    return Saml2Client(config)


def ask(client, tamper=lambda url: url):
    request_id, info = client.prepare_for_authenticate(relay_state="r-1", binding=BINDING_HTTP_REDIRECT)
    page = urlopen(tamper(dict(info["headers"])["Location"])).read().decode()
    field = lambda name: html.unescape(re.search(f'name="{name}" value="([^"]*)"', page)[1])
    check("the relay state came back", field("RelayState") == "r-1")
    check("posts to the ACS", f'action="{ACS}"' in page)
    return request_id, field("SAMLResponse")


def sign_in(client):
    request_id, response = ask(client)
    return client.parse_authn_request_response(response, BINDING_HTTP_POST, {request_id: "/"})


def refuses(errors, work):
    try:
        work()
    except errors:
        return True
    return False


def main():
    peer = Peer()
    with tempfile.TemporaryDirectory() as folder:
        client = service_provider(peer, folder)
        peer.tell("trust_sp", metadata=create_metadata_string(None, config=client.config).decode())
        peer.tell("user", name_id="a-1", attributes={"mail": ["alice@corp.example"], "groups": ["eng", "admins"]})
        for encrypt in (False, True):
            for sign in ("response", "assertion", "both"):
                peer.tell("mode", sign=sign, encrypt=encrypt)
                answer = sign_in(client)
                check(f"{sign} {encrypt}: the subject", answer.name_id.text == "a-1")
                check(f"{sign} {encrypt}: groups {answer.ava}", answer.ava.get("groups") == ["eng", "admins"])
        peer.tell("mode", sign="none")
        check("unsigned", refuses(SigverError, lambda: sign_in(client)))
        peer.tell("mode", sign="both")
        check("tampered", refuses(HTTPError, lambda: ask(client, lambda url: url.replace("r-1", "r-2"))))

        both = peer.tell("rotate_certificate", publish_first=True)["certificates"]
        check("two are published", len(both) == 2 and peer.tell("metadata")["metadata"].count("X509Certificate>") == 4)
        check("the old one signs", sign_in(client).name_id.text == "a-1")
        (new,) = peer.tell("rotate_certificate")["certificates"]
        check("the published one is taken", new == both[1])
        check("unknown to who has not looked", refuses((SigverError, IncorrectlySigned), lambda: sign_in(client)))
        client = service_provider(peer, folder)
        peer.tell("trust_sp", metadata=create_metadata_string(None, config=client.config).decode())
        check("known to who looks", sign_in(client).name_id.text == "a-1")
        log = peer.tell("log")["requests"]
        check("the log", [entry["status"] for entry in log].count(400) == 1)
    peer.process.stdin.close()
    check("ends with its stdin", peer.process.wait(5) == 0)
    print(f"{passed} passed, 0 failed")


main()
