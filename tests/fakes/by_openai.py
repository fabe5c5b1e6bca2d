"""The official openai client against the loopback OpenRouter; prints what it saw. Run by the peers' interpreter."""

import json
import os

import openai

client = openai.OpenAI(api_key=os.environ["KEY"], base_url=os.environ["BASE_URL"], max_retries=1)
MODEL = "openai/text-embedding-3-small"
TEXTS = ["Call Maria on Tuesday", "dentist"]


def failing(call) -> dict:
    try:
        call()
    except openai.APIStatusError as error:
        return {"type": type(error).__name__, "status": error.status_code, "message": error.message}
    return {}


packed = client.embeddings.create(model=MODEL, input=TEXTS)
plain = client.embeddings.create(model=MODEL, input=TEXTS, encoding_format="float")
retried = client.embeddings.create(model=MODEL, input="after a refusal")
print(
    json.dumps(
        {
            "indexes": [row.index for row in packed.data],
            "packed": [row.embedding for row in packed.data],
            "plain": [row.embedding for row in plain.data],
            "usage": packed.usage.model_dump(),
            "retried": len(retried.data),
            "failures": [
                failing(lambda: client.embeddings.create(model=MODEL, input="")),
                failing(lambda: client.embeddings.create(model="nobody/none", input="x")),
                failing(lambda: client.embeddings.create(model=MODEL, input="x")),
                failing(lambda: client.with_options(api_key="wrong").embeddings.create(model=MODEL, input="x")),
            ],
        }
    )
)
