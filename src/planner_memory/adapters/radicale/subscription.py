"""What a calendar app is given to subscribe to the embedded calendar. Light: the command line reads it without the server's libraries."""

from pathlib import Path

USERNAME = "planner"
CREDENTIALS = "calendar-credentials"
PORT = "calendar-port"
DEFAULT_PORT = 5232


def subscription(data_dir: Path, port: int | None = None) -> tuple[str, str, str] | None:
    """Address, user name and password, or None when the embedded calendar was never started there. `port` is the one that a setting names."""
    kept = data_dir / CREDENTIALS
    if not kept.exists():
        return None
    name, _, password = kept.read_text(encoding="utf-8").strip().partition(":")
    chosen = data_dir / PORT
    number = port or (int(chosen.read_text(encoding="utf-8")) if chosen.exists() else DEFAULT_PORT)
    return f"http://127.0.0.1:{number}/{name}/", name, password
