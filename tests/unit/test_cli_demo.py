"""What the demonstration says at its end."""

from __future__ import annotations

import io

from rich.console import Console

from scanpool.cli.demo.show import print_further, print_how_to_keep

URL = "nats://127.0.0.1:4299"


def a_console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=80), out


def test_while_it_keeps_running_it_names_where_nats_is() -> None:
    console, out = a_console()
    print_further(console, URL, scan_id="one")
    assert "Everything keeps running until Ctrl-C" in out.getvalue()
    assert f"export SCANPOOL_NATS_URL={URL}\n" in out.getvalue()
    assert "scanpool results one\n" in out.getvalue()


def test_it_names_where_agents_find_it_where_they_can() -> None:
    console, out = a_console()
    print_further(console, URL, scan_id="one")
    assert "gents" not in out.getvalue()
    print_further(console, URL, scan_id="one", bridge_url="http://127.0.0.1:8765/mcp")
    assert "claude mcp add --transport http scanpool http://127.0.0.1:8765/mcp\n" in out.getvalue()


def test_a_run_that_is_over_names_no_server_that_is_gone() -> None:
    console, out = a_console()
    print_how_to_keep(console)
    assert "`scanpool demo --keep`" in out.getvalue()
    assert "nats://" not in out.getvalue()
