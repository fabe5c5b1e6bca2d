"""What the extractor reads out of a sentence, and above all where it stays silent."""

import time

import pytest

from planner_memory.memory_gateway.extraction import Fact, Preference, extract

PREFERENCES = [
    ("I prefer mornings for deep work.", "prefers", "mornings for deep work", None),
    ("I really prefer short calls to long meetings", "prefers", "short calls to long meetings", None),
    ("Please remember that I prefer the train.", "prefers", "the train", None),
    ("I prefer not to work on Sundays.", "avoids", "work on Sundays", None),
    ("I dislike early meetings!", "avoids", "early meetings", None),
    ("I can't stand video calls in the evening.", "avoids", "video calls in the evening", None),
    ("I never work after 18:00.", "never", "work after 18:00", "work after"),
    ("I never take calls before 9 am", "never", "take calls before 9 am", "take calls before"),
    ("I never travel on Mondays.", "never", "travel on Mondays", None),
    ("I don't work on Fridays.", "never", "work on Fridays", None),
    ("I always send invoices on the first of the month.", "always", "send invoices on the first of the month", None),
    ("I always start at 9.", "always", "start at 9", None),
    ("I always keep Friday afternoons free.", "always", "keep Friday afternoons free", None),
    ("I'm never available before 10:00.", "never", "available before 10:00", "available before"),
    ("I’m never reachable on weekends.", "never", "reachable on weekends", None),
    ("No meetings on Fridays.", "never", "meetings on Fridays", None),
    ("I prefer tea; Maria has coffee.", "prefers", "tea", None),
    ("Remember, no meetings before 9:30 am.", "never", "meetings before 9:30 am", "meetings before"),
    ("No calls before 10, please.", "never", "calls before 10", "calls before"),
    ("No meetings on Fridays and no calls before 10.", "never", "meetings on Fridays and no calls before 10", None),
    ("- No client calls between 12 and 14", "never", "client calls between 12 and 14", None),
    ("Never book me before 9:00.", "never", "book me before 9:00", "book me before"),
    ("Note: my preferred meeting length is 25 minutes.", "prefers", "25 minutes", "preferred meeting length"),
    ("My favourite coworking space is the Impact Hub.", "prefers", "the Impact Hub", "favourite coworking space"),
]

FACTS = [
    ("Acme's contact is Maria Lopez.", "Acme", "contact", "Maria Lopez"),
    ("Acme Corp's billing contact is Dr. Jan de Vries.", "Acme Corp", "billing contact", "Dr. Jan de Vries"),
    ("FYI, Globex's new contact is now Priya Nair", "Globex", "contact", "Priya Nair"),
    ("The account manager at Blue Harbour is Tom.", "Blue Harbour", "account manager", "Tom"),
    ("Maria's email is maria.lopez@acme.example.", "Maria", "email", "maria.lopez@acme.example"),
    ("Jonas' phone number is +49 30 123456.", "Jonas", "phone number", "+49 30 123456"),
    ("My time zone is Europe/Berlin.", "me", "time zone", "Europe/Berlin"),
    ("Our tax adviser is Herr Weber.", "me", "tax adviser", "Herr Weber"),
    ("Acme's CEO is Ada Lovelace (ada@acme.example).", "Acme", "ceo", "Ada Lovelace (ada@acme.example)"),
    ("My working hours are 9:00 to 17:30.", "me", "working hours", "9:00 to 17:30"),
    ("Acme's hourly rate is €120 per hour.", "Acme", "hourly rate", "€120 per hour"),
]

