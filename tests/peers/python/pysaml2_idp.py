"""An upstream SAML 2.0 identity provider that we did not write: pysaml2 over xmlsec1, with the quirks it has (namespaces
are ns0, ns1, ..; an attribute it does not know has no FriendlyName). It asks nobody anything: every correctly signed
AuthnRequest is answered at once, for the one user who is set.

Configuration, one JSON object, as argv[1] or as the first line of stdin:
  port                   TCP port on 127.0.0.1; 0 (the default) takes a free one
  host                   in its own URLs; default localhost; 127.0.0.1 is another site than a broker at localhost
  want_requests_signed   default true; false: an unsigned AuthnRequest is answered too, and no signature is looked at
Prints {"ready":true,"entity_id","issuer","metadata_url","sso_url"} once it answers (issuer is the entity id). HTTP:
  GET /slo, POST /slo   a LogoutRequest, which must be signed and name a session, is answered by the same binding; a
                        LogoutResponse, which must be signed, ends at "signed out everywhere"; 400 "refused ..." otherwise
  GET /logout           the person of the last session begins the logout here
  GET /metadata   GET /sso (HTTP-Redirect)   POST /sso (HTTP-POST)   400 "refused ...": this AuthnRequest is not believed
  GET /start?sp=ENTITY_ID&RelayState=...   answers that service provider, which asked nothing
Afterwards stdin takes commands, answered by {"ok":true,...} or {"ok":false,"error","code"}; `id` is echoed when given:
  {"cmd":"trust_sp","metadata":XML}   answers this service provider from now on           -> entity_id
  {"cmd":"metadata"}                  its own, as GET /metadata has it                    -> metadata
  {"cmd":"mode","sign":"response|assertion|both|none","encrypt":false}   encrypted with AES-256-GCM and RSA-OAEP
  {"cmd":"user","name_id","name_id_format","attributes":{LOCAL_NAME:[...]}}   what is left out stays
  {"cmd":"rotate_certificate","publish_first":false}                                      -> certificates (PEM)
       at once: a new key signs, and the metadata shows it alone. With publish_first the metadata shows both and the old
       one signs on; the next rotation takes the published one into use.
  {"cmd":"slo_binding","binding":"redirect|post"}   by which logout messages are taken, and sent from /logout
  {"cmd":"log"}                       -> requests: [{method, path, status}]
It exits when stdin closes.
"""

import functools
import json
import re
import sys
import tempfile
import threading
import warnings
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

warnings.filterwarnings("ignore")  # pysaml2 warns of its dependencies' deprecations

import saml2.entity
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import create_metadata_string
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT, NameID
from saml2.server import Server
from saml2.samlp import logout_response_from_string
from saml2.sigver import pre_encryption_part, verify_redirect_signature
from saml2.time_util import in_a_while
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

# pysaml2 knows only Triple DES by itself.
AES_256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
saml2.entity.pre_encryption_part = functools.partial(pre_encryption_part, msg_enc=AES_256_GCM)

SIGN = {"response": (True, False), "assertion": (False, True), "both": (True, True), "none": (False, False)}

BINDINGS = {"redirect": BINDING_HTTP_REDIRECT, "post": BINDING_HTTP_POST}


class KeyPair:
    """An RSA key with a certificate that it signed itself, in files, where xmlsec1 wants them."""

    def __init__(self, folder, number):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"pysaml2 {number}")])
        now = datetime.now(timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(key, hashes.SHA256())
        )
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        self.key_file, self.certificate_file = f"{folder}/{number}.key", f"{folder}/{number}.pem"
        Path(self.key_file).write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        Path(self.certificate_file).write_bytes(certificate.public_bytes(pem))

    def certificate(self):
        return Path(self.certificate_file).read_text()


