"""How the embedded PostgreSQL is set up: settings, who may enter, roles and database."""

from pathlib import Path

from planner_memory.adapters.pgserver.postmaster import ROLE

_SETTINGS = {
    "shared_buffers": "32MB",
    "max_connections": "60",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "256MB",
    "jit": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "unix_socket_permissions": "0700",
    "cluster_name": "planner-memory",
    # one small machine and no standby: fewer processes, less memory
    "huge_pages": "off",
    "io_method": "sync",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "2",
}
# the socket lies in a folder that only this user enters; anyone on the machine reaches the TCP port
ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
_OBJECTS = """
select 'create role planner login createdb' where not exists (select from pg_roles where rolname = 'planner') \\gexec
select 'create database planner_memory owner planner' where not exists (select from pg_database where datname = 'planner_memory') \\gexec
select 'create role planner_service nologin' where not exists (select from pg_roles where rolname = 'planner_service') \\gexec
grant planner_service to planner;
\\connect planner_memory
set client_min_messages = warning;
create extension if not exists vector;
"""


def command(program: Path, cluster: Path, socket_dir: Path, listen_port: int | None) -> list[str]:
    """What starts the server; a server that runs by another command is started anew. Without `listen_port` it has its socket alone."""
    settings = _SETTINGS | {
        "unix_socket_directories": str(socket_dir),
        "port": str(listen_port or 5432),
        "listen_addresses": "" if listen_port is None else "127.0.0.1",
    }
    return [str(program), "-D", str(cluster), *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))]


def objects(*, password: str | None) -> str:
    """SQL for psql that makes roles, database and extension where they are missing. Without a password the role keeps the one it has."""
    return _OBJECTS + ("" if password is None else f"alter role {ROLE} password '{password}';\n")
