"""What `build.py` is made of: environments, tests, checks, the zip, the demo. Stdlib only."""
