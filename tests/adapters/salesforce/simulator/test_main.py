"""The simulator by itself, as a stranger starts it."""

import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-m", "crossdock.adapters.salesforce.simulator"]


def test_a_stranger_can_start_it_and_sign_in_with_what_it_prints(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--tls", "--directory", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed: dict[str, str] = {}
        for line in process.stdout:
            found = re.fullmatch(r"  (\S+(?: \S+)*)\s{2,}(\S.*)\n", line)
            printed |= {found[1]: found[2]} if found else {}
            if "key for JWTs" in printed:
                break
        trust = ssl.create_default_context(cafile=printed["certificate"])
        form = {
            "grant_type": "client_credentials",
            "client_id": printed["client id"],
            "client_secret": printed["client secret"],
        }
        answer = httpx.post(printed["token endpoint"], data=form, verify=trust)
        process.send_signal(signal.SIGTERM)

    assert process.returncode == 0
    assert answer.json()["instance_url"] == printed["REST and sign-in"]
    assert Path(printed["key for JWTs"]).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("option", ["--port", "--pubsub-port"])
def test_a_port_that_is_taken_is_said_so(option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        finished = subprocess.run(
            [*COMMAND, option, port], capture_output=True, text=True, check=False, timeout=60
        )

    assert finished.returncode == 1
    assert "cannot serve: " in finished.stderr
