"""The agent that calls a tool of a real server: one line traces it, from the question to what the server did."""

import os
import subprocess
import sys
from pathlib import Path

_EXAMPLE = Path(__file__).parents[2] / "examples" / "gemini_mcp_agent.py"
_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")


def test_one_line_traces_the_agent_the_model_and_the_tools_server(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if name not in _KEYS}
    done = subprocess.run(
        [sys.executable, str(_EXAMPLE)],
        cwd=tmp_path,
        env={**own, "TRACELM_HOME": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == [
        "I looked: blue lamp: 3 in stock.",
        "invoke_agent shop (internal)",
        "  initialize (client)",
        "    initialize (server)",
        "  tools/list (client)",
        "    tools/list (server)",
        "  generate_content gemini-2.5-flash (client)",
        "  tools/call stock (client)",
        "    tools/call stock (server)",
        "  generate_content gemini-2.5-flash (client)",
    ]
    assert "tracelm could not" not in done.stderr
