"""Read and write curve files.

* ``registry``: chooses the format by the file name extension.
* ``npz``: CSTalk's own format. ``livelink``: Live Link Face CSV. ``a2f``: Audio2Face JSON.
"""
