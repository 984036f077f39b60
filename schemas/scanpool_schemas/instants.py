"""Points in time, as events and keys carry them: always with a timezone."""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""RFC 3339; one without a timezone is refused."""
