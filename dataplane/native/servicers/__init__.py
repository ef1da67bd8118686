"""One servicer per gRPC service: translates messages, decides nothing."""
