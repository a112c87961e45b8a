"""Draw the sidebar tab and the runtime page of the preferences.

- ``generate``: the main panel and its options.
- ``direct``: layers of a generated performance, region by region.
- ``direct_lines``: layers of lines of a batch.
- ``edits``: hand edits in the keys that play.
- ``takes``: the list of takes of a face.
- ``acting``: strengths of acting, the script and what was found of it.
- ``batch``: the list of lines and its destination.
- ``batch_pages``: options and cast of a batch, emotion over time.
- ``mapping``: channels and their shape keys.
- ``rig``: fit of a face, measured lips.
- ``runtime``: the GPU runtime.
"""
