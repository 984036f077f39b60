"""The whole command line: every command, registered in the order in which help lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from scanpool.cli import configuration, events, pools, processes, results, scan, schema, status, topology, validate
from scanpool.cli.exits import ExitCode
from scanpool.cli.invocation import Invocation, with_options_of_every_command
from scanpool.cli.program import Program
