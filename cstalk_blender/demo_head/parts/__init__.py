"""Build the parts of the demo head, each as the left half of a quad mesh.

- ``brows``, ``ears``, ``eyes``, ``hair``, ``lips``, ``shirt``: one part each.
- ``oral``: teeth, gums and tongue.
"""
