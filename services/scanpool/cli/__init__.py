"""`scanpool …`: the command line. It alone composes services.

`app` lists the commands; `everything` has `demo` and `up`. Commands lie in the rooms of those who use them (`scans`,
`results`, `operators`, `setup`, `running`, `doctor`), stand in `frame`, and show what they found with `views`.
"""


def main() -> None:
    """Run the command line that the process was started with, and end the process."""
    from scanpool.cli.app import app

    app(prog_name="scanpool")
