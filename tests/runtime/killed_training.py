"""Trains in a child that is killed again and again, at random moments, until one run gets through.

``python killed_training.py CONFIG OUTPUT KILLS SEED`` prints how many children died. The children
are forks, so that the imports are paid once.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from model_runtime.training.cli import main
from model_runtime.training.stages.generator import train_generator  # noqa: F401 - imports it all

PATIENCE_S = 600.0


def train(config: str, output: str) -> int:
    """Run to the end in a child; its process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = main(["generator", "--config", config, "--output", output])
        finally:
            os._exit(status)
    return child


def first_save_s(state: Path, child: int) -> None:
    """Wait for the first state, so that every kill hits a run with something to lose."""
    give_up = time.monotonic() + PATIENCE_S
    while not state.is_file() and time.monotonic() < give_up:
        if os.waitpid(child, os.WNOHANG)[0]:
            raise SystemExit("the run ended before it saved anything")
        time.sleep(0.001)


def run(config: str, output: str, kills: int, seed: int) -> int:
    """Kill ``kills`` runs, let the next one end; how many really died by the signal."""
    chance, died = random.Random(seed), 0
    state = Path(config).parent / "work" / "runs" / Path(output).name / "state.safetensors"
    for _ in range(kills):
        child = train(config, output)
        first_save_s(state, child)
        time.sleep(chance.uniform(0.0, 0.25))
        os.kill(child, signal.SIGKILL)
        died += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    _, status = os.waitpid(train(config, output), 0)
    if status:
        raise SystemExit(f"the last run failed: {status}")
    return died


if __name__ == "__main__":
    sys.stdout.write(str(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
