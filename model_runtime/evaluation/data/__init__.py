"""Read the clips, films and sounds that are measured."""
