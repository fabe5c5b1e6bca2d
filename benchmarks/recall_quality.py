"""Questions with known answers, asked of a running gateway: recall@k is the share of a question's memories among the first k, averaged."""

import json
import re
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

Memory = dict[str, Any]
Question = tuple[str, str, set[str], str]  # client, text, the keys expected, category
_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
_ADVERSARIAL = 5


class Asked(Protocol):
    def ask(self, method: str, path: str, body: Any = None) -> Any: ...

    def settled(self) -> float: ...


def work_set(path: Path) -> tuple[list[Memory], list[Question]]:
    data = json.loads(path.read_text())
    stored = [
        {key: m[key] for key in ("content", "memory_type", "thread_id", "occurred_at")}
        | {"client_id": "work-set", "metadata": {"key": m["key"], "speaker": m["speaker"]}}
        for m in data["memories"]
    ]
    return stored, [("work-set", q["query"], set(q["expected"]), "work") for q in data["questions"]]


def locomo(path: Path) -> tuple[list[Memory], list[Question]]:
    """One memory per turn, one client per conversation; turns of a session are a minute apart, adversarial questions are left out."""
    stored: list[Memory] = []
    asked: list[Question] = []
    for sample in json.loads(path.read_text()):
        client, talk = f"locomo-{sample['sample_id']}", sample["conversation"]
        for number in sorted(int(found[1]) for found in (re.fullmatch(r"session_(\d+)", key) for key in talk) if found):
            at = datetime.strptime(talk[f"session_{number}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
            for place, turn in enumerate(talk[f"session_{number}"]):
                shared = f" [shares a picture: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
                stored.append(
                    {
                        "client_id": client,
                        "content": f"{turn['speaker']}: {turn['text']}{shared}",
                        "thread_id": f"{client}-{number}",
                        "occurred_at": (at + timedelta(minutes=place)).isoformat(),
                        "metadata": {"key": turn["dia_id"], "speaker": turn["speaker"]},
                    }
                )
        for question in sample["qa"]:
            expected = {f"D{int(a)}:{int(b)}" for each in question.get("evidence", []) for a, b in re.findall(r"D(\d+):(\d+)", each)}
            if expected and question["category"] != _ADVERSARIAL:
                asked.append((client, question["question"], expected, _CATEGORIES[question["category"]]))
    return stored, asked


def recall_at(gateway: Asked, stored: list[Memory], asked: list[Question]) -> dict[str, dict[str, float]]:
    for n in range(0, len(stored), 500):
        gateway.ask("POST", "/api/v1/memory/remember/batch", {"memories": stored[n : n + 500]})
    gateway.settled()
    of: dict[str, list[tuple[set[str], list[str]]]] = {}
    for client, text, expected, category in asked:
        query = urlencode({"query": text, "client_id": client, "k": 20})
        keys = [each["metadata"]["key"] for each in gateway.ask("GET", f"/api/v1/memory/recall?{query}")["results"]]
        of.setdefault(category, []).append((expected, keys))
    if len(of) > 1:
        of["all"] = [each for answers in of.values() for each in answers]
    return {category: _measured(answers) for category, answers in of.items()}


def _measured(answers: list[tuple[set[str], list[str]]]) -> dict[str, float]:
    measured = {f"recall@{k}": statistics.mean(len(expected & set(keys[:k])) / len(expected) for expected, keys in answers) for k in (5, 10, 20)}
    measured = {"hit@1": statistics.mean(bool(expected & set(keys[:1])) for expected, keys in answers)} | measured
    return {name: round(100 * value, 1) for name, value in measured.items()}
