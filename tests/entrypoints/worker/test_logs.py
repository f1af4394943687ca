"""The log is JSON, a line an event, and tells neither secrets nor personal data, whoever writes to it."""

import json
import logging
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, structlog
from crossdock.entrypoints.worker.logs import set_up_logging
set_up_logging()
log = structlog.get_logger("hub")
def fail():
    raise ValueError("ada@example.com has password hunter2")
log.info("called ada@example.com", system="erp", password="hunter2", customer="Ada Example", pid=7)
try:
    fail()
except ValueError:
    log.exception("failed", run_id="order/1")
    logging.getLogger("somebody.else").exception("could not write to %s", "ada@example.com")
logging.getLogger("httpx").info("GET http://127.0.0.1/?token=hunter2")
log.debug("too fine")
"""


def told() -> list[dict[str, Any]]:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ended.stdout == ""
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_every_line_is_json_and_none_holds_a_secret_or_a_person() -> None:
    lines = told()
    assert [line["event"] for line in lines] == [
        "called [redacted]",
        "failed",
        "could not write to [redacted]",
    ]
    whole = json.dumps(lines)
    for word in ("ada@example.com", "hunter2", "Ada Example"):
        assert word not in whole
    assert lines[0]["system"] == "erp"
    assert lines[0]["pid"] == 7
    assert lines[0]["level"] == "info"
    assert lines[0]["logger"] == "hub"
    assert lines[0]["timestamp"].endswith("Z")


def test_an_exception_is_told_by_its_way_not_by_its_words() -> None:
    _, ours, theirs = told()
    for line in (ours, theirs):
        assert any(frame.endswith(" fail") for frame in line["frames"])
        assert "ValueError" in json.dumps(line)


def test_setting_it_up_twice_does_not_double_lines() -> None:
    program = PROGRAM.replace("set_up_logging()\n", "set_up_logging()\nset_up_logging()\n", 1)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(ended.stderr.splitlines()) == 3
    assert logging.getLogger().name == "root"
