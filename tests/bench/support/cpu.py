"""CPU time of processes, which a busy machine distorts less than the time on the clock."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
MIB = 1024 * 1024


def cpu_s(pid: int) -> float:
    """User and system CPU seconds of a process and its threads so far."""
    if pid == os.getpid():
        return time.process_time()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def peak_mib(pid: int) -> float:
    """The most memory that a process has held so far."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / MIB


@dataclass(frozen=True)
class Cost:
    """What a stretch of work took."""

    wall_s: float
    cpu_s: dict[str, float]
    """By the name of the process."""

    @property
    def total_s(self) -> float:
        return sum(self.cpu_s.values())


class Meter:
    """Measures named processes from when it is made."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids
        self._before = {name: cpu_s(pid) for name, pid in pids.items()}
        self._began = time.monotonic()

    def read(self) -> Cost:
        """What was used so far."""
        spent = {name: round(cpu_s(pid) - self._before[name], 3) for name, pid in self._pids.items()}
        return Cost(wall_s=time.monotonic() - self._began, cpu_s=spent)
