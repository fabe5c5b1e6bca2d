"""Makes the four Qdrant collections: `python setup_collections.py [--url URL] [--dimension N]`. The same as `planner-memory setup-collections`."""

# ruff: noqa: T201 (its output is for a person)

import argparse
import asyncio
import os
import sys

from planner_memory.adapters.qdrant.collections import setup_collections
from planner_memory.core.errors import PlannerMemoryError


def main() -> int:
    """0 when all four are there; 1 with the reason on standard error."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", default=os.environ.get("QDRANT_URL", "http://localhost:6333"), help="default: QDRANT_URL, else %(default)s")
    options.add_argument("--dimension", type=int, default=1536, help="of the embedder's vectors; default %(default)s")
    options.add_argument("--prefix", default="", help="put before the four names, for a server that is shared")
    chosen = options.parse_args()
    try:
        done = asyncio.run(setup_collections(chosen.url, chosen.dimension, api_key=os.environ.get("QDRANT_API_KEY"), prefix=chosen.prefix))
    except PlannerMemoryError as error:
        print(f"{error.title}: {error.detail}", file=sys.stderr)
        return 1
    for name, outcome in done.items():
        print(f"{name}: {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
