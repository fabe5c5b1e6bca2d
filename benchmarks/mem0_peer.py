"""mem0ai on the benchmark's texts, run by the peers' interpreter: `python mem0_peer.py FOLDER`, where the texts and vectors lie. Prints JSON.

Each add stores one text as it is (infer off) in its local Qdrant; vectors are looked up, so that only mem0's own work is measured.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
os.environ |= {"MEM0_TELEMETRY": "False", "HOME": str(folder / "home"), "MEM0_DIR": str(folder / "home"), "OPENAI_API_KEY": "unused"}
(folder / "home").mkdir(exist_ok=True)

from mem0 import Memory  # noqa: E402  (it reads its settings when imported)

work = json.loads((folder / "work.json").read_text())
vectors = np.load(folder / "vectors.npy")
place = {text: n for n, text in enumerate(work["texts"])}


class LookedUp:
    """What mem0 calls for a vector."""

    config = type("Config", (), {"embedding_dims": int(vectors.shape[1])})

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        return vectors[place[text]].tolist()

    def embed_batch(self, texts: list[str], memory_action: str | None = None) -> list[list[float]]:
        return [self.embed(text) for text in texts]


store = {"provider": "qdrant", "config": {"path": str(folder / "qdrant"), "embedding_model_dims": int(vectors.shape[1]), "on_disk": True}}
memory = Memory.from_config({"vector_store": store, "history_db_path": str(folder / "history.db")})
memory.embedding_model = LookedUp()


def timed(calls: list[tuple[str, str]], call: object) -> tuple[list[float], float]:
    taken, cpu = [], time.process_time()
    for n, (client, text) in enumerate(calls):
        started = time.perf_counter()
        call(client, text)
        taken.append((time.perf_counter() - started) * 1000)
        if n % 500 == 499:
            print(f"  mem0: {n + 1} of {len(calls)}", file=sys.stderr, flush=True)
    return taken, (time.process_time() - cpu) * 1000 / len(calls)


add, add_cpu = timed(work["memories"], lambda client, text: memory.add(text, user_id=client, infer=False))
search, search_cpu = timed(work["questions"], lambda client, text: memory.search(text, filters={"user_id": client}, top_k=10))
found = memory.search(work["questions"][0][1], filters={"user_id": work["questions"][0][0]}, top_k=10)["results"]
print(json.dumps({"add_ms": add, "add_cpu_ms": add_cpu, "search_ms": search, "search_cpu_ms": search_cpu, "found": len(found)}))
