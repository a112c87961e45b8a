"""Workers that behave and misbehave, and faces to bake on."""
