"""Read the shell commands of README and guide, word for word as they are printed there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "docs/user_guide.md")
RUNTIME = "python -m model_runtime"
BUILD = "python3 build.py"
BLENDER = "blender -b"
FENCE = "```"
SHELL_FENCES = (FENCE, FENCE + "sh", FENCE + "bash")


def documented_commands(beginning: str = "") -> list[str]:
    """Return the distinct lines of all command blocks that begin with a text, comments removed."""
    found = []
    for document in DOCUMENTS:
        fence = ""
        for line in (ROOT / document).read_text(encoding="utf-8").splitlines():
            if line.startswith(FENCE):
                fence = "" if fence else line.strip()
            elif fence in SHELL_FENCES:
                found.append(line.partition("  #")[0].strip())
    return [line for line in dict.fromkeys(found) if line and line.startswith(beginning)]
