"""A Kafka client that we did not write: confluent-kafka, which is librdkafka, as it fetches its token by OIDC. No Kafka
broker is needed for that: what librdkafka says of its token is all a test wants.

One JSON object a line on stdin, one answer a line on stdout: {"ok":true,...} or {"ok":false,"error",...}. It exits when
stdin closes. The one command:
  {"cmd":"token","settings"?:{...},"configuration"?:{...},"patience"?:SECONDS}
      starts a client with these settings, in librdkafka's names without their prefix `sasl.oauthbearer.`, or with a whole
      configuration in its full names, and waits until it has a token. -> {"ok":true,"errors":[...]}: what librdkafka complained of before. Without patience its first
      complaint is the end: {"ok":false,"error"}.
"""

import json
import sys
import time

from confluent_kafka import Producer

# librdkafka says it to its other threads, in its log.
TAKEN = "after setting OAUTHBEARER token"


class Log:
    """What librdkafka has to say, as a logger of Python's."""

    def __init__(self):
        self.lines = []

    def log(self, _level, template, *arguments):
        line = template % arguments
        self.lines.append(line)
        if line.startswith(("SASL", "OIDC")):
            print(line, file=sys.stderr, flush=True)


def usual(settings):
    names = {"method": "oidc", **settings}
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        **{f"sasl.oauthbearer.{name}": value for name, value in names.items()},
    }


def token(settings=None, configuration=None, patience=0):
    log, errors = Log(), []
    client = Producer(
        {
            # nobody listens there, and nobody has to
            "bootstrap.servers": "127.0.0.1:1",
            "debug": "security",
            **(configuration or usual(settings)),
            "error_cb": lambda error: errors.append(error.str()) if error.name() == "_AUTHENTICATION" else None,
        },
        logger=log,
    )
    end = time.monotonic() + (patience or 10)
    while time.monotonic() < end:
        client.poll(0.05)
        if any(TAKEN in line for line in log.lines):
            return {"ok": True, "errors": errors}
        if errors and not patience:
            break
    return {"ok": False, "error": "; ".join(errors) or "librdkafka has no token and does not say why"}


def answer(line):
    try:
        request = json.loads(line)
        if request.pop("cmd") != "token":
            raise ValueError("unknown cmd; known: token")
        return token(**request)
    except Exception as error:  # the test decides what an error means
        return {"ok": False, "error": str(error) or type(error).__name__}


for line in sys.stdin:
    if line.strip():
        print(json.dumps(answer(line)), flush=True)
