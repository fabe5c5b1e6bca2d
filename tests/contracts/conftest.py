"""The vendors' servers on which some adapters run."""

from tests.servers import qdrant_url, valkey_url

__all__ = ["qdrant_url", "valkey_url"]
