"""Coda behind an MCP server, in the three dialects met in the wild. Each is a transport that the calls of the REST adapter run over."""
