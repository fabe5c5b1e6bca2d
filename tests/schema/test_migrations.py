"""The migrations: from nothing, twice, many at once, by hand, and against an older deployment's tables."""

import asyncio
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from planner_memory.adapters.postgres.migrations import Migration, migrate, shipped_migrations
from planner_memory.core.errors import NotStarted

SEED = "002_planner_memory_schema.sql"
SEED_TABLES = {"events", "plans", "scheduler_runs", "graph_nodes", "graph_edges", "prompt_templates", "execution_runs"}
MIGRATION = Path(__file__).parents[2] / "migrations" / SEED


async def tables(dsn: str) -> set[str]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        rows = await (await connection.execute("select table_name from information_schema.tables where table_schema = 'public'")).fetchall()
    return {name for (name,) in rows}


async def execute(dsn: str, sql: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(sql.encode())


async def psql(dsn: str, path: Path) -> None:
    """Runs the file by hand, with psql when the machine has one, and always stopping at the first error."""
    if shutil.which("psql") is None:
        await execute(dsn, path.read_text())
        return
    done = await asyncio.to_thread(subprocess.run, ["psql", dsn, "-v", "ON_ERROR_STOP=1", "-q", "-f", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


async def test_from_nothing_and_then_nothing_more(empty_dsn: str) -> None:
    assert await migrate(empty_dsn) == [m.name for m in shipped_migrations()]
    assert await migrate(empty_dsn) == []
    assert await tables(empty_dsn) >= SEED_TABLES | {"api_keys", "profiles", "daily_thread"}


async def test_six_migrators_at_once_apply_each_file_once(empty_dsn: str) -> None:
    done = await asyncio.gather(*(migrate(empty_dsn) for _ in range(6)))
    assert sorted(name for names in done for name in names) == [m.name for m in shipped_migrations()]


async def test_an_edited_file_is_refused(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    first, *others = shipped_migrations()
    with pytest.raises(NotStarted, match=f"{first.name} was edited"):
        await migrate(empty_dsn, [replace(first, sql=first.sql + "\n-- a late thought"), *others])


async def test_a_newer_schema_is_refused(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    with pytest.raises(NotStarted, match=r"003_.*Install the newer version"):
        await migrate(empty_dsn, shipped_migrations()[:2])


async def test_a_file_that_fails_leaves_nothing_behind(empty_dsn: str) -> None:
    broken = Migration("900_broken.sql", "create table half_done (x int); select 1 / 0;")
    with pytest.raises(psycopg.Error):
        await migrate(empty_dsn, [*shipped_migrations(), broken])
    assert "half_done" not in await tables(empty_dsn)
    assert await migrate(empty_dsn) == []


async def test_the_schema_by_hand_on_an_empty_database_and_the_runner_takes_it_as_applied(empty_dsn: str) -> None:
    await psql(empty_dsn, MIGRATION)
    assert await tables(empty_dsn) >= SEED_TABLES
    assert SEED not in await migrate(empty_dsn)
    assert await migrate(empty_dsn) == []


async def test_the_schema_by_hand_beside_the_tables_of_an_older_deployment(empty_dsn: str) -> None:
    await execute(
        empty_dsn,
        """
        create table client_profiles (id serial primary key, name text);
        insert into client_profiles (name) values ('Acme');
        create table execution_runs (
            id serial primary key, run_id varchar(100) unique not null, run_type varchar(50) not null, workflow_id varchar(255),
            process_template_id varchar(255), task_id varchar(255) not null, project_id varchar(255), engagement_id varchar(255),
            executed_by_person_id varchar(255), started_at timestamptz not null, ended_at timestamptz, actual_hours decimal(5,2),
            outcome_notes text, metadata jsonb default '{}', created_at timestamptz default now());
        insert into execution_runs (run_id, run_type, task_id, started_at, actual_hours) values ('r-1', 'Process', 'coda:task-1', now(), 1.25);
        """,
    )
    await psql(empty_dsn, MIGRATION)
    await psql(empty_dsn, MIGRATION)
    async with await psycopg.AsyncConnection.connect(empty_dsn) as connection:
        kept = await (await connection.execute("select task_id, actual_hours, client_id from execution_runs")).fetchall()
        assert [(task, float(hours), client) for task, hours, client in kept] == [("coda:task-1", 1.25, "me")]
        indexed = await (await connection.execute("select indexdef from pg_indexes where tablename = 'execution_runs'")).fetchall()
        for column in ("task_id", "project_id", "process_template_id", "run_type"):
            assert any(f"({column})" in definition for (definition,) in indexed), column
        await connection.execute("insert into execution_runs (run_id, run_type, task_id, started_at) values ('r-2', 'Process', 't-2', now())")
        found = await (await connection.execute("select run_id from execution_runs where task_id = 't-2'")).fetchall()
        assert found == [("r-2",)]
    assert SEED not in await migrate(empty_dsn)


async def test_prompt_templates_are_seeded_and_versions_stand_side_by_side(dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        names = {n for (n,) in await (await connection.execute("select template_name from prompt_templates where version = 'v1'")).fetchall()}
        assert names >= {"sop_generator", "sop_generator_manifold", "sop_reviser", "schedule_optimizer", "daily_reflection", "weekly_review"}
        await connection.execute("insert into prompt_templates (template_name, content, version) values ('sop_generator', 'x', 'v2')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            await connection.execute("insert into prompt_templates (template_name, content, version) values ('sop_generator', 'y', 'v2')")


async def test_a_row_inserted_with_the_first_columns_alone_is_pending_and_has_its_text(dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        insert = (
            "insert into events (event_type, event_source, client_id, payload) values ('task.created', 'n8n', %s, %s)"
            " returning content, client_id, index_state"
        )
        for client, payload, expected in (
            (None, '{"title": "Call Acme", "description": "about the offer"}', ("Call Acme: about the offer", "me", "pending")),
            ("7", '{"content": "Signed"}', ("Signed", "7", "pending")),
            ("7", '{"deal": {"stage": "won", "value": 1200}}', ("won 1200", "7", "pending")),
            ("7", "{}", ("", "7", "pending")),
        ):
            assert await (await connection.execute(insert, (client, payload))).fetchone() == expected


async def test_neighbours_both_ways(dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(
            "insert into graph_nodes (node_type, node_id) values ('workflow', 'coda:w'), ('template', 'coda:t'), ('run', 'coda:r')"
        )
        await connection.execute(
            "insert into graph_edges (from_node_id, to_node_id, edge_type) values"
            " ('coda:w', 'coda:t', 'workflow_has_template'), ('coda:t', 'coda:r', 'template_used_in_run')"
        )
        found = await (await connection.execute("select * from get_graph_neighbors('coda:t') order by direction")).fetchall()
    assert found == [("coda:w", "workflow_has_template", "incoming"), ("coda:r", "template_used_in_run", "outgoing")]
