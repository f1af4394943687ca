"""The mock cluster's process: prints its port, and serves until its standard input ends."""

import sys

from confluent_kafka import Producer

START_SECONDS_MAX = 10.0


def main() -> int:
    """Serve until whoever started us is gone."""
    cluster = Producer({"bootstrap.servers": "127.0.0.1:1", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=START_SECONDS_MAX).brokers.values()
    sys.stdout.write(f"{broker.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
