"""How a service asks a language model: the version of a prompt, its data in fences, a reply that holds. Shared by all services."""
