"""The official mem0ai client against the loopback mem0; prints what it saw. Run by the peers' interpreter."""

import json
import os

from mem0 import MemoryClient
from mem0.exceptions import MemoryError as Mem0Error

HOST = os.environ["BASE_URL"]
client = MemoryClient(api_key=os.environ["KEY"], host=HOST)


def failing(call) -> str:
    try:
        call()
    except (Mem0Error, ValueError) as error:
        return type(error).__name__
    return ""


added = client.add("Maria prefers calls before noon", user_id="acme", metadata={"planner_memory_id": "1"}, infer=False)
client.add([{"role": "user", "content": "The invoice is due on Friday"}], user_id="acme", infer=False)
client.add("Maria works for another firm", user_id="globex", infer=False)
found = client.search("When does Maria take calls?", filters={"user_id": "acme"}, top_k=5)
by_metadata = client.get_all(filters={"AND": [{"user_id": "acme"}, {"OR": [{"metadata": {"planner_memory_id": "1"}}]}]})
page = client.get_all(filters={"user_id": "acme"}, page=1, page_size=1)
memory_id = found["results"][0]["id"]
read = client.get(memory_id)
client.delete(memory_id)
print(
    json.dumps(
        {
            "added": sorted(added),
            "found": [record["memory"] for record in found["results"]],
            "score": found["results"][0]["score"],
            "by_metadata": [record["memory"] for record in by_metadata["results"]],
            "page": [page["count"], len(page["results"]), bool(page["next"])],
            "read": read["memory"],
            "failures": [
                failing(lambda: client.delete(memory_id)),
                failing(lambda: client.search("x", filters={"metadata": {"a": "b"}})),
                failing(lambda: client.get(memory_id)),
                failing(lambda: client.search("busy", filters={"user_id": "acme"})),
                failing(lambda: MemoryClient(api_key="wrong", host=HOST)),
            ],
            "left": client.get_all(filters={"user_id": "acme"})["count"],
            "forgotten": client.delete_all(user_id="acme")["message"],
            "left_after_all": client.get_all(filters={"user_id": "*"})["count"],
        }
    )
)
