"""Run the simulator alone: `python -m crossdock.adapters.salesforce.simulator --port 8801 --pubsub-port 7443`."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from crossdock.adapters.salesforce.simulator.simulator import SalesforceSimulator

_INTRODUCTION = """\
Salesforce simulator
  REST and sign-in   {url}
  Pub/Sub API        {target} ({security})
  token endpoint     {credentials.token_url}
  client id          {credentials.client_id}
  client secret      {credentials.client_secret}
  username           {credentials.username}
  password           {credentials.password}
  organization       {organization}
  control panel      {url}/_simulator
"""


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m crossdock.adapters.salesforce.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the REST API (default: a free one)")
    parser.add_argument("--pubsub-port", type=int, default=0, help="port of the Pub/Sub API (default: a free one)")
    parser.add_argument("--tls", action="store_true", help="speak TLS with a self-signed certificate")
    parser.add_argument(
        "--directory", type=Path, help="where to write the certificate and the key that signs JWTs"
    )
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        simulator = SalesforceSimulator(
            port=options.port, pubsub_port=options.pubsub_port, tls=options.tls, directory=options.directory
        )
        with simulator:
            _introduce(simulator, options.directory)
            ended.wait()
    except (OSError, RuntimeError) as problem:
        sys.stderr.write(f"cannot serve: {problem}\n")
        return 1
    return 0


def _introduce(simulator: SalesforceSimulator, directory: Path | None) -> None:
    credentials = simulator.credentials
    sys.stdout.write(
        _INTRODUCTION.format(
            url=simulator.instance_url,
            target=simulator.pubsub_target,
            security="TLS" if simulator.certificate else "plaintext",
            credentials=credentials,
            organization=simulator.organization_id,
        )
    )
    if simulator.certificate:
        sys.stdout.write(f"  certificate        {simulator.certificate}\n")
    if directory is not None:
        path = directory / "jwt-private.key"
        path.touch(mode=0o600)
        path.write_text(credentials.private_key)
        sys.stdout.write(f"  key for JWTs       {path}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
