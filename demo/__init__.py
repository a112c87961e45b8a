"""Make the scene, film and pictures of `build.py demo`. Not part of the extension.

- ``job`` and ``emotion_job``: what a run has to make, as JSON between the processes.
- In Blender: ``scene`` bakes the curves and makes the film with ``film``; ``studio`` has camera,
  lights and render settings; ``emotion_render`` renders every emotion; ``head_sheets`` draws the
  reference sheets of the demo head.
- With matplotlib and pillow: ``pictures`` draws the contact sheet (``sheet``) and the curves
  (``diagram``), ``emotion_sheet`` joins the pictures of the emotions.
- ``words``: times of words and phones, and the moments to show.
"""
