"""The vendors' servers on which some adapters run."""

from tests.servers import valkey_url

__all__ = ["valkey_url"]
