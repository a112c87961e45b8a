"""Define what users see in Blender.

- ``operators``: the buttons.
- ``panels``: the sidebar and the runtime page of the preferences.
- ``properties``: settings stored in .blend files, and readers of older files.
- ``preferences``: the add-on's preferences.
- ``launch``: how worker processes are started according to the preferences.
- ``services``: creation and end of the job queues.
- ``line_list``: from a source of lines to the list of a scene.
- ``generate_requests``: from the settings of a scene to the request of Generate.
- ``line_requests``: from the list of a scene to the request of a batch.
- ``mapping_edits``: changes to the mapping of a mesh, and saved mappings.
- ``curve_view``: the curve view of the 3D viewport as a gizmo; ``curve_drawing`` draws it.
- ``emotion_strip``: emotions over time as small images.
"""