NOTHING = {
    "questions": [
        "Do I prefer mornings?",
        "I prefer mornings, right?",
        "Is Acme's contact Maria?",
        "Should I never work after 18:00",
        "Who is Acme's contact",
    ],
    "hypotheses": [
        "If I prefer mornings, the plan has to change.",
        "I would prefer a call.",
        "I might never work after 18:00.",
        "Imagine I never work on Fridays.",
        "Maybe Acme's contact is Maria.",
        "I think Acme's contact is Maria.",
        "I wish I never worked after 18:00.",
        "I prefer mornings unless it rains.",
    ],
    "quotations": [
        '"I prefer mornings."',
        'Maria wrote: "I never work after 18:00."',
        "The poster said “No meetings on Fridays.”",
        "He answered 'I prefer tea.'",
        "> I prefer mornings.",
        "Bob: I prefer mornings.",
        "Maria wrote:\nI prefer mornings.\nI never work on Fridays.",
        "From: Bob\nI never work on Fridays.",
        "```\nI prefer mornings.\n```",
        "“I prefer tea. I never work after 18:00.",
    ],
    "negations": [
        "I never don't answer.",
        "It is not true that I prefer mornings.",
        "It's not that I never work after 18:00.",
        "I don't prefer mornings.",
        "I never take no for an answer.",
        "Acme's contact is not Maria.",
        "My favourite client is not Acme.",
        "I prefer mornings. Just kidding!",
        "I always work on Sundays. Not!",
    ],
    "others": [
        "Maria prefers mornings.",
        "She never works after 18:00.",
        "They always send invoices late.",
        "My boss prefers no meetings on Fridays.",
        "Bob says I prefer mornings.",
        "According to Maria, I never work on Fridays.",
        "We prefer mornings.",
        "His contact is Maria Lopez.",
        "I prefer mornings, Tom prefers evenings.",
        "I prefer mornings and Tom evenings.",
    ],
    "no longer, or not in general": [
        "I used to prefer mornings.",
        "I never worked after 18:00.",
        "I prefer mornings this week.",
        "No meetings on Friday.",
        "No meetings today.",
        "I don't work on Fridays anymore.",
        "Acme's contact was Maria.",
        "I never work on Fridays, but yesterday was different.",
        "For now I prefer mornings.",
    ],
    "one thing, or one outside the sentence": [
        "I prefer the second draft.",
        "I prefer it that way.",
        "I prefer option B.",
        "I prefer Maria's proposal.",
        "I favour the bill.",
        "I always book that hotel.",
    ],
    "complaints, idioms and other words": [
        "I always start too late.",
        "I never read anything properly.",
        "I hate to bother you.",
        "I never meet my deadlines.",
        "I never said it.",
        "I always forget the milk.",
        "I prefer not to answer.",
        "Never mind.",
        "Always look on the bright side.",
        "Acme's contact is on leave.",
        "Acme's contact is Unknown.",
        "Acme's contact is Thursday.",
        "Acme's account manager is TBD.",
        "Acme's CEO is American.",
        "The contact at Acme is Acme.",
        "Let's contact is Maria.",
        "Never call me.",
        "Oh, I always work on Sundays, obviously.",
        "Acme's email is broken.",
        "Acme's budget is tight.",
        "No problem.",
        "Call Maria on Tuesday about the offer.",
        "",
        "   \n ",
    ],
}


@pytest.mark.parametrize(("sentence", "stance", "what", "topic"), PREFERENCES)
def test_a_plain_preference_is_read(sentence: str, stance: str, what: str, topic: str | None) -> None:
    [found] = extract(sentence)
    assert isinstance(found, Preference)
    assert (found.stance, found.what, found.topic) == (stance, what, topic)


@pytest.mark.parametrize(("sentence", "subject", "attribute", "value"), FACTS)
def test_a_plain_fact_is_read(sentence: str, subject: str, attribute: str, value: str) -> None:
    [found] = extract(sentence)
    assert isinstance(found, Fact)
    assert (found.subject, found.attribute, found.value) == (subject, attribute, value)


@pytest.mark.parametrize("sentence", [pytest.param(one, id=f"{kind}: {one}") for kind, all_of in NOTHING.items() for one in all_of])
def test_anything_less_plain_gives_nothing(sentence: str) -> None:
    assert extract(sentence) == []


NOTE = """Good call with Acme today. Acme's contact is Maria Lopez. Do they pay on time? Dr. Weber joined late.
- I never work after 18:00.
- “I never work at all”, she joked.
  No meetings on Fridays!   I prefer calls to emails.
"""


def test_a_note_gives_its_statements_in_order() -> None:
    found = extract(NOTE)
    assert [each.text for each in found] == [
        "Acme's contact is Maria Lopez.",
        "I never work after 18:00.",
        "No meetings on Fridays!",
        "I prefer calls to emails.",
    ]


@pytest.mark.parametrize("text", [NOTE, *(row[0] for row in PREFERENCES), *(row[0] for row in FACTS)])
def test_every_find_names_its_place(text: str) -> None:
    found = extract(text)
    assert found
    assert all(text[each.start : each.end] == each.text for each in found)


def test_a_newer_statement_has_the_topic_of_the_older() -> None:
    pairs = [
        ("Acme's contact is Maria.", "The contact at Acme is Tom Berg."),
        ("I never work after 18:00.", "I never work after 5 pm."),
        ("My preferred airline is Lufthansa.", "My preferred airline is KLM."),
    ]
    for older, newer in pairs:
        assert extract(older)[0].topic == extract(newer)[0].topic is not None
    assert extract("Acme's contact is Maria.")[0].topic != extract("Globex's contact is Maria.")[0].topic


@pytest.mark.parametrize(
    "text",
    [
        "A" * 50_000,
        "I prefer " * 8_000,
        "A B " * 20_000,
        "Note: " * 10_000,
        "' " * 20_000,
        "No meetings on Fridays and " * 2_000,
        "A. " * 20_000,
        '"' * 9_999,
        ("No meetings on Fridays" + " or on Fridays" * 18 + " x. ") * 100,
        ("A" + " A" * 140 + "'s contact x. ") * 100,
    ],
    ids=["one word", "words", "names", "lead-ins", "quotes", "list", "abbreviations", "marks", "days", "long names"],
)
def test_long_and_odd_texts_take_little_time(text: str) -> None:
    began = time.process_time()
    extract(text)
    assert time.process_time() - began < 1
