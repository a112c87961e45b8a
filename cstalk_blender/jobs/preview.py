"""Play the settings of a face before its keys are written: Live Preview. Main thread only.

A preview belongs to one face. It ends with *Bake*, *Discard*, another bake, another file and the
add-on; the keys play on as they are.
"""

from __future__ import annotations

import logging
from typing import Any

import bpy

from ..direct import direction as directions
from ..errors import SceneChanged, SessionError
from ..rig.binding import targets
from ..rig.keys import hand_edits
from ..rig.keys.install import plan_faces
from ..rig.keys.preview import PreviewPlayer
from ..rig.keys.report import BakeReport
from ..scene import direction, predictions
from . import direct

log = logging.getLogger(__name__)


class PreviewJob:
    """The preview of one face at a time."""

    def __init__(self) -> None:
        self.error: SessionError | None = None
        """Reason of the last end that the user did not ask for."""
        self._uid: int | None = None
        """Session id of the face; None without a preview."""
        self._player: PreviewPlayer | None = None
        """None between the two handlers of an undo, which invalidates references."""
        self._before = directions.Direction()
        """Settings at the start, which *Discard* restores."""
        self._is_showing = False

    def is_on(self, face: bpy.types.Object | None) -> bool:
        """Return whether a face is previewed."""
        return face is not None and self._uid is not None and face.session_uid == self._uid

    def start(self, face: bpy.types.Object, scene: bpy.types.Scene) -> None:
        """Start the preview of a face; that of another one ends.

        Args:
            face: A face that can be directed.
            scene: Its scene.

        Raises:
            SessionError: The face has no prediction, or plays no keys of CSTalk.
        """
        self.end()
        self.error = None
        player = _player_of(face, scene)
        self._uid, self._player = face.session_uid, player
        self._before = direction.direction_of(face)
        for handlers, handler in self._handlers():
            handlers.append(handler)
        self._show(scene)

    def changed(self, face: bpy.types.Object) -> None:
        """Show changed settings of the face.

        Raises:
            SessionError: As for `start`; the preview has ended.
        """
        try:
            self._player = _player_of(face, bpy.context.scene)
            self._show(bpy.context.scene)
        except SessionError:
            self.end()
            raise

    def bake(self, face: bpy.types.Object, scene: bpy.types.Scene) -> BakeReport:
        """End the preview and write what it showed.

        Args:
            face: The face.
            scene: Its scene.

        Raises:
            SessionError: The face cannot be animated.
        """
        self.end()
        return direct.redirect(face, scene)

    def discard(self, face: bpy.types.Object) -> None:
        """End the preview and restore the settings from its start; no key changes."""
        direction.write(face, self._before)
        self.end()

    def end(self) -> None:
        """End the preview; settings stay, and the keys play."""
        player, self._player, self._uid = self._player, None, None
        for handlers, handler in self._handlers():
            if handler in handlers:  # another file has removed it
                handlers.remove(handler)
        if player is not None:
            try:
                player.release()
            except ReferenceError:
                log.debug("the previewed face is gone")

    def file_opened(self) -> None:
        """End the preview before another file is read."""
        self.error = None
        self.end()

    def close(self) -> None:
        """End the preview with the add-on."""
        self.end()

    def _handlers(self) -> tuple[tuple[list[Any], Any], ...]:
        handlers = bpy.app.handlers
        return (
            # Before the evaluation: values that are set after it cost a second one.
            (handlers.frame_change_pre, self._on_frame),
            (handlers.frame_change_post, self._on_update),
            (handlers.depsgraph_update_post, self._on_update),
            (handlers.undo_pre, self._before_undo),
            (handlers.redo_pre, self._before_undo),
            (handlers.undo_post, self._after_undo),
            (handlers.redo_post, self._after_undo),
        )

    def _on_frame(self, scene: bpy.types.Scene, *_arguments: Any) -> None:
        # A render has an evaluation of its own, in which the keys play.
        if self._player is None or bpy.app.is_job_running("RENDER"):
            return
        try:
            self._player.play(scene, scene.frame_current_final)
        except (SessionError, ReferenceError) as error:
            self._fail(error)

    def _on_update(self, scene: bpy.types.Scene, *_arguments: Any) -> None:
        """Show the frame again where Blender has evaluated the keys."""
        # Showing is itself a change that is reported here.
        if self._player is None or self._is_showing or bpy.app.is_job_running("RENDER"):
            return
        try:
            if not self._player.is_shown(scene):
                self._show(scene)
        except (SessionError, ReferenceError) as error:
            self._fail(error)

    def _before_undo(self, *_arguments: Any) -> None:
        self._player = None

    def _after_undo(self, *_arguments: Any) -> None:
        face = next((one for one in bpy.data.objects if one.session_uid == self._uid), None)
        try:
            if face is None or not direct.can_direct(face):
                raise SceneChanged("The performance is gone", hint="Redo, or generate again")
            self.changed(face)
        except (SessionError, ReferenceError) as error:
            self._fail(error)

    def _show(self, scene: bpy.types.Scene) -> None:
        assert self._player is not None
        self._is_showing = True
        try:
            self._player.show(scene, scene.frame_current_final)
        finally:
            self._is_showing = False

    def _fail(self, error: Exception) -> None:
        gone = SceneChanged("The previewed face was removed", hint="Undo the removal")
        self.error = error if isinstance(error, SessionError) else gone
        log.warning("%s", self.error.report())
        self.end()


def _player_of(face: bpy.types.Object, scene: bpy.types.Scene) -> PreviewPlayer:
    """Return a player of what a bake would write, hand edits included."""
    made = direct.directed(face, scene)
    entry = predictions.entry_or_none(face)
    assert entry is not None
    faces = targets.face_objects(face, with_companions=scene.cstalk.with_companions)
    _plans, groups = plan_faces(faces, made.curves)
    edited = []
    for owner, curves in groups:
        merged, _kept = hand_edits.with_hand_edits(
            owner, curves, made.frames, take=entry.take, frame_rate=made.frame_rate
        )
        edited.append((owner, merged))
    return PreviewPlayer(edited, made.frames)
