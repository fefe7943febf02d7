"""The filter language of traces and spans: `op:explain status:error latency>2s`.

The grammar stands in `docs/reference/filters.md`.
"""

from tracelm.store.filters.complete import Completion as Completion
from tracelm.store.filters.complete import complete as complete
from tracelm.store.filters.parser import parse as parse
