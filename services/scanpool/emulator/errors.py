"""What the API refuses, as status and error text. The texts marked assumed are not known from a server."""

NOT_FOUND = "The requested file was not found"
LOG_IN_FIRST = "You need to log in to perform this request"
INVALID_CREDENTIALS = "Invalid Credentials"
WRONG_METHOD = "The requested method is not allowed for this URL"
NO_SCAN_API = "API is not available"


class ApiError(Exception):
    """The request is answered with an HTTP status and `{"error": text}`."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text


def not_found() -> ApiError:
    """There is no such thing under this URL."""
    return ApiError(404, NOT_FOUND)


def conflict(text: str) -> ApiError:
    """The scan's status does not allow what was asked; the texts are assumed."""
    return ApiError(409, text)


def forbidden(text: str) -> ApiError:
    """It may not be done; the texts are assumed."""
    return ApiError(403, text)


class TooManyError(Exception):
    """The request is answered 429: as much is under way as may be."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"429, {retry_after_s} s")
        self.retry_after_s = retry_after_s
