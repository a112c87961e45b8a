"""The right PyTorch for each machine, from what its tools say; nothing is started here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cstalk_blender.errors import InstallFailed
from cstalk_blender.runtime_install import machine, plan
from cstalk_blender.runtime_install.machine import Card, Machine


def nvidia(driver: str, capability: str, name: str = "NVIDIA card") -> Card:
    return Card("nvidia", name, machine.parse_version(driver), machine.parse_version(capability))


@pytest.mark.parametrize(
    "system, processor, card, tag",
    [
        ("linux", "x86_64", nvidia("580.65.06", "8.9"), "cu130"),
        ("windows", "x86_64", nvidia("581.15", "12.0"), "cu130"),
        ("linux", "arm64", nvidia("590.10", "9.0"), "cu130"),
        ("linux", "x86_64", nvidia("580.65.06", "6.1"), "cu126"),  # Pascal: gone from CUDA 13
        ("linux", "x86_64", nvidia("550.54.14", "8.6"), "cu126"),
        ("linux", "x86_64", nvidia("525.60.13", "7.0"), "cu126"),
        ("windows", "x86_64", nvidia("572.16", "12.0"), "cu128"),  # Blackwell: needs 12.8
        ("windows", "x86_64", nvidia("560.00", "12.0"), "cpu"),
        ("linux", "x86_64", nvidia("525.60.12", "8.6"), "cpu"),
        ("windows", "x86_64", nvidia("528.24", "8.6"), "cpu"),
        ("linux", "x86_64", nvidia("580.65", "3.5"), "cpu"),
        ("linux", "x86_64", Card("amd", "AMD Radeon", (7, 1, 0)), "rocm7.1"),
        ("linux", "x86_64", Card("amd", "AMD Radeon", (6, 2)), "rocm6.4"),
        ("linux", "x86_64", Card("amd", "AMD Radeon"), "rocm6.4"),
        ("macos", "arm64", Card("apple", "Apple silicon"), ""),
        ("linux", "x86_64", None, "cpu"),
        ("windows", "arm64", None, "cpu"),
    ],
)
def test_build_follows_from_driver_card_and_system(
    system: str, processor: str, card: Card | None, tag: str
) -> None:
    choice = plan.choose(Machine(system, processor, card))
    assert choice.build.tag == tag
    assert choice.reason
    assert 0 < choice.build.download_mb < choice.build.disk_mb


def test_an_old_driver_is_named_with_the_way_out() -> None:
    choice = plan.choose(Machine("linux", "x86_64", nvidia("470.82", "8.6")))
    assert "470.82" in choice.reason
    assert "update it" in choice.reason


@pytest.mark.parametrize("system, processor", [("macos", "x86_64"), ("linux", "riscv64")])
def test_a_machine_without_pytorch_is_told_so(system: str, processor: str) -> None:
    with pytest.raises(InstallFailed) as caught:
        plan.choose(Machine(system, processor))
    assert "built-in engine" in caught.value.hint


def test_the_most_capable_of_several_cards_counts(tmp_path: Path) -> None:
    def ask(command: Sequence[str]) -> str:
        assert command[0] == "nvidia-smi"
        return (
            "NVIDIA GeForce GTX 1080, 580.65.06, 6.1\n"
            "NVIDIA GeForce RTX 4090, 580.65.06, 8.9\n"
            "nonsense\n"
        )

    found = machine.machine_of("linux", "x86_64", ask, tmp_path)
    assert found.card == nvidia("580.65.06", "8.9", "NVIDIA GeForce RTX 4090")
    assert found.title == "NVIDIA GeForce RTX 4090, driver 580.65.6"


@pytest.mark.parametrize("answer", ["", "NVIDIA-SMI has failed because it couldn't, communicate\n"])
def test_a_card_without_a_driver_is_no_card(answer: str, tmp_path: Path) -> None:
    assert machine.machine_of("linux", "x86_64", lambda _command: answer, tmp_path).card is None


def test_rocm_is_found_by_its_driver_and_version_file(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").write_bytes(b"")
    found = machine.machine_of("linux", "x86_64", lambda _command: "", tmp_path)
    assert found.card == Card("amd", "AMD Radeon", ())
    (tmp_path / "opt/rocm/.info").mkdir(parents=True)
    (tmp_path / "opt/rocm/.info/version").write_text("6.4.1-83\n")
    found = machine.machine_of("linux", "x86_64", lambda _command: "", tmp_path)
    assert found.card is not None
    assert found.card.driver == (6, 4, 1)


def test_apple_silicon_has_metal_and_intel_has_not(tmp_path: Path) -> None:
    arm = machine.machine_of("macos", "arm64", lambda _command: "", tmp_path)
    intel = machine.machine_of("macos", "x86_64", lambda _command: "", tmp_path)
    assert arm.card is not None
    assert intel.card is None


def test_this_machine_can_be_looked_at() -> None:
    found = machine.detect()
    assert found.system in ("linux", "windows", "macos")
    assert found.title


@pytest.mark.parametrize(
    "source, index, title",
    [
        (
            plan.Source(tag="cu130"),
            "https://download.pytorch.org/whl/cu130",
            "download.pytorch.org",
        ),
        (plan.Source(tag=""), "", "pypi.org"),
        (plan.Source(tag="cpu", torch_index=""), "", "pypi.org"),
        (
            plan.Source(tag="cpu", torch_index="http://mirror:8/t/"),
            "http://mirror:8/t/cpu",
            "mirror",
        ),
        (plan.Source(plan.FOLDER, "/w"), "", "/w"),
        (plan.Source(plan.ENVIRONMENT, "/e"), "", "/e"),
    ],
)
def test_source_names_its_index_and_itself(source: plan.Source, index: str, title: str) -> None:
    assert source.index_url == index
    assert title in source.title
