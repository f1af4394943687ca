"""`python -m crossdock.rehearsal.simulation`."""

from crossdock.rehearsal.simulation.command import main

if __name__ == "__main__":
    raise SystemExit(main())
