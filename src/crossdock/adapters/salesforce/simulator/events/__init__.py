"""The event bus: replay log, Avro schemas and the change events of committed transactions."""
