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
FORM = {
    "type": "json_schema",
    "json_schema": {
        "name": "letters",
        "strict": True,
        "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False},
    },
}
ASK = {"model": "~anthropic/claude-loopback", "messages": [{"role": "user", "content": "Say a."}], "response_format": FORM}
said = client.chat.completions.create(**ASK, extra_body={"models": ["nobody/none", "openai/other"], "provider": {"require_parameters": True}})
chunks = list(client.chat.completions.create(**ASK, stream=True))
refusing = client.chat.completions.create(**ASK)
open_schema = {**FORM, "json_schema": {**FORM["json_schema"], "schema": {"type": "object", "properties": {}, "required": []}}}
retried = client.embeddings.create(model=MODEL, input="after a refusal")
print(
    json.dumps(
        {
            "indexes": [row.index for row in packed.data],
            "packed": [row.embedding for row in packed.data],
            "plain": [row.embedding for row in plain.data],
            "usage": packed.usage.model_dump(),
            "retried": len(retried.data),
            "chat": {"content": said.choices[0].message.content, "finish": said.choices[0].finish_reason, "model": said.model},
            "chat_usage": said.usage.model_dump(),
            "streamed": "".join(c.choices[0].delta.content or "" for c in chunks),
            "stream_usage": chunks[-1].usage.model_dump(),
            "refusal": refusing.choices[0].message.refusal,
            "chat_failures": [
                failing(lambda: client.chat.completions.create(**{**ASK, "model": "nobody/none"})),
                failing(lambda: client.chat.completions.create(**{**ASK, "messages": []})),
                failing(lambda: client.chat.completions.create(**{**ASK, "response_format": open_schema})),
                failing(lambda: client.chat.completions.create(**ASK)),
                failing(lambda: client.with_options(max_retries=0).chat.completions.create(**ASK)),
            ],
            "failures": [
                failing(lambda: client.embeddings.create(model=MODEL, input="")),
                failing(lambda: client.embeddings.create(model="nobody/none", input="x")),
                failing(lambda: client.embeddings.create(model=MODEL, input="x")),
                failing(lambda: client.with_options(api_key="wrong").embeddings.create(model=MODEL, input="x")),
            ],
        }
    )
)
