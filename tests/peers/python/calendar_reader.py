"""A calendar program that we did not write: icalendar reads what we publish.

One JSON object a line on stdin, one answer a line on stdout: {"ok":true,...} or {"ok":false,"error"}. It exits when stdin
closes. Commands:
  {"cmd":"read","text"}  -> name, events: [{uid, start, summary, description, url, alarms: [seconds before, negative]}]
"""

import json
import sys

from icalendar import Calendar


def read(text):
    calendar = Calendar.from_ical(text)
    assert not calendar.errors, calendar.errors
    events = []
    for event in calendar.walk("VEVENT"):
        assert not event.errors, event.errors
        events.append(
            {
                "uid": str(event["UID"]),
                "stamped": event["DTSTAMP"].dt.isoformat(),
                "start": int(event["DTSTART"].dt.timestamp()),
                "summary": str(event["SUMMARY"]),
                "description": str(event["DESCRIPTION"]),
                "url": str(event["URL"]),
                "alarms": [alarm["TRIGGER"].dt.total_seconds() for alarm in event.walk("VALARM")],
            }
        )
    return {"version": str(calendar["VERSION"]), "name": str(calendar["X-WR-CALNAME"]), "events": events}


for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {"ok": True, **read(command["text"])}
    except Exception as error:  # noqa: BLE001 - whatever it is, the test says it
        answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
