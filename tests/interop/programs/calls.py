"""What every Python sender does: the calls of the scenarios, with OpenAI's own client.

Runs in the environment of the sender, which has neither tracelm nor pytest.
"""

import json
import os
import pathlib


def calls(client, each=None):
    """Repeat the recorded calls; `each(name)` is entered around one."""
    recordings = pathlib.Path(os.environ["RECORDINGS"])
    for name, recording in json.loads(os.environ["SCENARIOS"]).items():
        asked = json.loads((recordings / f"{recording}.json").read_text())["request"]["body"]
        asked = {key: value for key, value in asked.items() if value is not None}

        def call(asked=asked, recording=recording):
            reply = client.chat.completions.create(**asked, extra_headers={"x-recording-id": recording})
            if asked.get("stream"):
                for _ in reply:
                    pass

        if each is None:
            call()
        else:
            with each(name):
                call()
