"""What was decided by people, and models, out of files."""

import csv
from pathlib import Path

from crossdock.entrypoints.cli.match.reading import FINDINGS_MAX, Crowd
from crossdock.identity.matching.model import Model, decoded
from crossdock.identity.matching.training import Label
from crossdock.kit.errors import Finding, Invalid

COLUMNS = ("one", "other", "verdict")
VERDICTS = {"same": True, "not_same": False}


def read_labels(path: Path, crowd: Crowd) -> tuple[Label, ...]:
    """Decided pairs of the crowd's records. Raises Invalid with line and column of every fault."""
    findings: list[Finding] = []
    labels: list[Label] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
                words = f"the column {' and '.join(missing)} is missing"
                findings.append(Finding("column-unknown", path.name, words))
            for row in rows if not findings else ():
                label = _label(row, f"{path.name}, line {rows.line_num}", crowd, findings)
                labels += [label] if label else []
                if len(findings) >= FINDINGS_MAX:
                    break
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        finding = Finding("file-unreadable", path.name, str(getattr(error, "strerror", "") or error))
        raise Invalid(f"{path.name} cannot be read", code="file-unreadable", findings=[finding]) from None
    if findings:
        raise Invalid(f"{path.name} has faults", code=findings[0].code, findings=findings)
    return tuple(labels)


def _label(row: dict[str, str | None], where: str, crowd: Crowd, findings: list[Finding]) -> Label | None:
    places = []
    for name in ("one", "other"):
        try:
            places.append(crowd.row(row[name] or ""))
        except Invalid as error:
            findings.append(Finding("record-unknown", f"{where}, column {name}", error.message))
    verdict = (row["verdict"] or "").strip()
    if verdict not in VERDICTS:
        words = f"it is one of {', '.join(VERDICTS)}"
        findings.append(Finding("verdict-unknown", f"{where}, column verdict", words))
    if len(places) < len(("one", "other")) or verdict not in VERDICTS:
        return None
    return Label(places[0], places[1], VERDICTS[verdict])


def read_model(path: Path) -> Model:
    """A trained model. Raises Invalid."""
    try:
        return decoded(path.read_bytes())
    except OSError as error:
        words = error.strerror or "it cannot be read"
    except ValueError as error:
        words = str(error)
    finding = Finding("model-faulty", path.name, words)
    raise Invalid(f"{path.name} is no model", code="model-faulty", findings=[finding])