class IdentityProvider:
    """Its methods are the commands, and what HTTP asks. One at a time: a Server is replaced when its world changes."""

    def __init__(self, base, folder, want_requests_signed=True):
        self.entity_id, self.sso_url, self.folder = f"{base}/metadata", f"{base}/sso", folder
        self.slo_url, self.slo_bindings, self.sessions = f"{base}/slo", list(BINDINGS.values()), []
        self.want_requests_signed = want_requests_signed
        self.lock, self.requests, self.providers, self.made = threading.Lock(), [], {}, 0
        self.sign, self.encrypt = "both", False
        self.name_id, self.name_id_format, self.attributes = "alice", NAMEID_FORMAT_PERSISTENT, {}
        self.active, self.published = self._new_key(), None
        self._renew()

    # commands

    def trust_sp(self, metadata):
        entity_id = ElementTree.fromstring(metadata).attrib["entityID"]
        self.providers[entity_id] = metadata
        self._renew()
        if entity_id not in self.server.metadata.keys():
            del self.providers[entity_id]
            self._renew()
            raise ValueError(f"pysaml2 does not take the metadata of {entity_id}; is it expired?")
        return {"entity_id": entity_id}

    def metadata(self):
        return {"metadata": create_metadata_string(None, config=self.server.config).decode()}

    def mode(self, sign, encrypt=False):
        if sign not in SIGN:
            raise ValueError(f"unknown sign {sign!r}; known: {', '.join(SIGN)}")
        self.sign, self.encrypt = sign, encrypt
        return {}

    def user(self, name_id=None, name_id_format=None, attributes=None):
        self.name_id = self.name_id if name_id is None else name_id
        self.name_id_format = self.name_id_format if name_id_format is None else name_id_format
        self.attributes = self.attributes if attributes is None else attributes
        return {}

    def rotate_certificate(self, publish_first=False):
        if publish_first:
            self.published = self._new_key()
        else:
            self.active, self.published = self.published or self._new_key(), None
        self._renew()
        return {"certificates": [pair.certificate() for pair in self._pairs()]}

    def slo_binding(self, binding):
        self.slo_bindings = [BINDINGS[binding]]
        self._renew()
        return {}

    def log(self):
        return {"requests": self.requests}

    # logout

    def logout(self, binding, parameters):
        """What a logout message is answered with, as HTTP arguments of pysaml2, or None when all is done."""
        if binding not in self.slo_bindings:
            raise ValueError(f"{binding} is not in its metadata")
        if "SAMLResponse" in parameters:
            return self._logged_out(binding, parameters)
        asked = self.server.parse_logout_request(
            parameters["SAMLRequest"],
            binding,
            relay_state=parameters.get("RelayState"),
            sigalg=parameters.get("SigAlg"),
            signature=parameters.get("Signature"),
        ).message
        indexes = [index.text for index in asked.session_index]
        ended = [s for s in self.sessions if s[:2] == (asked.name_id.text, asked.name_id.format) and s[2] in indexes]
        if not ended or asked.name_id.sp_name_qualifier or asked.name_id.name_qualifier:
            raise ValueError(f"nobody is called {asked.name_id} in {indexes}")
        self.sessions = [session for session in self.sessions if session not in ended]
        by_form = binding == BINDING_HTTP_POST
        answer = self.server.create_logout_response(
            asked, [binding], sign=by_form, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256
        )
        return self._send(binding, answer, parameters.get("RelayState", ""), response=True)

    def begin_logout(self):
        name_id, name_id_format, index = self.sessions.pop()
        binding = self.slo_bindings[0]
        (provider,) = self.providers
        _, place = self.server.pick_binding("single_logout_service", [binding], "spsso", entity_id=provider)
        _, asked = self.server.create_logout_request(
            place,
            provider,
            name_id=NameID(format=name_id_format, text=name_id),
            session_indexes=[index],
            expire=in_a_while(minutes=5),
            sign=binding == BINDING_HTTP_POST,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
        )
        self.asked = re.search('ID="([^"]+)"', str(asked)).group(1)
        return self._send(binding, asked, "begun at pysaml2", response=False)

    def _send(self, binding, message, relay_state, response):
        (provider,) = self.providers
        _, place = self.server.pick_binding("single_logout_service", [binding], "spsso", entity_id=provider)
        by_redirect = binding == BINDING_HTTP_REDIRECT
        return self.server.apply_binding(
            binding, str(message), place, relay_state, response=response, sign=by_redirect, sigalg=SIG_RSA_SHA256
        )

    def _logged_out(self, binding, parameters):
        xml = self.server.unravel(parameters["SAMLResponse"], binding, "logout_response")
        answer = logout_response_from_string(xml)
        certificates = [pem for _, pem in self.server.metadata.certs(answer.issuer.text, "any", "signing")]
        if binding == BINDING_HTTP_REDIRECT:
            signed = {name: parameters[name] for name in ("SAMLResponse", "RelayState", "SigAlg", "Signature")}
            backend = self.server.sec.sec_backend
            if not any(verify_redirect_signature(signed, backend, pem) for pem in certificates):
                raise ValueError("the LogoutResponse is not signed correctly")
        else:
            self.server.sec.correctly_signed_logout_response(xml, must=True)
        if answer.in_response_to != self.asked or parameters["RelayState"] != "begun at pysaml2":
            raise ValueError("the LogoutResponse answers nothing that was asked")
        if answer.destination != self.slo_url or not answer.status.status_code.value.endswith(":Success"):
            raise ValueError(f"the LogoutResponse is no success for us: {answer}")

    # HTTP

    def answer(self, binding, parameters):
        """The page that posts the response to the service provider. Anything that is wrong with the request raises."""
        asked = self.server.parse_authn_request(
            parameters["SAMLRequest"],
            binding,
            relay_state=parameters.get("RelayState"),
            sigalg=parameters.get("SigAlg"),
            signature=parameters.get("Signature"),
        )
        return self._post(self.server.response_args(asked.message, bindings=[BINDING_HTTP_POST]), parameters)

    def start(self, parameters):
        """The same for a service provider that asked nothing."""
        entity_id = parameters["sp"]
        binding, destination = self.server.pick_binding(
            "assertion_consumer_service", [BINDING_HTTP_POST], "spsso", entity_id=entity_id
        )
        place = {"in_response_to": None, "destination": destination, "sp_entity_id": entity_id}
        return self._post(place, parameters)

    # inside

    def _post(self, place, parameters):
        sign_response, sign_assertion = SIGN[self.sign]
        response = self.server.create_authn_response(
            self.attributes,
            place["in_response_to"],
            place["destination"],
            place["sp_entity_id"],
            name_id=NameID(format=self.name_id_format, text=self.name_id),
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": self.entity_id},
            sign_response=sign_response,
            sign_assertion=sign_assertion,
            encrypt_assertion=self.encrypt,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
        )
        index = re.search('SessionIndex="([^"]+)"', str(response))  # not legible where it is encrypted
        self.sessions.append((self.name_id, self.name_id_format, index and index.group(1)))
        page = self.server.apply_binding(
            BINDING_HTTP_POST, str(response), place["destination"], parameters.get("RelayState", ""), response=True
        )
        return page["data"]

    def _new_key(self):
        self.made += 1
        return KeyPair(self.folder, self.made)

    def _pairs(self):
        return [pair for pair in (self.active, self.published) if pair]

    def _renew(self):
        config = IdPConfig().load(
            {
                "entityid": self.entity_id,
                "key_file": self.active.key_file,
                "cert_file": self.active.certificate_file,
                "additional_cert_files": [pair.certificate_file for pair in self._pairs()[1:]],
                "metadata": {"inline": list(self.providers.values())},
                "service": {
                    "idp": {
                        "want_authn_requests_signed": self.want_requests_signed,
                        "name_id_format": [NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT],
                        "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI}},
                        "endpoints": {
                            "single_sign_on_service": [
                                (self.sso_url, BINDING_HTTP_REDIRECT),
                                (self.sso_url, BINDING_HTTP_POST),
                            ],
                            "single_logout_service": [(self.slo_url, binding) for binding in self.slo_bindings],
                        },
                    }
                },
            }
        )
        self.server = Server(config=config)
        self.server.sec.encrypt_assertion = functools.partial(self.server.sec.encrypt_assertion, key_type="aes-256")


