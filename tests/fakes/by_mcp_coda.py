"""mcp-coda, whose Coda client knows nothing of us, against the loopback Coda; prints what it saw. Run by the peers' interpreter."""

import asyncio
import json
import os

from fastmcp import Client
from mcp_coda.servers import mcp

DOC = os.environ["DOC"]


async def main() -> dict:
    async with Client(mcp) as client:

        async def call(tool: str, **arguments):
            return (await client.call_tool(f"coda_{tool}", arguments)).structured_content

        async def failing(tool: str, **arguments) -> dict:
            result = await client.call_tool(f"coda_{tool}", arguments, raise_on_error=False)
            assert result.is_error
            said = json.loads(result.content[0].text)
            if "body" in said:
                assert set(json.loads(said["body"])) == {"statusCode", "statusMessage", "message"}
            return {"status": said["status_code"], "retry_after": said.get("retry_after")}

        async def names(table: str, **arguments) -> list:
            page = await call("list_rows", doc_id=DOC, table_id_or_name=table, **arguments)
            return [row["name"] for row in page["items"]]

        async def added(table: str, *names: str, key: str | None = None) -> dict:
            rows = [{"cells": [{"column": "name", "value": name}, {"column": "status", "value": "Active"}]} for name in names]
            return await call("insert_rows", doc_id=DOC, table_id_or_name=table, rows=rows, key_columns=[key] if key else None)

        saw: dict = {"who": (await call("whoami"))["loginId"], "docs": [each["name"] for each in (await call("list_docs"))["items"]]}
        tables = (await call("list_tables", doc_id=DOC))["items"]
        saw["tables"] = {each["name"]: each["tableType"] for each in tables}
        columns = (await call("list_columns", doc_id=DOC, table_id_or_name="workflows"))["items"]
        saw["columns"] = {each["name"]: each["format"]["type"] for each in columns}
        saw["column"] = (await call("get_column", doc_id=DOC, table_id_or_name="workflows", column_id_or_name="service_blueprint"))["format"][
            "table"
        ]["name"]
        saw["table"] = (await call("get_table", doc_id=DOC, table_id_or_name="workflows"))["rowCount"]
        saw["rows"] = await names("workflows")
        saw["found"] = await names("workflows", query='"status":"Draft"')
        saw["by_view"] = await names("Active workflows", limit=1)
        [row] = (await call("list_rows", doc_id=DOC, table_id_or_name="workflows", limit=1))["items"]
        saw["relation"], saw["calculated"] = row["values"]["service_blueprint"], row["values"]["estimated_days"]
        page = await call("list_rows", doc_id=DOC, table_id_or_name="workflows", limit=1)
        saw["second_page"] = await names("workflows", cursor=page["next_cursor"])
        written = await added("workflows", "One", "Two")
        saw["inserted"] = [len(written["addedRowIds"]), (await call("get_mutation_status", request_id=written["requestId"]))["completed"]]
        await added("workflows", "One", "Three", key="name")
        saw["upserted"] = await names("workflows", query='"status":"Active"')
        [one] = (await call("list_rows", doc_id=DOC, table_id_or_name="workflows", query='"name":"One"'))["items"]
        relation = [{"column": "service_blueprint", "value": "Client onboarding"}, {"column": "estimated_hours", "value": "7.5"}]
        await call("update_row", doc_id=DOC, table_id_or_name="workflows", row_id_or_name=one["id"], cells=relation)
        saw["updated"] = (await call("get_row", doc_id=DOC, table_id_or_name="workflows", row_id_or_name=one["id"]))["values"]["estimated_hours"]
        await call("delete_row", doc_id=DOC, table_id_or_name="workflows", row_id_or_name=one["id"])
        saw["gone"] = await failing("get_row", doc_id=DOC, table_id_or_name="workflows", row_id_or_name=one["id"])
        deleted = await call("delete_rows", doc_id=DOC, table_id_or_name="workflows", row_ids=written["addedRowIds"])
        saw["deleted"] = len(deleted["rowIds"])
        saw["failures"] = [
            await failing("get_table", doc_id=DOC, table_id_or_name="nothing"),
            await failing("list_tables", doc_id="elsewhere"),
            await failing("list_rows", doc_id=DOC, table_id_or_name="workflows", query="status:Draft"),
            await failing("insert_rows", doc_id=DOC, table_id_or_name="Active workflows", rows=[{"cells": []}]),
            await failing("insert_rows", doc_id=DOC, table_id_or_name="tasks", rows=[{"cells": [{"column": "unheard of", "value": 1}]}]),
            await failing(
                "update_row", doc_id=DOC, table_id_or_name="workflows", row_id_or_name=row["id"], cells=[{"column": "estimated_days", "value": 1}]
            ),
            await failing("whoami"),
            await failing("whoami"),
            await failing("get_mutation_status", request_id="unheard-of"),
        ]
        return saw


print(json.dumps(asyncio.run(main())))
