"""Test that the sources do not unpickle, evaluate, open sockets, use a shell or fetch unasked."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cstalk_blender", "model_runtime")
NOT_SHIPPED = ("model_runtime/training", "model_runtime/evaluation")

PICKLES = frozenset({"pickle", "cPickle", "_pickle", "shelve", "marshal", "dill", "joblib"})
SOCKETS = frozenset(
    [
        *("socket", "socketserver", "ssl", "http", "ftplib", "smtplib", "xmlrpc", "requests"),
        *("aiohttp", "asyncio", "webbrowser"),
        *("multiprocessing.connection", "multiprocessing.managers"),
    ]
)
FETCHERS = frozenset({"urllib.request", "urllib.error"})
MAY_FETCH = {"cstalk_blender/runtime_install/fetch.py"}
"""Runs in a process of its own that a person has started; see ``test_nothing_is_fetched_...``."""
MAY_CONNECT = {
    "cstalk_blender/runtime_install/fetch.py": {"ssl", "http"},  # for the same downloads
    "model_runtime/batch/lines/lock.py": {
        "socket"
    },  # the machine's name, nothing else: see the test
}


@functools.cache  # parsing every file takes seconds, and ten tests read the trees
def trees() -> dict[str, ast.Module]:
    """Tree of every file, by its path relative to the checkout."""
    files = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
    names = [path.relative_to(ROOT).as_posix() for path in files]
    texts = [path.read_text(encoding="utf-8") for path in files]
    return {n: ast.parse(text, filename=n) for n, text in zip(names, texts, strict=True)}


def sources(*, shipped: bool = True) -> Iterator[tuple[str, ast.Module]]:
    """Path, relative to the checkout, and tree of every file."""
    unshipped = tuple(f"{folder}/" for folder in NOT_SHIPPED)
    for name, tree in trees().items():
        if not (shipped and name.startswith(unshipped)):
            yield name, tree


@functools.cache
def imported(tree: ast.Module) -> set[str]:
    """Names of the modules that a file imports anywhere, each with its parents."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names | {name.split(".")[0] for name in names}


@functools.cache
def calls(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    """Every call with its function as text."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(ast.unparse(node.func), node) for node in found]


def option(call: ast.Call, name: str) -> str | None:
    """Source of a keyword argument; None when it is not given."""
    found = next((k.value for k in call.keywords if k.arg == name), None)
    return None if found is None else ast.unparse(found)


def test_nothing_can_unpickle() -> None:
    found = []
    for name, tree in sources(shipped=False):
        found += [f"{name}: import {module}" for module in imported(tree) & PICKLES]
        for function, call in calls(tree):
            is_numpy = function in ("np.load", "numpy.load")
            if is_numpy and option(call, "allow_pickle") not in (None, "False"):
                found.append(f"{name}:{call.lineno}: {function} that unpickles")
            if function == "torch.load" and option(call, "weights_only") != "True":
                found.append(f"{name}:{call.lineno}: torch.load without weights_only=True")
    assert found == []


def test_nothing_is_evaluated() -> None:
    names = {"eval", "exec", "compile", "__import__", "yaml.load", "ast.literal_eval"}
    found = [
        f"{name}:{call.lineno}: {function}"
        for name, tree in sources()
        for function, call in calls(tree)
        if function in names
    ]
    assert found == []


def test_no_socket_is_opened() -> None:
    found = []
    for name, tree in sources():
        forbidden = imported(tree) & SOCKETS - MAY_CONNECT.get(name, set())
        found += [f"{name}: import {module}" for module in forbidden]
    assert found == []


def test_the_machines_name_is_all_that_is_asked_of_a_socket_module() -> None:
    used = {
        ast.unparse(node)
        for _name, tree in sources()
        if "socket" in imported(tree)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "socket"
    }
    assert used <= {"socket.gethostname"}


def test_nothing_goes_through_a_shell() -> None:
    found = []
    for name, tree in sources(shipped=False):
        for function, call in calls(tree):
            if function in ("os.system", "os.popen", "subprocess.getoutput", "os.startfile"):
                found.append(f"{name}:{call.lineno}: {function}")
            if option(call, "shell") not in (None, "False"):
                found.append(f"{name}:{call.lineno}: shell=True")
    assert found == []


def test_only_the_installer_can_fetch() -> None:
    found = {name for name, tree in sources() if imported(tree) & FETCHERS}
    assert found <= MAY_FETCH


def test_nothing_is_fetched_without_the_consent_that_blender_asks_for() -> None:
    starters = [
        (name, text)
        for name, tree in sources()
        if name.startswith("cstalk_blender/ui/operators/")
        if "jobs import install" in (text := ast.unparse(tree)) or "jobs.install" in text
    ]
    assert [name for name, _text in starters] == ["cstalk_blender/ui/operators/runtime.py"]
    assert [name for name, text in starters if "bpy.app.online_access" not in text] == []


def test_the_worker_and_the_pipeline_cannot_reach_the_installer() -> None:
    found = [
        name
        for name, tree in sources()
        if name.startswith("model_runtime/") and "cstalk_blender" in imported(tree)
    ]
    assert found == []


@pytest.mark.fault("archives: nothing unpacks what could lead out of its folder")
def test_nothing_unpacks_archives_by_their_own_names() -> None:
    pattern = re.compile(r"(extractall|unpack_archive|\.extract)$")
    found = [
        f"{name}:{call.lineno}: {function}"
        for name, tree in sources()
        for function, call in calls(tree)
        if pattern.search(function)
    ]
    assert found == []


def test_the_tests_would_see_what_they_forbid() -> None:
    tree = ast.parse("import pickle, http.client\nfrom urllib import request\nnp.load(f)\n")
    assert {"pickle", "http"} <= imported(tree)
    assert "urllib.request" in imported(tree)
    assert [function for function, _call in calls(tree)] == ["np.load"]