COMMANDS = ["trust_sp", "metadata", "mode", "user", "rotate_certificate", "slo_binding", "log"]


def handler(provider):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            if url.path in ("/slo", "/logout"):
                return self.log_out(BINDING_HTTP_REDIRECT, url.query)
            if url.path == "/metadata":
                with provider.lock:
                    self.say(200, "application/samlmetadata+xml", provider.metadata()["metadata"])
            elif url.path == "/start":
                self.answer_with(lambda: provider.start(dict(parse_qsl(url.query))))
            else:
                self.sign_in(BINDING_HTTP_REDIRECT, url.query)

        def do_POST(self):
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            (self.log_out if self.path == "/slo" else self.sign_in)(BINDING_HTTP_POST, form)

        def sign_in(self, binding, form):
            if urlsplit(self.path).path != "/sso":
                return self.say(404, "text/plain", "there is only /metadata, /sso and /start")
            self.answer_with(lambda: provider.answer(binding, dict(parse_qsl(form))))

        def answer_with(self, answer):
            with provider.lock:
                try:
                    self.say(200, "text/html", answer())
                except Exception as error:  # whatever pysaml2 finds wrong with it
                    self.say(400, "text/plain", f"refused {type(error).__name__}: {error}")

        def say(self, status, content_type, body, location=None):
            provider.requests.append({"method": self.command, "path": urlsplit(self.path).path, "status": status})
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Type", f"{content_type}; charset=utf-8")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_out(self, binding, form):
            with provider.lock:
                try:
                    begun = urlsplit(self.path).path == "/logout"
                    http = provider.begin_logout() if begun else provider.logout(binding, dict(parse_qsl(form)))
                except Exception as error:  # whatever pysaml2 finds wrong with it
                    return self.say(400, "text/plain", f"refused {type(error).__name__}: {error}")
                if http is None:
                    self.say(200, "text/plain", "signed out everywhere")
                elif http["method"] == "POST":
                    self.say(200, "text/html", http["data"])
                else:
                    self.say(303, "text/plain", "", dict(http["headers"])["Location"])

        def log_message(self, *_):
            pass

    return Handler


