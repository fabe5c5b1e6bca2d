"""planner-memory: remember, plan, schedule, reflect."""

__version__ = "0.1.0"
