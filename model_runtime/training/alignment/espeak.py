"""Get the IPA of words from espeak-ng: the library of the espeakng-loader wheel, or the program."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import re
import shutil
import subprocess
import threading
from collections.abc import Sequence

# espeak-ng, speak_lib.h.
AUDIO_OUTPUT_RETRIEVAL = 1
DONT_EXIT = 1 << 15
TEXT_IS_UTF8 = 1
PHONEMES_AS_IPA = 1 << 1
SUCCESS = 0

LANGUAGE_SWITCH = re.compile(r"\([a-z-]+\)")
"""Mark of a word that is read by the rules of another language, as in ``(en)weekend(de)``."""

_lock = threading.Lock()
"""The library keeps its voice and buffers in globals."""


def is_available() -> bool:
    """Return whether the wheel or the program is installed."""
    return importlib.util.find_spec("espeakng_loader") is not None or _program() is not None


def ipa_of(words: Sequence[str], *, voice: str) -> list[str] | None:
    """Return the IPA of each word.

    Args:
        words: Words in the spelling of the language, without line breaks.
        voice: An espeak-ng voice, for example ``en-us``, ``de``, ``nl``.

    Returns:
        IPA strings in the order of ``words``; None when espeak-ng has no such voice.

    Raises:
        FileNotFoundError: Neither the wheel nor the program is installed.
    """
    library = _library()
    if library is not None:
        return _from_library(library, words, voice)
    program = _program()
    if program is None:
        raise FileNotFoundError("espeak-ng is not installed (pip install espeakng-loader)")
    found = []
    # One process a word: the output for several words could not be told apart again.
    for word in words:
        done = subprocess.run(
            [program, "-q", "--ipa", "-v", voice],
            input=word + "\n",
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        # A voice it does not have; the caller treats the language as unknown.
        if done.returncode != SUCCESS:
            return None
        found.append(_plain(done.stdout.split()))
    return found


def _program() -> str | None:
    return shutil.which("espeak-ng")


@functools.cache
def _library() -> ctypes.CDLL | None:
    """Return the initialised library of the wheel; None when it is not installed or fails."""
    if importlib.util.find_spec("espeakng_loader") is None:
        return None
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    # Without a type ctypes would cut the returned pointer to 32 bits.
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int,
        ctypes.c_int,
    ]
    data = espeakng_loader.get_data_path().encode()
    # DONT_EXIT: by default the library ends the process when its data is missing.
    rate = library.espeak_Initialize(AUDIO_OUTPUT_RETRIEVAL, 0, data, DONT_EXIT)
    return library if rate > 0 else None


def _from_library(library: ctypes.CDLL, words: Sequence[str], voice: str) -> list[str] | None:
    # Voice and conversion under one lock: the voice is a global of the library.
    with _lock:
        if library.espeak_SetVoiceByName(voice.encode()) != SUCCESS:
            return None
        return [_plain(_clauses(library, word)) for word in words]


def _clauses(library: ctypes.CDLL, text: str) -> list[str]:
    """Return the IPA of each clause; a call converts one clause and moves the pointer past it."""
    rest = ctypes.c_char_p(text.encode("utf-8"))
    found = []
    # The pointer becomes NULL after the last clause.
    while rest.value is not None:
        answer = library.espeak_TextToPhonemes(ctypes.byref(rest), TEXT_IS_UTF8, PHONEMES_AS_IPA)
        found.append(answer.decode("utf-8"))
    return found


def _plain(parts: Sequence[str]) -> str:
    # Clauses of one word (abbreviations, numbers) are joined.
    return LANGUAGE_SWITCH.sub("", " ".join(parts)).strip()
