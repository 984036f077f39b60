"""Codes of orders to pause or resume a scan that a poller refused, or whose outcome it does not know."""

from scanpool_schemas.codes.code import Code

ORDERS = (
    Code(
        "order_invalid",
        "The order's body is no valid order; the message names the field and what is wrong with it.",
        'Send JSON such as `{"by":"alice","reason":"the network is busy"}`, or nothing.',
        ("poller",),
        ("answer",),
    ),
    Code(
        "scan_not_started",
        "The scan does not run yet: it is queued or being launched.",
        "Wait until it runs; to keep waiting scans back, use `scanpool pause` for the pool.",
        ("poller",),
        ("answer",),
    ),
    Code(
        "scan_is_stopping",
        "The scan is being stopped, and does not go on.",
        "Nothing: see it through with `scanpool status`.",
        ("poller",),
        ("answer",),
    ),
    Code(
        "scan_is_over",
        "Nothing of the scan runs on its scanner any more.",
        "Look at how it ended with `scanpool status`.",
        ("poller",),
        ("answer",),
    ),
    Code(
        "scanner_not_configured",
        "The scan's scanner is not in the configuration of the poller that answered.",
        "Put it back into scanners.yaml, or correct the poller's file; a scan that runs on it waits for that too.",
        ("poller",),
        ("answer",),
    ),
)
