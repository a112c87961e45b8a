"""The generated pages are those of the source, and the recorded exchange can be decoded."""

from __future__ import annotations

from buildtools import reference_pages
from model_runtime import protocol


def test_generated_pages_are_up_to_date() -> None:
    stale = [
        path.name
        for path, text in reference_pages.pages().items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run python3 build.py docs"


def test_every_message_of_the_recorded_exchange_decodes() -> None:
    lines = reference_pages.EXCHANGE.read_text(encoding="utf-8").splitlines()
    kinds = [type(protocol.decode(line[2:])).__name__ for line in lines]
    assert kinds[:2] == ["Hello", "Generate"]
    assert kinds[-1] == "Result"


def test_every_message_has_a_section() -> None:
    page = (reference_pages.ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    for name in ("generate", "cancel", "hello", "progress", "result", "error", "start_batch"):
        assert f"### `{name}`" in page
