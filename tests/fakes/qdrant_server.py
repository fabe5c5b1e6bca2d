"""A stand-in for a Qdrant server: its REST API on loopback. The official client's models check every body, its in-memory engine carries it out.

Run it with an interpreter that has `qdrant_client`: `python qdrant_server.py [--api-key KEY] [--port N]`. It prints its port and ends with its
standard input.
"""

import argparse
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ValidationError
from qdrant_client import QdrantClient, models

warnings.simplefilter("ignore")


class Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Engine:
    """What the in-memory engine forgets (payload indexes, creation parameters), kept beside it."""

    def __init__(self) -> None:
        self.client = QdrantClient(":memory:")
        self.created: dict[str, models.CreateCollection] = {}
        self.indexes: dict[str, dict[str, Any]] = {}

    def real(self, name: str) -> str:
        aliases = {each.alias_name: each.collection_name for each in self.client.get_aliases().aliases}
        real = aliases.get(name, name)
        if real not in self.created:
            raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
        return real

    def describe(self, name: str) -> Any:
        real = self.real(name)
        info = dumped(self.client.get_collection(real))
        info["payload_schema"] = self.indexes[real]
        params, asked = info["config"]["params"], dumped(self.created[real])
        params["on_disk_payload"] = asked["on_disk_payload"]
        info["config"]["hnsw_config"] |= {key: value for key, value in (asked["hnsw_config"] or {}).items() if value is not None}
        return info

    def create(self, name: str, body: models.CreateCollection) -> bool:
        if name in self.created:
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        self.client.create_collection(name, vectors_config=body.vectors, sparse_vectors_config=body.sparse_vectors, metadata=body.metadata)
        self.created[name], self.indexes[name] = body, {}
        return True

    def change(self, name: str, body: models.UpdateCollection) -> bool:
        return self.client.update_collection(self.real(name), metadata=body.metadata)

    def drop(self, name: str) -> bool:
        if name not in self.created:  # aliases cannot be dropped like this
            return False
        self.client.delete_collection(name)
        del self.created[name], self.indexes[name]
        return True

    def index(self, name: str, body: models.CreateFieldIndex) -> Any:
        schema = dumped(body.field_schema)
        kind = schema["type"] if isinstance(schema, dict) else schema
        self.indexes[self.real(name)][body.field_name] = {"data_type": kind, "params": schema if isinstance(schema, dict) else None, "points": 0}
        return {"operation_id": 0, "status": "completed"}

    def upsert(self, name: str, body: models.PointsList) -> Any:
        real = self.real(name)
        dense, sparse = self.created[real].vectors, self.created[real].sparse_vectors or {}
        for point in body.points:
            for vector_name, vector in point.vector.items():
                if vector_name not in dense and vector_name not in sparse:
                    raise Refused(400, f"Wrong input: Not existing vector name error: {vector_name}")
                if vector_name in dense and len(vector) != dense[vector_name].size:
                    raise Refused(400, f"Wrong input: Vector dimension error: expected dim: {dense[vector_name].size}, got {len(vector)}")
        return self.client.upsert(real, body.points)

    def delete(self, name: str, body: models.PointIdsList | models.FilterSelector) -> Any:
        return self.client.delete(self.real(name), body)

    def count(self, name: str, body: models.CountRequest) -> Any:
        return self.client.count(self.real(name), count_filter=body.filter, exact=bool(body.exact))

    def retrieve(self, name: str, body: models.PointRequest) -> Any:
        return self.client.retrieve(self.real(name), body.ids, with_payload=body.with_payload, with_vectors=body.with_vector or False)

    def query(self, name: str, body: models.QueryRequest) -> Any:
        return self.queries(name, models.QueryRequestBatch(searches=[body]))[0]

    def queries(self, name: str, body: models.QueryRequestBatch) -> Any:
        return self.client.query_batch_points(self.real(name), body.searches)

    def aliases(self, body: models.ChangeAliasesOperation) -> bool:
        return self.client.update_collection_aliases(body.actions)


class PointsSelector(BaseModel):
    selector: models.PointIdsList | models.FilterSelector


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # headers and body in one packet, else every answer waits 40 ms for an acknowledgement
    engine = Engine()
    lock = threading.Lock()
    api_key = ""

    def do_GET(self) -> None:
        self.answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (the names http.server calls)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        address = urlsplit(self.path)
        steps = tuple(unquote(step) for step in address.path.split("/") if step)
        try:
            if self.api_key and steps and self.headers.get("api-key") != self.api_key:
                raise Refused(401, "Must provide an API key or an Authorization bearer token")
            with self.lock:
                result = self.routed(steps, body)
        except Refused as error:
            self.refuse(error.status, str(error))
        except ValidationError as error:
            self.refuse(400, f"Format error in JSON body: {error.errors(include_url=False)[:3]}")
        except Exception as error:  # noqa: BLE001 (whatever the engine cannot do is the sender's mistake)
            self.refuse(400, f"{type(error).__name__}: {error}")
        else:
            self.send(200, {"result": dumped(result), "status": "ok", "time": 0.0} if steps else result)

    def refuse(self, status: int, reason: str) -> None:
        self.send(status, {"status": {"error": reason}, "time": 0.0})

    def routed(self, steps: tuple[str, ...], body: bytes) -> Any:
        engine, method = self.engine, self.command
        given: Callable[[Any], Any] = lambda model: model.model_validate_json(body)  # noqa: E731
        match (method, *steps):
            case ("GET",):
                return {"title": "qdrant - vector search engine", "version": "1.20.0"}
            case ("GET", "collections"):
                return {"collections": [{"name": name} for name in engine.created]}
            case ("GET", "aliases"):
                return engine.client.get_aliases()
            case ("POST", "collections", "aliases"):
                return engine.aliases(given(models.ChangeAliasesOperation))
            case ("GET", "collections", name):
                return engine.describe(name)
            case ("GET", "collections", name, "exists"):
                return {"exists": engine.client.collection_exists(name)}
            case ("PUT", "collections", name):
                return engine.create(name, given(models.CreateCollection))
            case ("PATCH", "collections", name):
                return engine.change(name, given(models.UpdateCollection))
            case ("DELETE", "collections", name):
                return engine.drop(name)
            case ("PUT", "collections", name, "index"):
                return engine.index(name, given(models.CreateFieldIndex))
            case ("PUT", "collections", name, "points"):
                return engine.upsert(name, given(models.PointsList))
            case ("POST", "collections", name, "points"):
                return engine.retrieve(name, given(models.PointRequest))
            case ("POST", "collections", name, "points", "delete"):
                return engine.delete(name, PointsSelector(selector=json.loads(body)).selector)
            case ("POST", "collections", name, "points", "count"):
                return engine.count(name, given(models.CountRequest))
            case ("POST", "collections", name, "points", "query"):
                return engine.query(name, given(models.QueryRequest))
            case ("POST", "collections", name, "points", "query", "batch"):
                return engine.queries(name, given(models.QueryRequestBatch))
        raise Refused(404, f"{method} /{'/'.join(steps)} is not part of this stand-in")

    def send(self, status: int, body: object) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def dumped(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [dumped(each) for each in value] if isinstance(value, list) else value


def end_with_standard_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--api-key", default="")
    options.add_argument("--port", type=int, default=0)
    chosen = options.parse_args()
    Handler.api_key = chosen.api_key
    server = ThreadingHTTPServer(("127.0.0.1", chosen.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()
