"""`python -m crossdock.entrypoints.cli`: the same as `crossdock`, where no script is installed."""

from crossdock.entrypoints.cli.main import main

main()
