"""The console: pages for people, drawn by the server, alive by a few hundred lines of script."""
