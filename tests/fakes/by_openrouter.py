"""The official openrouter client, whose models are strict, against the loopback OpenRouter; prints what it saw. Run by the peers' interpreter."""

import base64
import json
import os
import struct

from openrouter import OpenRouter, errors, utils

MODEL, EMBEDDER = "~anthropic/claude-loopback", "openai/text-embedding-3-small"
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
FORM = {"type": "json_schema", "json_schema": {"name": "letters", "strict": True, "schema": SCHEMA}}
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "Say a."}], "response_format": FORM, "max_tokens": 50}


def opened(key: str, **more) -> OpenRouter:
    return OpenRouter(api_key=key, server_url=os.environ["BASE_URL"], **more)


def failing(call) -> dict:
    try:
        call()
    except errors.OpenRouterError as error:
        return {"type": type(error).__name__, "status": error.status_code, "message": str(error)}
    return {}


once = utils.RetryConfig("none", None, False)
client = opened(os.environ["KEY"], retry_config=once)
said = client.chat.send(
    **{**ASK, "models": ["nobody/none", "openai/other"]}, provider={"require_parameters": True, "order": ["anthropic"], "allow_fallbacks": False}
)
with client.chat.send(**ASK, stream=True) as stream:
    chunks = list(stream)
refusing = client.chat.send(**ASK)
key = client.api_keys.get_current_key_metadata()
packed = client.embeddings.generate(model=EMBEDDER, input=["Call Maria on Tuesday", "dentist"], encoding_format="base64")
plain = client.embeddings.generate(model=EMBEDDER, input=["Call Maria on Tuesday", "dentist"], encoding_format="float")
models = client.models.list()
failures = [failing(lambda: client.chat.send(**ASK)) for _ in range(int(os.environ["FAILURES"]))]
failures.append(failing(lambda: opened("wrong", retry_config=once).chat.send(**ASK)))
waits = utils.RetryConfig("backoff", utils.BackoffStrategy(10, 50, 1.5, 2000), True)
patient = opened(os.environ["KEY"], retry_config=waits).chat.send(**ASK)
print(
    json.dumps(
        {
            "chat": {"content": said.choices[0].message.content, "finish": said.choices[0].finish_reason, "model": said.model},
            "usage": {"input": said.usage.prompt_tokens, "output": said.usage.completion_tokens, "cost": said.usage.cost},
            "streamed": "".join(c.choices[0].delta.content or "" for c in chunks if c.choices),
            "stream_cost": chunks[-1].usage.cost,
            "refusal": refusing.choices[0].message.refusal,
            "key": {"left": key.data.limit_remaining, "reset": key.data.limit_reset, "usage": key.data.usage_monthly},
            "packed": [list(struct.unpack(f"<{len(raw) // 4}f", raw)) for raw in (base64.b64decode(row.embedding) for row in packed.data)],
            "plain": [row.embedding for row in plain.data],
            "embedding_cost": packed.usage.cost,
            "models": [m.id for m in models.result.data],
            "failures": failures,
            "patient": patient.choices[0].message.content,
        }
    )
)
