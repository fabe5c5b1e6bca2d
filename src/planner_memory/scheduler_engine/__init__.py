"""Places tasks in a calendar and keeps them right there.

The search is plain Python that may be compiled with mypyc at installation (`tools/compiled.py`): the same plans, in a third of the time.
"""

from planner_memory.core.compiled import prefer_compiled

COMPILED_MODULES = ("jobs", "cost", "chunking", "state", "board", "ruins", "search")
IS_COMPILED = prefer_compiled(__path__, COMPILED_MODULES)
