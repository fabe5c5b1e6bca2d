"""Google's official client against the loopback Google; prints what it saw. Run by the peers' interpreter."""

import base64
import hashlib
import json
import os
import urllib.error
import urllib.parse
import urllib.request

from google.api_core.client_options import ClientOptions
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

BASE = os.environ["BASE_URL"]
CLIENT, SECRET = os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]
SCOPES = os.environ["SCOPES"].split()
REDIRECT = "http://127.0.0.1:8090/oauth/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def consented() -> dict[str, str]:
    query = {
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "state": "s1",
        "access_type": "offline",
        "prompt": "consent",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    try:
        urllib.request.build_opener(_Stay).open(f"{BASE}/o/oauth2/v2/auth?{urllib.parse.urlencode(query)}")
    except urllib.error.HTTPError as answer:
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))
    raise AssertionError("no redirection")


def token(**form: str) -> tuple[int, dict]:
    form = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uri": REDIRECT, **form}
    try:
        with urllib.request.urlopen(f"{BASE}/token", urllib.parse.urlencode(form).encode()) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def failing(call) -> list:
    try:
        call()
    except HttpError as error:
        return [error.status_code, error.error_details[0]["reason"] if isinstance(error.error_details, list) else "", error.reason]
    return []


first = consented()
wrong = token(grant_type="authorization_code", code=first["code"], code_verifier="x" * 64)
code = consented()["code"]
status, grant = token(grant_type="authorization_code", code=code, code_verifier=VERIFIER)
again = token(grant_type="authorization_code", code=code, code_verifier=VERIFIER)
credentials = Credentials(
    None, refresh_token=grant["refresh_token"], token_uri=f"{BASE}/token", client_id=CLIENT, client_secret=SECRET, scopes=SCOPES
)
credentials.refresh(Request())
service = build("calendar", "v3", credentials=credentials, client_options=ClientOptions(api_endpoint=f"{BASE}/calendar/v3/"), static_discovery=True)
events = service.events()

own = service.calendars().insert(body={"summary": "Planner", "timeZone": "Europe/Berlin"}).execute()
calendar_id = own["id"]
listed = service.calendarList().list().execute()


def body(event_id, hour, **more):
    at = f"2027-03-15T{hour:02d}:00:00"
    return {
        "id": event_id,
        "summary": "Draft",
        "start": {"dateTime": at, "timeZone": "Europe/Berlin"},
        "end": {"dateTime": at.replace(":00:00", ":30:00"), "timeZone": "Europe/Berlin"},
        "extendedProperties": {"private": {"run_id": "r", "task_id": "t"}},
        **more,
    }


made = events.insert(calendarId=calendar_id, body=body("pm001", 9)).execute()
duplicate = failing(lambda: events.insert(calendarId=calendar_id, body=body("pm001", 9)).execute())
bad_id = failing(lambda: events.insert(calendarId=calendar_id, body=body("PM-1", 9)).execute())


def if_match(request, etag):
    request.headers["If-Match"] = etag
    return request


patched = if_match(
    events.patch(calendarId=calendar_id, eventId="pm001", body={"summary": "Moved", "extendedProperties": {"private": {"task_id": None}}}),
    made["etag"],
).execute()
stale = failing(lambda: if_match(events.patch(calendarId=calendar_id, eventId="pm001", body={"summary": "x"}), made["etag"]).execute())
events.delete(calendarId=calendar_id, eventId="pm001").execute()
deleted_twice = failing(lambda: events.delete(calendarId=calendar_id, eventId="pm001").execute())
kept_id = failing(lambda: events.insert(calendarId=calendar_id, body=body("pm001", 9)).execute())
gone = events.get(calendarId=calendar_id, eventId="pm001").execute()
revived = events.update(calendarId=calendar_id, eventId="pm001", body={**body("pm001", 10), "status": "confirmed"}).execute()

for n in range(5):
    events.insert(calendarId=calendar_id, body=body(f"page{n}", 11 + n)).execute()
pages, request = [], events.list(calendarId=calendar_id, singleEvents=True, orderBy="startTime", maxResults=2)
while request is not None:
    page = request.execute()
    pages.append(len(page["items"]))
    request = events.list_next(request, page)
sync = events.list(calendarId=calendar_id).execute()["nextSyncToken"]
events.delete(calendarId=calendar_id, eventId="page0").execute()
changed = events.list(calendarId=calendar_id, syncToken=sync).execute()
ordered_sync = failing(lambda: events.list(calendarId=calendar_id, syncToken=sync, timeMin="2027-01-01T00:00:00Z").execute())
no_token = failing(lambda: events.list(calendarId=calendar_id, syncToken="gone").execute())
unordered = failing(lambda: events.list(calendarId=calendar_id, orderBy="startTime").execute())

