"""The native API, gRPC `anvil.v1.*`: servicers, interceptors and the translation of errors."""
