"""Encode one clip in more than a hundred ways with ffmpeg, in one call."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Coding:
    """One way to store audio."""

    ending: str
    codec: str
    rate: int
    channels: int = 1
    options: tuple[str, ...] = ()
    container: str = ""
    """ffmpeg's name of the format, if the extension does not imply it."""

    @property
    def name(self) -> str:
        """File name that tells codings apart."""
        extra = "_".join(option.strip("-").replace(":", "") for option in self.options)
        words = (self.codec, str(self.rate), f"{self.channels}ch", extra)
        return "-".join(word for word in words if word) + f".{self.ending}"

    def arguments(self, folder: Path) -> list[str]:
        """Output arguments of ffmpeg."""
        form = ["-f", self.container] if self.container else []
        values = ["-map", "0:a", "-vn", "-c:a", self.codec, "-ar", str(self.rate)]
        values += ["-ac", str(self.channels), *self.options, *form]
        return [*values, "-strict", "-2", str(folder / self.name)]


def codings() -> list[Coding]:
    """Return every coding of the table."""
    table: list[Coding] = []
    for index, rate in enumerate((8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)):
        for codec in ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"):
            table.append(Coding("wav", codec, rate, (1, 2, 6)[index % 3]))
    for codec in ("pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav", "libmp3lame", "ac3"):
        table.append(Coding("wav", codec, 48_000 if codec == "ac3" else 22_050))
    table += [Coding("wav", "pcm_s16le", 44_100, 2, ("-rf64", "always"))]
    table += [Coding("w64", codec, 44_100, 2) for codec in ("pcm_s16le", "pcm_f32le")]
    for codec in ("pcm_s8", "pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be"):
        table.append(Coding("aiff", codec, 44_100, 2))
    table += [Coding("au", codec, 16_000) for codec in ("pcm_s16be", "pcm_mulaw", "pcm_f32be")]
    table += [Coding("caf", codec, 44_100, 2) for codec in ("pcm_s16be", "pcm_s24le", "alac")]
    for rate in (8000, 16_000, 44_100, 96_000):
        table.append(Coding("flac", "flac", rate, 1, ("-sample_fmt", "s16")))
        table.append(Coding("flac", "flac", rate, 2, ("-sample_fmt", "s32")))
    for rate in (11_025, 16_000, 22_050, 24_000, 44_100, 48_000):
        table.append(Coding("mp3", "libmp3lame", rate, 1, ("-b:a", "64k")))
        table.append(Coding("mp3", "libmp3lame", rate, 2, ("-q:a", "4")))
        table.append(Coding("mp3", "libmp3lame", rate, 1, ("-write_xing", "0")))
    table += [Coding("mp3", "libmp3lame", 44_100, 1, ("-id3v2_version", "0", "-write_id3v1", "1"))]
    for rate in (8000, 16_000, 44_100, 48_000):
        table.append(Coding("ogg", "libvorbis", rate, 2))
    table += [Coding("opus", "libopus", 48_000, channels) for channels in (1, 2)]
    table += [Coding("oga", "flac", 44_100), Coding("ogg", "libspeex", 16_000)]
    for rate in (8000, 16_000, 22_050, 44_100, 48_000):
        table.append(Coding("m4a", "aac", rate, 2))
    table += [Coding("m4a", "alac", 44_100, 2), Coding("aac", "aac", 44_100, 2)]
    table += [Coding("mp4", "aac", 48_000, 2), Coding("mov", "aac", 48_000, 2)]
    table += [Coding("mov", "pcm_s16le", 48_000), Coding("3gp", "aac", 16_000)]
    table += [
        Coding("mkv", c, 48_000) for c in ("libvorbis", "libopus", "flac", "aac", "pcm_s16le")
    ]
    table += [Coding("webm", codec, 48_000, 2) for codec in ("libvorbis", "libopus")]
    table += [Coding("mka", "ac3", 48_000, 2), Coding("ac3", "ac3", 44_100, 2)]
    table += [Coding("eac3", "eac3", 48_000, 2), Coding("mp2", "mp2", 44_100, 2)]
    table += [Coding("wma", "wmav2", 44_100, 2), Coding("asf", "wmav1", 22_050)]
    table += [Coding("tta", "tta", 44_100, 2), Coding("wv", "wavpack", 44_100, 2)]
    table += [Coding("avi", codec, 44_100) for codec in ("pcm_s16le", "libmp3lame")]
    table += [Coding("ts", codec, 48_000) for codec in ("aac", "mp2", "libmp3lame")]
    table += [Coding("flv", "aac", 44_100), Coding("flv", "libmp3lame", 44_100)]
    table += [Coding("nut", "pcm_s16le", 44_100), Coding("dts", "dca", 48_000, 2)]
    table += [Coding("voc", "pcm_u8", 22_050)]
    return table


def encode_all(source: Path, folder: Path) -> list[Coding]:
    """Write ``source`` in every coding that this ffmpeg can write.

    Args:
        source: A WAV file.
        folder: Existing folder for the results.

    Returns:
        The codings that were written.
    """
    listed = subprocess.run(
        ["ffmpeg", "-v", "error", "-encoders"], capture_output=True, text=True, check=True
    ).stdout
    encoders = set(re.findall(r"^ A\S+ (\S+)", listed, re.MULTILINE))
    possible = [coding for coding in codings() if coding.codec in encoders]
    command = ["ffmpeg", "-nostdin", "-y", "-v", "error", "-i", str(source)]
    for coding in possible:
        command += coding.arguments(folder)
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return possible
