"""The filter language of traces and spans: `op:explain status:error latency>2s`.

The grammar stands in `docs/reference/filters.md`.
"""

from tracelm.store.filters.parser import parse as parse
