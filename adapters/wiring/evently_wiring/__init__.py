"""Which adapter stands behind which port, and the settings that say so."""
