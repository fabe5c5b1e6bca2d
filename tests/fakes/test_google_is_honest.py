"""Google's own client accepts the loopback Google: what passes against this one would pass against the real one, as far as it goes."""

from pathlib import Path

from tests.fakes.google_oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.google_server import APP_CREATED, CALENDAR_LIST, FREE_BUSY, GoogleServer, limited
from tests.fakes.peers import run_peer

_HERE = Path(__file__).parent


def test_googles_client_reads_the_loopback_google(tmp_path: Path) -> None:
    scopes = f"{APP_CREATED} {CALENDAR_LIST} {FREE_BUSY}"
    with GoogleServer() as server:
        server.fail_next("events.get", None, limited(), limited(429, "userRateLimitExceeded", Retry_After="0"))
        saw = run_peer(_HERE / "by_google.py", tmp_path, BASE_URL=server.url, CLIENT_ID=CLIENT_ID, CLIENT_SECRET=CLIENT_SECRET, SCOPES=scopes)
        assert server.batches == 1
    assert saw["undocumented"] == []
    assert saw["state"] == "s1"
    assert saw["wrong_verifier"] == [400, "invalid_grant"] == saw["code_again"]
    assert saw["grant"] == [200, ["access_token", "expires_in", "refresh_token", "scope", "token_type"]]
    assert sorted(saw["calendars"]) == [[False, "owner"], [True, "owner"]]
    assert saw["made"] == ["pm001", "confirmed", {"dateTime": "2027-03-15T09:00:00+01:00", "timeZone": "Europe/Berlin"}, "calendar#event"]
    assert {name: seen[:2] for name, seen in saw["failures"].items()} == {
        "duplicate": [409, "duplicate"],
        "bad_id": [400, "invalid"],
        "stale": [412, "conditionNotMet"],
        "deleted_twice": [410, "deleted"],
        "kept_id": [409, "duplicate"],
        "ordered_sync": [400, "syncTokenWithRequestParameters"],
        "no_token": [410, "fullSyncRequired"],
        "unordered": [400, "badRequest"],
        "insecure": [400, "push.webhookUrlNotHttps"],
        "stopped_twice": [404, "notFound"],
        "not_ours": [403, "insufficientPermissions"],
        "unknown": [404, "notFound"],
    }
    assert saw["patched"] == ["Moved", {"run_id": "r"}, True]
    assert saw["gone"] == "cancelled"
    assert saw["revived"] == ["confirmed", "2027-03-15T10:00:00+01:00"]
    assert saw["pages"] == [2, 2, 2]
    assert saw["changed"] == [["page0", "cancelled"]]
    assert saw["series"] == [["2027-03-22T08:00:00Z", True], ["2027-03-29T07:00:00Z", True], ["2027-04-12T07:00:00Z", True]]
    assert sorted(saw["by_property"]) == ["id", "start"]
    assert saw["busy"] == [3, "notFound"]
    assert saw["watched"] == ["expiration", "id", "kind", "resourceId", "resourceUri", "token"]
    assert saw["batch"] == [*(f"batch{n}" for n in range(6)), 409]
    assert saw["limited"] == "series"
    assert saw["revoked"] == 200
    assert saw["refused"] == "invalid_grant"
