"""The gRPC surface of the event bus."""
