"""One matcher on one set, in a process of its own, judged against the truth."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.accounts import read_books
from bench.match import ours
from bench.match.environments import Unobtainable, python_of, surroundings
from bench.match.judge import Gather, Scored, Truth, Verdict, Whole, connected, truth_of
from bench.match.peers.contract import write_cleaned
from bench.match.rows import read_rows
from bench.match.sets import LabelledSet

SECONDS_MAX = 1_800
COMPLAINT_LETTERS = 300


class SideFailed(Exception):
    """It did not come to an end: says what was seen."""


@dataclass(frozen=True)
class Side:
    """A matcher; `environment` is empty for ours. On `raw` sets it does better with rows as written."""

    name: str
    environment: str = ""
    words: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()


OURS = Side("Crossdock")
SIDES = (
    OURS,
    Side("Splink 5", "splink"),
    Side("recordlinkage, ECM", "recordlinkage", ("--way", "ecm")),
    Side("recordlinkage, k-means", "recordlinkage", ("--way", "kmeans")),
    Side("goldenmatch", "goldenmatch", raw=("historical",)),
)


@dataclass(frozen=True)
class Reading:
    """What a matcher came to on a set: at the threshold that needs no truth, and at the best one."""

    pairs: Verdict
    best_pairs: Verdict
    clusters: Verdict
    best_clusters: Verdict
    report: dict[str, Any]
    foreign_share: float

    @property
    def seconds(self) -> float:
        """From the file of rows to clusters (ours: rows as written, the others: cleaned ones)."""
        return float(self.report["seconds"])

    @property
    def seconds_with_cleaning(self) -> float:
        """From the file as the systems wrote it."""
        return self.seconds + float(self.report["cleaning_seconds"])


@dataclass(frozen=True)
class Course:
    """A set as files: as the systems wrote it, cleaned for the peers, and the truth."""

    labelled: LabelledSet
    rows: Path
    cleaned: Path
    truth: Truth
    cleaning_seconds: float
    """What cleaning took when it was done, on its own and in plain Python."""

    def run(self, side: Side) -> Reading:
        """Let one try. Raises Unobtainable or SideFailed."""
        out = self.rows.with_suffix(f".{side.environment or 'ours'}")
        books, began = read_books(), time.monotonic()
        report = _report_of(self._command(side, out))
        cleaned = side is not OURS and self.labelled.name not in side.raw
        report["cleaning_seconds"] = self.cleaning_seconds if cleaned else 0.0
        foreign = read_books().foreign_share(books, time.monotonic() - began)
        scored, groups = _answer(out, int(report["pairs"]), len(self.truth.persons) if report["grouped"] else 0)
        out.unlink()
        return self._judged(scored, groups, report, foreign, ours.gather if side is OURS else connected)

    def _command(self, side: Side, out: Path) -> list[str]:
        if side is OURS:
            words = [sys.executable, "-m", "bench.match.ours", "--rows", str(self.rows), "--out", str(out)]
            return [*words, "--link"] if self.labelled.link else words
        rows = self.rows if self.labelled.name in side.raw else self.cleaned
        words = [str(python_of(side.environment)), "-m", f"bench.match.peers.with_{side.environment}", *side.words]
        return [*words, "--set", self.labelled.name, "--rows", str(rows), "--out", str(out)]

    def _judged(
        self, scored: Scored, groups: Whole | None, report: dict[str, Any], foreign: float, gather: Gather
    ) -> Reading:
        natural, cluster_at = float(report["natural"]), float(report["cluster_at"])
        if groups is None:
            groups = gather(len(self.truth.persons), scored, cluster_at)
        clusters = self.truth.clusters(groups, cluster_at)
        best = self.truth.best_clusters(scored, cluster_at, gather)
        return Reading(
            pairs=self.truth.pairs(scored, natural),
            best_pairs=self.truth.best_pairs(scored),
            clusters=clusters,
            best_clusters=max(best, clusters, key=lambda verdict: verdict.f1),
            report=report,
            foreign_share=foreign,
        )


def course_of(labelled: LabelledSet, folder: Path) -> Course:
    """Have the set's files in a folder. Raises Unobtainable."""
    rows = labelled.file(folder)
    cleaned, taken = rows.with_suffix(".cleaned"), rows.with_suffix(".seconds")
    if not cleaned.exists():
        partial, began = rows.with_suffix(".cleaning"), time.monotonic()
        write_cleaned(rows, partial)
        taken.write_text(str(time.monotonic() - began), encoding="utf-8")
        partial.rename(cleaned)
    persons, files = [], []
    for row in read_rows(rows):
        persons.append(row.truth)
        files.append(row.source)
    truth = truth_of(persons, files, link=labelled.link)
    return Course(labelled, rows, cleaned, truth, float(taken.read_text(encoding="utf-8")))


def single_match(rows: Path, questions: int) -> dict[str, Any]:
    """One arrival at a time (`bench.match.single`). Raises SideFailed."""
    words = [sys.executable, "-m", "bench.match.single", "--rows", str(rows), "--questions", str(questions)]
    return _report_of(words)


def _report_of(words: list[str]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            words, env=surroundings(), capture_output=True, text=True, check=False, timeout=SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        raise SideFailed(f"not done after {SECONDS_MAX} s") from None
    if done.returncode:
        raise SideFailed((done.stderr.strip() or "it said nothing")[-COMPLAINT_LETTERS:])
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _answer(path: Path, pairs: int, grouped: int) -> tuple[Scored, Whole | None]:
    """The arrays that `write_answer` wrote."""
    content = path.read_bytes()
    left, right = (np.frombuffer(content, np.int64, pairs, 8 * pairs * place) for place in (0, 1))
    score = np.frombuffer(content, np.float64, pairs, 16 * pairs)
    groups = np.frombuffer(content, np.int64, grouped, 24 * pairs) if grouped else None
    return Scored(left, right, score), groups


__all__ = ["OURS", "SIDES", "Course", "Reading", "Side", "SideFailed", "Unobtainable", "course_of", "single_match"]
