"""The demo that `build.py demo` runs: not part of the extension."""
