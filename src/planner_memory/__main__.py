"""The command line: every command, and the one place that turns errors into messages and exit codes."""

import sys

import httpx
from pydantic import ValidationError

from planner_memory.cli.app import app
from planner_memory.cli.problems import Refused, report
from planner_memory.core.errors import PlannerMemoryError


def main() -> None:
    try:
        app()
    except (PlannerMemoryError, Refused, httpx.HTTPError, ValidationError) as error:
        sys.exit(report(error))


if __name__ == "__main__":
    main()
