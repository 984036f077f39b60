"""What a caller may scan, and with what."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class CheckedTarget(BaseModel):
    """A target by itself."""

    target: str
    allowed: bool
    rule: str = Field(description="the entry of the policy that decided")
    addresses: int = Field(description="0 where that is not known")
    reason: str | None = None


class CheckedTargets(BaseModel):
    """What would be said of a scan of the targets; nothing was started."""

    scanner_pool: str
    decision: Literal["allowed", "denied", "needs_confirmation"] = Field(description="of a safe scan of them together")
    reason: str | None = None
    targets: list[CheckedTarget]
    addresses: int
    estimated_duration_s: int | None = Field(default=None, description="median of the pool's last completed scans")
    next: str


class CredentialInfo(BaseModel):
    """A credential; its value is never told."""

    id: str
    kind: str
    label: str | None = None
    scanner_pools: list[str]
    allowed_targets: list[str] = Field(description="empty: all that your policy allows")


class CredentialList(BaseModel):
    """Credentials that run_authenticated_scan may name."""

    credentials: list[CredentialInfo]
    total: int


class PoolPolicy(BaseModel):
    """What you may ask of a pool."""

    scanner_pool: str
    networks: list[str]
    exclude: list[str] = Field(description="never, whatever networks say")
    credentials: list[str] = Field(description="what list_credentials tells of")
    intensity: str = Field(description="the most")
    max_hosts: int = Field(description="addresses in one scan")
    confirm_above_hosts: int | None = Field(default=None, description="a larger scan waits for a person")
    confirm_intrusive: bool
    max_concurrent: int
    scans_per_hour: int


class OwnPolicy(BaseModel):
    """What you may scan; what is not here is denied."""

    pools: list[PoolPolicy]
    next: str
