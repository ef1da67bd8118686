"""The native API's .proto files and what `make proto` compiles from them."""
