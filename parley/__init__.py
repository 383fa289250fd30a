"""What all services share: contracts, settings, text and sound, gRPC, NATS. It imports no service."""
