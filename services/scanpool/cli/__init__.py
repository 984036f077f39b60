"""`scanpool …`: the command line. It alone composes services (`run`, `up`, `demo`)."""


def main() -> None:
    """Run the command line that the process was started with, and end the process."""
    from scanpool.cli.app import app

    app(prog_name="scanpool")
