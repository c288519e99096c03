"""A Kafka client that we did not write: confluent-kafka, which is librdkafka, as it fetches its token by OIDC. No Kafka
broker is needed for the first command: what librdkafka says of its token is all a test wants.

One JSON object a line on stdin, one answer a line on stdout: {"ok":true,...} or {"ok":false,"error",...}. It exits when
stdin closes. The commands:
  {"cmd":"token","settings"?:{...},"configuration"?:{...},"patience"?:SECONDS}
      starts a client with these settings, in librdkafka's names without their prefix `sasl.oauthbearer.`, or with a whole
      configuration in its full names, and waits until it has a token. -> {"ok":true,"errors":[...]}: what librdkafka complained of before. Without patience its first
      complaint is the end: {"ok":false,"error"}.
  {"cmd":"send","configuration":{...},"topic","text","token"?:TOKEN,"keep"?:NAME}
      sends one message to a broker. With a token this one is shown, instead of one that is fetched; with a name the connection
      stays open for the next message under it. -> {"ok":true}
  {"cmd":"receive","configuration":{...},"topic"}
      reads a topic from its beginning, in the consumer group of its name. -> {"ok":true,"texts":[...]}
"""

import json
import sys
import time

from confluent_kafka import Consumer, Producer

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


KEPT = {}


class Complaints(list):
    """What librdkafka says of signing in; `configuration` with them, and with a token instead of a way to one."""

    def of(self, configuration, token):
        settings = {**configuration, "error_cb": self.hear}
        if token:
            settings = {name: value for name, value in settings.items() if not name.startswith("sasl.oauthbearer.")}
            # shown however old it is
            settings["oauth_cb"] = lambda _: (token, time.time() + 3600)
        return settings

    def hear(self, error):
        print(error.str(), file=sys.stderr, flush=True)
        if error.name() == "_AUTHENTICATION":
            self.append(error.str())


def send(configuration, topic, text, token=None, keep=None):
    client, complaints = KEPT.get(keep, (None, None))
    if client is None:
        complaints = Complaints()
        client = Producer(complaints.of({"message.timeout.ms": 15000, **configuration}, token))
        if keep:
            KEPT[keep] = (client, complaints)
    complaints.clear()
    reports = []
    client.produce(topic, text, on_delivery=lambda error, _: reports.append(error))
    while not reports and not complaints:
        client.poll(0.1)
    if reports and reports[0] is None:
        return {"ok": True}
    return {"ok": False, "error": "; ".join([*complaints, *(f"{error.name()}: {error.str()}" for error in reports if error)])}


def receive(configuration, topic):
    complaints, texts = Complaints(), []
    group = {"group.id": topic, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    client = Consumer({**complaints.of(configuration, None), **group})
    client.subscribe([topic])
    end = time.monotonic() + 15
    message = None
    # until there is nothing more behind what came
    while time.monotonic() < end and (message or not texts):
        message = client.poll(0.5)
        if complaints or (message and message.error()):
            error = "; ".join(complaints) or f"{message.error().name()}: {message.error().str()}"
            client.close()
            return {"ok": False, "error": error}
        if message:
            texts.append(message.value().decode())
    client.close()
    return {"ok": True, "texts": texts}


COMMANDS = {"token": token, "send": send, "receive": receive}


def answer(line):
    try:
        request = json.loads(line)
        return COMMANDS[request.pop("cmd")](**request)
    except Exception as error:  # the test decides what an error means
        return {"ok": False, "error": str(error) or type(error).__name__}


for line in sys.stdin:
    if line.strip():
        print(json.dumps(answer(line)), flush=True)
