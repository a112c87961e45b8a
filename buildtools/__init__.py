"""What `build.py` is made of: environments, tests, checks, the extension zip, the demo. Stdlib only."""