def obey(provider, line):
    given = None
    try:
        request = json.loads(line)
        cmd, given = request.pop("cmd"), request.pop("id", None)
        if cmd not in COMMANDS:
            raise ValueError(f"unknown cmd {cmd!r}; known: {', '.join(COMMANDS)}")
        with provider.lock:
            return {"ok": True, "id": given, **getattr(provider, cmd)(**request)}
    except Exception as error:  # the test decides what an error means
        return {"ok": False, "id": given, "error": str(error) or type(error).__name__, "code": type(error).__name__}


def say(message):
    print(json.dumps(message), flush=True)


def main():
    config = json.loads(sys.argv[1] if len(sys.argv) > 1 else sys.stdin.readline() or "{}")
    # The port is known once it listens, and nobody is answered before there is a provider.
    http = ThreadingHTTPServer(("127.0.0.1", config.get("port", 0)), BaseHTTPRequestHandler)
    base = f"http://{config.get('host', 'localhost')}:{http.server_address[1]}"
    with tempfile.TemporaryDirectory(prefix="pysaml2-") as folder:
        provider = IdentityProvider(base, folder, config.get("want_requests_signed", True))
        http.RequestHandlerClass = handler(provider)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        entity_id = provider.entity_id
        say({"ready": True, "entity_id": entity_id, "issuer": entity_id, "metadata_url": entity_id, "sso_url": provider.sso_url})
        for line in sys.stdin:
            if line.strip():
                say(obey(provider, line))


main()
