"""Dates, sizes, names, preferences and the choice of a pattern, in the words that people write."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner_memory.core.ids import new_id
from planner_memory.planner_engine.checklist import ordered
from planner_memory.planner_engine.choice import THRESHOLD, choose
from planner_memory.planner_engine.composing import composed, parts_of
from planner_memory.planner_engine.dates import given_deadline, read_deadline
from planner_memory.planner_engine.names import read_names
from planner_memory.planner_engine.preferences import largest_step_minutes, step_limit
from planner_memory.planner_engine.sizes import count_of, duration_hours, work_budget
from planner_memory.planner_engine.work_days import day_wishes
from planner_memory.ports.memory import RecalledMemory

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("intent", "last_day"),
    [
        ("Onboard Acme by the 12th", "2026-12-12"),
        ("Onboard Acme by the 25th", "2026-11-25"),
        ("Finish by Friday", "2026-11-27"),
        ("Report due tomorrow", "2026-11-24"),
        ("Call them today", "2026-11-23"),
        ("Relaunch before end of March", "2027-03-31"),
        ("Relaunch before March", "2027-02-28"),
        ("Relaunch by March", "2027-03-31"),
        ("Write it in two weeks", "2026-12-07"),
        ("Write it within 10 days", "2026-12-03"),
        ("in three working days", "2026-11-26"),
        ("Launch on 2026-12-05", "2026-12-05"),
        ("by 24/12/2026", "2026-12-24"),
        ("deadline: 15.01.2027", "2027-01-15"),
        ("by December 5th", "2026-12-05"),
        ("by 5 Jan", "2027-01-05"),
        ("by the 3rd of February 2028", "2028-02-03"),
        ("until next week", "2026-12-04"),
        ("by the end of the month", "2026-11-30"),
        ("by end of Q1", "2027-03-31"),
        ("by the end of the year", "2026-12-31"),
        ("before Friday", "2026-11-26"),
        ("Prepare Friday's workshop by Wednesday", "2026-11-25"),
        ("Close the books for October by the 5th", "2026-12-05"),
        ("Hold it mid January", None),
        ("Hold it by mid-January", "2027-01-15"),
        ("by 29 February", "2028-02-29"),
    ],
)
def test_deadlines(intent: str, last_day: str | None) -> None:
    found = read_deadline(intent, MONDAY, BERLIN)
    assert (found.day.isoformat() if found else None) == last_day


@pytest.mark.parametrize(
    "intent",
    ["Monthly close for March", "newsletter about the 2026 elections", "a plan for 3 candidates", "starting from Monday", "may I have a plan",
     "report on Q3", "march to the office", "a 5-page website", "numbers of last Friday", "by hand"],
)  # fmt: skip
def test_what_is_no_deadline(intent: str) -> None:
    assert read_deadline(intent, MONDAY, BERLIN) is None


def test_a_day_is_inclusive_and_local_and_a_time_is_kept() -> None:
    assert read_deadline("by Friday", MONDAY, BERLIN).at == datetime(2026, 11, 27, 23, tzinfo=UTC)  # type: ignore[union-attr]
    assert read_deadline("by Friday", MONDAY, ZoneInfo("America/New_York")).at == datetime(2026, 11, 28, 5, tzinfo=UTC)  # type: ignore[union-attr]
    assert read_deadline("by Friday 5pm", MONDAY, BERLIN).at == datetime(2026, 11, 27, 16, tzinfo=UTC)  # type: ignore[union-attr]
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # Tuesday already in Berlin
    assert read_deadline("by tomorrow", late, BERLIN).day == date(2026, 11, 25)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("intent", "word"),
    [("by Monday", "a week from now"), ("by next Friday", "next week"), ("by 3/4", "day/month"), ("by Friday or by Monday", "several dates")],
)
def test_what_is_ambiguous_is_said(intent: str, word: str) -> None:
    found = read_deadline(intent, MONDAY, BERLIN)
    assert found is not None
    assert word in (found.note or "")


@given(
    st.integers(0, 3000), st.sampled_from(["by {:%Y-%m-%d}", "by {:%d %B %Y}", "before the {:%d. %B %Y}", "due on {:%B %d, %Y}", "by {:%d.%m.%Y}"])
)
def test_full_dates_are_read_exactly(days: int, form: str) -> None:
    day = date(2026, 11, 24) + timedelta(days=days)
    found = read_deadline("Finish the work " + form.format(day), MONDAY, BERLIN)
    assert found is not None
    assert found.day == (day - timedelta(days=1) if "before" in form else day)


@given(st.text(max_size=60))
@settings(deadline=None)  # the library reads its languages at the first use
def test_no_text_breaks_the_readers(text: str) -> None:
    read_deadline(text, MONDAY, BERLIN)
    given_deadline(text, MONDAY, BERLIN)
    read_names(text)
    choose(text)
    work_budget(text)
    duration_hours(text)
    largest_step_minutes(text)


def test_sizes() -> None:
    assert count_of("a 5-page website", ("page",)) == 5
    assert count_of("five landing pages", ("page",)) == 5
    assert count_of("interview three senior candidates", ("candidate",)) == 3
    assert count_of("reviews for 4 people", ("person", "people")) == 4
    assert count_of("the 2027 pages", ("page",)) is None
    assert count_of("a website", ("page",)) is None
    assert duration_hours("half-day workshop") == 4
    assert duration_hours("a two-day training") == 16
    assert duration_hours("90-minute session") == 1.5
    assert duration_hours("a workshop") is None
    for text, hours in (("in about 20 hours", 20), ("max 20h", 20), ("3 days of work", 24), ("1.5 hours for this", 1.5)):
        budget = work_budget(text)
        assert budget is not None
        assert budget.hours == hours
    for text in ("a 2-hour workshop", "within 48 hours", "no task longer than 2 hours", "every 3 hours", "a website"):
        assert work_budget(text) is None


@pytest.mark.parametrize(
    ("intent", "client", "person"),
    [
        ("Onboard Acme by the 12th", "Acme", None),
        ("onboard acme by friday", "Acme", None),
        ("Write a proposal for Initech GmbH by Friday", "Initech GmbH", None),
        ("Kick off with Stark Industries", "Stark Industries", None),
        ("Plan for March", None, None),
        ("Onboard a new client", None, None),
        ("New colleague Maria Lopez starts on Monday", None, "Maria Lopez"),
    ],
)
def test_names(intent: str, client: str | None, person: str | None) -> None:
    names = read_names(intent)
    assert (names.client, names.person) == (client, person)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("I never want a task longer than two hours", 120),
        ("A largest task of two hours", 120),
        ("Largest task: 90 minutes", 90),
        ("Keep tasks under 2h", 120),
        ("Tasks should be at most one and a half hours", 90),
        ("No step above 3 hours please", 180),
        ("Split anything longer than an hour", 60),
        ("At most 45 minutes per task", 45),
        ("Please break work into chunks of half an hour", 30),
        ("Prefers steps no longer than 1.5 hours", 90),
        ("I like meetings of at most one hour", None),
        ("I work best in the morning", None),
        ("The task took 5 hours", None),
        ("My workday is at most 6 hours", None),
    ],
)
def test_preferences_that_bind(text: str, minutes: int | None) -> None:
    assert largest_step_minutes(text) == minutes


def test_the_newest_preference_counts_and_the_profile_when_stricter() -> None:
    def memory(text: str, day: int) -> RecalledMemory:
        return RecalledMemory(new_id(), text, 0.5, "preference", datetime(2026, 1, day, tzinfo=UTC), None, {}, "agent_memories")

    known = [memory("No task longer than 3 hours", 2), memory("No task longer than 1 hour", 1)]
    assert step_limit(known, None).minutes == 180  # type: ignore[union-attr]
    assert step_limit(known, 60).minutes == 60  # type: ignore[union-attr]
    assert step_limit([], None) is None


INTENTS = """
Onboard Acme by the 12th = client-onboarding
onboard our new client Contoso GmbH = client-onboarding
write a proposal for Initech = proposal
Send a quote to Umbrella for the rebranding = proposal
Respond to the city's RFP for a parking app = rfp-answer
close the books for October = monthly-close
Do the invoices for all clients = invoice-run
build a 5-page website for Acme = website-launch
relaunch our company website before end of March = website-launch
Landing page for the spring offer = website-launch
half-day strategy workshop with the Acme board = workshop
Create a training course on Excel with six modules = training-course
Hire a junior designer, three candidates = hiring
We need to recruit a bookkeeper = hiring
New colleague Maria starts on Monday = employee-onboarding
onboard a new developer = employee-onboarding
Tom is leaving at the end of the month, offboard him = employee-offboarding
annual performance reviews for 4 people = performance-review
GDPR audit of our mailing tools = audit
SEO audit for Hooli = audit
Write the December newsletter = newsletter
blog post about client onboarding = blog-article
Write an article on remote work = blog-article
case study with Stark Industries = case-study
Organise the summer party for 60 guests = event
Host a webinar on pricing = event
Launch our new pricing tool app = product-launch
competitor analysis of three rivals = research-report
market research report on e-bikes = research-report
interview 8 customers about churn = customer-interviews
migrate from Pipedrive to HubSpot = migration
Move our website to a new host = migration
postmortem for last night's outage = incident-review
plan Q1 = quarterly-planning
Set OKRs for next quarter = quarterly-planning
Prepare the 2027 budget = budget
file my income tax return = tax-return
apply for the EU innovation grant = grant-application
move the office to Berlin in April = office-move
record a podcast episode with Jane Doe = podcast-episode
Prepare a 20-minute conference talk = conference-talk
Renew the retainer contract with Wayne Enterprises = contract-renewal
clean up our CRM = crm-cleanup
run a LinkedIn ad campaign = social-campaign
write an SOP for handling refunds = process-documentation
build a dashboard for sales = software-feature
Implement the Stripe integration = software-feature
learn to play the violin = none
plan my wedding = none
fix the kitchen sink = none
read a book about stoicism = none
write a letter to my landlord = none
plan a trip to Japan = none
buy a new car = none
Move our 40 clients from Pipedrive to HubSpot = migration
switch from Dropbox to Nextcloud before summer = migration
Translate the handbook into German, 12 chapters = none
Renovate the office kitchen = none
send the monthly statement to all clients = none
Onboard the new designer = employee-onboarding
prep for the Q1 kickoff w/ Contoso = none
"""


@pytest.mark.parametrize("line", [line for line in INTENTS.splitlines() if line])
def test_the_pattern_for_an_intent(line: str) -> None:
    intent, wanted = line.split(" = ")
    found = choose(intent)
    assert (found.pattern.key if found.pattern else "none") == wanted
    assert (found.score >= THRESHOLD) == (found.pattern is not None)
    assert found.why


COMPOSED = """
Onboard Acme and write the proposal for phase two = client-onboarding + proposal
Write a proposal for Acme, then onboard them by the 12th = proposal > client-onboarding
Hire a junior designer before March and onboard her = hiring > employee-onboarding
Run a half-day workshop with Globex and write a case study about it = workshop > case-study
Send the newsletter, write a blog post and run a LinkedIn campaign = newsletter + blog-article + social-campaign
Write the case study before launching the website = case-study > website-launch
Launch the website after interviewing 5 customers = customer-interviews > website-launch
Migrate the CRM to HubSpot and clean it up before launching the new website = migration > crm-cleanup > website-launch
Paint the fence and write a blog post = Paint the fence + blog-article
Organise the team offsite in May, book the train = workshop + book the train
Paint the garden fence and buy a new grill = Paint the garden fence + buy a new grill
Write a book and record it = Write a book > record a book
Clean up the CRM and call Maria about her contract renewal = crm-cleanup + call Maria about her contract renewal
Prepare the board meeting on 14 December: send invitations, print the report = send invitations + print the report
Build a dashboard for sales and marketing =
Onboard our new client Smith and Sons =
Publish a blog article on hiring and onboarding =
Organise a workshop on pricing and budget for the board =
Onboard Acme by the 12th, keep it under 20 hours and use the new template =
Buy milk, eggs and bread =
Read and sign the contract =
"""


@pytest.mark.parametrize("line", [line for line in COMPOSED.splitlines() if line])
def test_an_intent_of_several_pieces_of_work_names_each(line: str) -> None:
    intent, _, wanted = line.partition(" =")
    found = "".join(f"{' > ' if p.follows else ' + '}{p.pattern.key if p.pattern else p.text}" for p in parts_of(intent))
    assert found[3:] == wanted.strip()


def test_what_follows_waits_for_the_end_of_what_was_before() -> None:
    parts = parts_of("Write a proposal for Acme, then onboard them and paint the fence")
    choice, steps = composed(parts, read_names("Write a proposal for Acme, then onboard them"))
    drafts = ordered(steps.steps)
    assert [d.step_key for d in drafts] == [d.step_key for d in steps.steps]
    by_key = {d.step_key: d for d in drafts}
    assert by_key["client-onboarding.agreement"].depends_on == ("proposal.follow-up",)
    assert by_key["client-onboarding.agreement"].title.endswith("with Acme")
    alone = drafts[-1]
    assert (alone.title, alone.depends_on) == ("Paint the fence", ())
    assert choice.pattern is not None
    assert (choice.pattern.key, choice.pattern.name) == ("proposal+client-onboarding", "Proposal and client onboarding")
    assert "'paint the fence'" in choice.why


@pytest.mark.parametrize(
    ("said", "off", "no_meetings"),
    [
        ("No meetings on Fridays", "", {"fri": ""}),
        ("I don't work on Fridays", "fri", {}),
        ("I work Monday to Thursday", "fri sat sun", {}),
        ("I only work on Tuesdays, Wednesdays and Thursdays", "fri mon sat sun", {}),
        ("My working days are Mon-Thu", "fri sat sun", {}),
        ("I do not work on weekends", "sat sun", {}),
        ("Please no client calls on Monday mornings", "", {"mon": "mornings"}),
        ("Mondays are meeting-free", "", {"mon": ""}),
        ("I don’t want any meetings on Mondays and Fridays", "", {"mon": "", "fri": ""}),
        ("I prefer not to have meetings on Fridays", "", {"fri": ""}),
        ("I do not work on Friday afternoons", "", {}),
        ("Acme does not work on Fridays", "", {}),
        ("I work best in the morning", "", {}),
        ("I work on the Monday report", "", {}),
    ],
)
def test_wishes_about_days(said: str, off: str, no_meetings: dict[str, str]) -> None:
    wishes = day_wishes([RecalledMemory(new_id(), said, 0.5, "preference", datetime(2026, 1, 1, tzinfo=UTC), None, {}, "agent_memories")])
    assert (" ".join(sorted(wishes.off)), dict(wishes.no_meetings)) == (off, no_meetings)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("by the second of January", date(2027, 1, 2)),
        ("in a fortnight", date(2026, 12, 7)),
        ("over the next three weeks", date(2026, 12, 14)),
        ("by the weekend", date(2026, 11, 29)),
        ("before the weekend", date(2026, 11, 27)),
        ("bis zum 3.12.", date(2026, 12, 3)),
        ("bis 12. Dezember", date(2026, 12, 12)),
        ("bis 3. Jänner", date(2027, 1, 3)),
        ("bis Freitag, den 12. März 2027", date(2027, 3, 12)),
        ("bis in 3 Wochen", date(2026, 12, 14)),
        ("avant le 5 décembre", date(2026, 12, 5)),
        ("avant le 1er août", date(2027, 8, 1)),
        ("avant le 3/4/2027", date(2027, 4, 3)),
        ("d'ici 2 semaines", date(2026, 12, 7)),
        ("antes del 5 de enero de 2028", date(2028, 1, 5)),
        ("entro il 7 gennaio", date(2027, 1, 7)),
        ("by 12. Dezember", date(2026, 12, 12)),
        ("bis 31. Februar", None),
        ("by 2026/12/12", date(2026, 12, 12)),
        ("by 12-05-2027", date(2027, 5, 12)),
        ("Ship it by 5pm", date(2026, 11, 23)),
        ("no later than 8 am", date(2026, 11, 24)),
        ("by eod", date(2026, 11, 23)),
        ("Cut costs by 5 percent", None),
        ("Write 4 posts by 2 set designers", None),
        ("Finish the audit by 50%", None),
        ("by Miller's desk 3", None),
    ],
)
def test_dates_in_other_words(text: str, day: date | None) -> None:
    found = read_deadline(text, datetime(2026, 11, 23, 8, tzinfo=UTC), BERLIN)
    assert (found.day if found else None) == day
