"""Read and write properties of data blocks by their animation path."""

from __future__ import annotations

import bpy


def write_value(owner: bpy.types.ID, path: str, index: int, value: float) -> None:
    """Set a property.

    Args:
        owner: Data block that has the property.
        path: Animation path on ``owner``.
        index: Component of the property, -1 for a property without components.
        value: The new value.

    Raises:
        ValueError: ``owner`` has no such property.
    """
    target, _dot, name = path.rpartition(".")
    # ``setattr`` cannot reach custom properties.
    if path.endswith("]"):  # a custom property: ["name"], of the owner or of a part of it
        opening = _last_bracket(path)
        # An opening bracket at 0 means a property of the data block itself.
        holder = owner.path_resolve(path[:opening]) if opening else owner
        key = path[opening + 2 : -2]
        # Blender keeps the type of a custom property, and a driver may depend on it.
        holder[key] = type(holder[key])(value)
        return
    holder = owner.path_resolve(target) if target else owner
    if index < 0:
        setattr(holder, name, value)
    else:
        getattr(holder, name)[index] = value


def read_value(owner: bpy.types.ID, path: str, index: int) -> float:
    """Return the value of a property.

    Args:
        owner: Data block that has the property.
        path: Animation path on ``owner``.
        index: Component of the property, -1 for a property without components.

    Raises:
        ValueError: ``owner`` has no such property, or it is not a number.
    """
    # ValueError from Blender where the path leads nowhere.
    value = owner.path_resolve(path)
    try:
        return float(value if index < 0 else value[index])
    except (TypeError, IndexError) as error:
        raise ValueError(f"{path} is not a number") from error


def _last_bracket(path: str) -> int:
    # Scripts of users write single quotes, Blender double ones.
    return max(path.rfind('["'), path.rfind("['"))
