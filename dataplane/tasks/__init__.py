"""Background tasks: rules of retrying and pacing, and the loop that works them off. Knows no single kind."""
