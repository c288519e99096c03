"""More checks for Schemathesis: what was sent as a secret never comes back."""

from urllib.parse import unquote_plus

import schemathesis

SECRETS = {"client_secret", "code", "code_verifier", "refresh_token", "access_token", "token", "client_assertion"}
SHORTEST = 8  # a shorter value may stand in any answer by chance


@schemathesis.check
def no_secret_comes_back(ctx, response, case):
    sent = [case.query or {}, case.body if isinstance(case.body, dict) else {}]
    values = {str(value) for fields in sent for name, value in fields.items() if name in SECRETS}
    values |= {str(value).split(" ", 1)[-1] for name, value in (case.headers or {}).items() if name == "Authorization"}
    text = response.text + "".join(f"{name}: {value}\n" for name, value in response.headers.items())
    for value in values:
        if len(value) >= SHORTEST and value in unquote_plus(text):
            raise AssertionError("a secret of the request stands in the answer")
