"""The REST API of the control plane. Translates only: every write is a call of `control.services`."""
