"""A downstream application that we did not write: Authlib with joserfc, the usual pair in Python services.

One JSON object a line on stdin, one answer a line on stdout: {"ok":true,...} or {"ok":false,"error",...}; `id` is
echoed when given. It exits when stdin closes. Commands (the same as node/relying-party.mjs, as far as they go):
  {"cmd":"discover","issuer","client_id","client_secret"?,"auth":"basic|post|none","id_token_alg"?}
  {"cmd":"authorize_url","redirect_uri","scope", ...more parameters}  -> url, state, nonce; keeps the PKCE verifier
  {"cmd":"callback","url"}                        -> claims, tokens
  {"cmd":"refresh","refresh_token"?}              -> claims (when an ID token came), tokens
  {"cmd":"userinfo"}                              -> claims
  {"cmd":"client_credentials","params":{...}}     -> tokens
  {"cmd":"verify_access_token","token"?,"audience","alg","typ"?}  -> header, claims
"""

import json
import sys
import warnings
from urllib.parse import parse_qsl, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

# RFC 9864 renames EdDSA to Ed25519; today's deployments still say EdDSA.
warnings.filterwarnings("ignore", message=".*EdDSA.*")

AUTHENTICATION = {"basic": "client_secret_basic", "post": "client_secret_post", "none": "none"}


class RelyingParty:
    def __init__(self):
        self.metadata = self.client = self.id_token_alg = None
        self.pending, self.tokens = {}, {}

    def discover(self, issuer, client_id, client_secret=None, auth="basic", id_token_alg="RS256"):
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        metadata = get(url)
        if metadata["issuer"] != issuer:
            raise ValueError(f"the document at {url} is of issuer {metadata['issuer']!r}")
        self.metadata, self.id_token_alg = metadata, id_token_alg
        self.client = OAuth2Session(
            client_id,
            client_secret,
            token_endpoint_auth_method=AUTHENTICATION[auth],
            code_challenge_method="S256",
            token_endpoint=metadata["token_endpoint"],
        )
        self.pending, self.tokens = {}, {}
        return {"metadata": metadata}

    def authorize_url(self, redirect_uri, scope, **parameters):
        verifier, nonce = generate_token(48), generate_token(24)
        self.client.redirect_uri, self.client.scope = redirect_uri, scope
        url, state = self.client.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **parameters
        )
        self.pending = {"verifier": verifier, "nonce": nonce, "state": state, "max_age": parameters.get("max_age")}
        return {"url": url, "state": state, "nonce": nonce}

    def callback(self, url):
        answer = dict(parse_qsl(urlsplit(url).query))
        # Authlib leaves RFC 9207 to its caller.
        if self.metadata.get("authorization_response_iss_parameter_supported") or "iss" in answer:
            if answer.get("iss") != self.metadata["issuer"]:
                raise ValueError(f"authorization response of issuer {answer.get('iss')!r}")
        if "error" in answer:
            raise OAuthError(answer["error"], answer.get("error_description"))
        tokens = self.client.fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=url,
            state=self.pending["state"],
            code_verifier=self.pending["verifier"],
        )
        if "id_token" not in tokens:
            raise ValueError("no ID token in the token response")
        return self._remember(tokens, nonce=self.pending["nonce"], max_age=self.pending["max_age"])

    def refresh(self, refresh_token=None):
        old = refresh_token or self.tokens["refresh_token"]
        return self._remember(self.client.refresh_token(self.metadata["token_endpoint"], refresh_token=old))

    def userinfo(self):
        bearer = {"Authorization": "Bearer " + self.tokens["access_token"]}
        return {"claims": get(self.metadata["userinfo_endpoint"], bearer)}

    def client_credentials(self, params=None):
        self.tokens = {}
        tokens = self.client.fetch_token(
            self.metadata["token_endpoint"], grant_type="client_credentials", **(params or {})
        )
        return self._remember(tokens)

    def verify_access_token(self, audience, alg, token=None, typ="at+jwt"):
        verified = jwt.decode(token or self.tokens["access_token"], self._jwks(), algorithms=[alg])
        if verified.header.get("typ") != typ:
            raise ValueError(f"typ is {verified.header.get('typ')!r}, not {typ!r}")
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.metadata["issuer"]},
            aud={"essential": True, "value": audience},
            **{name: {"essential": True} for name in ("exp", "iat", "sub", "jti", "client_id")},
        ).validate(verified.claims)
        return {"header": verified.header, "claims": verified.claims}

    def _remember(self, tokens, **checks):
        # A refresh need not repeat the refresh token or the ID token (RFC 6749 §6).
        claims = self._id_token(tokens, **checks) if "id_token" in tokens else None
        self.tokens = {**self.tokens, **tokens}
        return {"claims": claims, "tokens": dict(tokens)}

    def _id_token(self, tokens, **checks):
        verified = jwt.decode(tokens["id_token"], self._jwks(), algorithms=[self.id_token_alg])
        claims = CodeIDToken(
            verified.claims,
            verified.header,
            options={
                "iss": {"essential": True, "value": self.metadata["issuer"]},
                "aud": {"essential": True, "value": self.client.client_id},
            },
            params={"client_id": self.client.client_id, "access_token": tokens["access_token"], **checks},
        )
        claims.validate()
        return dict(claims)

    def _jwks(self):
        return KeySet.import_key_set(get(self.metadata["jwks_uri"]))


def get(url, headers=None):
    response = requests.get(url, headers=headers, timeout=10)
    response.raise_for_status()
    return response.json()


COMMANDS = ["discover", "authorize_url", "callback", "refresh", "userinfo", "client_credentials", "verify_access_token"]


def answer(party, line):
    request = {}
    try:
        request = json.loads(line)
        cmd = request.pop("cmd")
        given = request.pop("id", None)
        if cmd not in COMMANDS:
            raise ValueError(f"unknown cmd {cmd!r}; known: {', '.join(COMMANDS)}")
        return {"ok": True, "id": given, **getattr(party, cmd)(**request)}
    except Exception as error:  # the test decides what an error means
        failure = {"ok": False, "error": str(error) or type(error).__name__, "code": type(error).__name__}
        if isinstance(error, OAuthError):
            failure.update(oauth_error=error.error, oauth_error_description=error.description)
        return failure


def main():
    party = RelyingParty()
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answer(party, line)), flush=True)


main()
