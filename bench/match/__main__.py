"""`python -m bench.match`: who is whom, ours and the peers', on labelled sets, in one run."""

import argparse
import hashlib
import shutil
import tempfile
from pathlib import Path

from rich.console import Console

from bench.accounts import tell_shared
from bench.match.contest import OURS, SIDES, Reading, Side, SideFailed, course_of, single_match
from bench.match.environments import Unobtainable
from bench.match.report import quality_of, single_of, speed_of, standing_of
from bench.match.sets import RETAIL_1M, RETAIL_10K, RETAIL_100K, SMALL, WHOLE, LabelledSet, own_file

KEPT = Path(__file__).parents[2] / ".crossdock" / "bench" / "match"
SINGLES = (RETAIL_10K, RETAIL_100K, RETAIL_1M)
TIMED_FROM_ROWS = 10_000
"""Below, reading libraries in takes longer than matching."""

QUESTIONS = 2_000


def fresh_folder() -> Path:
    """Where the sets are kept as files: another one when what makes them has changed, the old one goes."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    folder = KEPT / hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    for other in KEPT.glob("*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def contest(
    labelled: LabelledSet, sides: list[Side], folder: Path, console: Console
) -> tuple[int, dict[Side, Reading], dict[Side, str], Path]:
    """One set, one matcher after the other. Raises Unobtainable where the set cannot be had."""
    with console.status(f"{labelled.title}: the set"):
        course = course_of(labelled, folder)
    readings: dict[Side, Reading] = {}
    reasons: dict[Side, str] = {}
    for side in sides:
        if side is not OURS and side.environment not in labelled.peers:
            continue
        with console.status(f"{labelled.title}: {side.name}"):
            try:
                readings[side] = course.run(side)
            except (Unobtainable, SideFailed) as reason:
                reasons[side] = str(reason)
    console.print(quality_of(labelled, len(course.truth.persons), readings, reasons))
    return len(course.truth.persons), readings, reasons, course.rows


def measure(sets: list[LabelledSet], sides: list[Side], folder: Path, console: Console) -> None:
    """All sets, a table as each is done, and what they come to."""
    results: dict[LabelledSet, dict[Side, Reading]] = {}
    counts: dict[LabelledSet, int] = {}
    singles = {}
    for labelled in sets:
        try:
            counts[labelled], results[labelled], _, rows = contest(labelled, sides, folder, console)
        except Unobtainable as reason:
            console.print(f"{labelled.title}: left out, {reason}")
            continue
        if labelled in SINGLES and OURS in sides:
            with console.status(f"{labelled.title}: one at a time"):
                try:
                    singles[labelled] = single_match(rows, QUESTIONS)
                except SideFailed as reason:
                    console.print(f"{labelled.title}: one at a time: {reason}")
    console.print(standing_of(results))
    timed = {labelled: found for labelled, found in results.items() if counts[labelled] >= TIMED_FROM_ROWS}
    if timed:
        console.print(speed_of(counts, timed))
    if singles:
        console.print(single_of(singles))
    foreign = [reading.foreign_share for found in results.values() for reading in found.values()]
    console.print(tell_shared(foreign))


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(prog="bench.match", description=__doc__)
    parser.add_argument("--small", action="store_true", help="only the sets that are done in minutes")
    parser.add_argument("--sets", default="", metavar="WORDS", help="only sets with one of these words, by comma")
    parser.add_argument("--only", default="", metavar="WORDS", help="only matchers with one of these, by comma")
    parser.add_argument(
        "--file", type=Path, metavar="CSV", help="records of your own, with the truth, and nothing else"
    )
    said = parser.parse_args()
    sides = [side for side in SIDES if _named(side.name, said.only)]
    if said.file:
        try:
            with tempfile.TemporaryDirectory() as folder:  # nothing of anybody's customers is kept
                measure([own_file(said.file)], sides, Path(folder), Console(width=150))
        except (ValueError, OSError) as reason:
            parser.error(str(reason))
        return
    sets = [one for one in (SMALL if said.small else WHOLE) if _named(one.title, said.sets)]
    measure(sets, sides, fresh_folder(), Console(width=150))


def _named(name: str, words: str) -> bool:
    return any(word.strip().lower() in name.lower() for word in words.split(","))


if __name__ == "__main__":
    main()
