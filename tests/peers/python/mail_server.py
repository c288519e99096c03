"""A mail server that we did not write: aiosmtpd takes letters and says what came.

The first line on stdin is {"certificate": PEM file or null, "key", "user", "password"}: with a certificate it offers
STARTTLS and wants the password before anything else. It answers {"ok":true,"port"}. Then one JSON object a line:
  {"cmd":"letters"}               -> letters: [{to, from, subject, headers, text}] since the last such command
  {"cmd":"refuse","with":"451 ..."} -> what is answered to every RCPT from now on; null: letters are taken again
It exits when stdin closes.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult

config = json.loads(sys.stdin.readline())
letters = []
refusal = None


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        letters.append(
            {
                "to": envelope.rcpt_tos,
                "from": str(message["From"]),
                "subject": str(message["Subject"]),
                "headers": {name: str(value) for name, value in message.items()},
                "text": message.get_content(),
                "tls": session.ssl is not None,
            }
        )
        return "250 OK"


def known(server, session, envelope, mechanism, data):
    good = (data.login.decode(), data.password.decode()) == (config["user"], config["password"])
    return AuthResult(success=good, handled=False)  # else it says nothing


options = {}
if config.get("certificate"):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config["certificate"], config["key"])
    options = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": known}
loop = asyncio.new_event_loop()
server = loop.run_until_complete(loop.create_server(lambda: SMTP(Sink(), loop=loop, **options), "127.0.0.1", 0))
threading.Thread(target=loop.run_forever, daemon=True).start()
print(json.dumps({"ok": True, "port": server.sockets[0].getsockname()[1]}), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    answer = {"ok": True}
    if command["cmd"] == "letters":
        answer["letters"], letters = letters, []
    elif command["cmd"] == "refuse":
        refusal = command["with"]
    print(json.dumps(answer), flush=True)