series = events.insert(
    calendarId=calendar_id,
    body={
        **body("series", 9, recurrence=["RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20270405T090000"]),
        "start": {"dateTime": "2027-03-22T09:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2027-03-22T09:30:00", "timeZone": "Europe/Berlin"},
    },
).execute()
window = {"timeMin": "2027-03-20T00:00:00Z", "timeMax": "2027-04-20T00:00:00Z"}
expanded = events.list(calendarId=calendar_id, singleEvents=True, timeZone="UTC", **window).execute()["items"]
by_property = events.list(calendarId=calendar_id, privateExtendedProperty=["task_id=t"], fields="items(id,start/dateTime),nextPageToken").execute()
busy = service.freebusy().query(body={**window, "items": [{"id": calendar_id}, {"id": "nowhere"}]}).execute()["calendars"]

channel = {"id": "channel-1", "type": "web_hook", "token": "secret", "address": "https://planner.example/hook"}
watched = events.watch(calendarId=calendar_id, body=channel).execute()
insecure = failing(lambda: events.watch(calendarId=calendar_id, body={**channel, "id": "c2", "address": "http://planner.example"}).execute())
service.channels().stop(body={"id": watched["id"], "resourceId": watched["resourceId"]}).execute()
stopped_twice = failing(lambda: service.channels().stop(body={"id": watched["id"], "resourceId": watched["resourceId"]}).execute())

in_batch = {}
batch = BatchHttpRequest(batch_uri=f"{BASE}/batch/calendar/v3")
for n in range(7):
    batch.add(
        events.insert(calendarId=calendar_id, body=body(f"batch{n % 6}", 9)),
        callback=lambda name, answer, error: in_batch.setdefault(name, error.status_code if error else answer["id"]),
    )
batch.execute()

limited_then_well = events.get(calendarId=calendar_id, eventId="series").execute(num_retries=3)["id"]
not_ours = failing(lambda: events.insert(calendarId="primary", body=body("pm002", 9)).execute())
unknown = failing(lambda: events.get(calendarId=calendar_id, eventId="nothing").execute())
service.calendars().delete(calendarId=calendar_id).execute()

with urllib.request.urlopen(f"{BASE}/revoke", urllib.parse.urlencode({"token": grant["refresh_token"]}).encode()) as answer:
    revoked = answer.status
try:
    credentials.refresh(Request())
    refused = ""
except RefreshError as error:
    refused = error.args[1]["error"]

schemas = service._rootDesc["schemas"]  # the discovery document that ships inside the client


def beyond(schema: str, value: dict) -> list[str]:
    """Fields that the document does not know, here and in the objects inside."""
    known = schemas[schema]["properties"]
    found = [f"{schema}.{name}" for name in value if name not in known]
    for name, inner in value.items():
        reference = known.get(name, {}).get("$ref") or known.get(name, {}).get("items", {}).get("$ref")
        for each in inner if isinstance(inner, list) else [inner]:
            if reference and isinstance(each, dict):
                found += beyond(reference, each)
    return found


undocumented = [
    *beyond("Event", made),
    *beyond("Events", changed),
    *beyond("Events", {"items": expanded}),
    *beyond("CalendarList", listed),
    *beyond("Calendar", own),
    *beyond("Channel", watched),
]

print(
    json.dumps(
        {
            "undocumented": undocumented,
            "state": first["state"],
            "wrong_verifier": [wrong[0], wrong[1]["error"]],
            "grant": [status, sorted(grant)],
            "code_again": [again[0], again[1]["error"]],
            "calendars": [[c.get("primary", False), c["accessRole"]] for c in listed["items"]],
            "made": [made["id"], made["status"], made["start"], made["kind"]],
            "failures": {
                "duplicate": duplicate,
                "bad_id": bad_id,
                "stale": stale,
                "deleted_twice": deleted_twice,
                "kept_id": kept_id,
                "ordered_sync": ordered_sync,
                "no_token": no_token,
                "unordered": unordered,
                "insecure": insecure,
                "stopped_twice": stopped_twice,
                "not_ours": not_ours,
                "unknown": unknown,
            },
            "patched": [patched["summary"], patched["extendedProperties"]["private"], patched["etag"] != made["etag"]],
            "gone": gone["status"],
            "revived": [revived["status"], revived["start"]["dateTime"]],
            "pages": pages,
            "changed": [[e["id"], e["status"]] for e in changed["items"]],
            "series": [[e["start"]["dateTime"], e["recurringEventId"] == series["id"]] for e in expanded],
            "by_property": by_property["items"][0],
            "busy": [len(busy[calendar_id]["busy"]), busy["nowhere"]["errors"][0]["reason"]],
            "watched": sorted(watched),
            "batch": list(in_batch.values()),
            "limited": limited_then_well,
            "revoked": revoked,
            "refused": refused,
        }
    )
)
