"""Redis behind the core's ports: what may be lost, and what many processes have to agree on at once."""
