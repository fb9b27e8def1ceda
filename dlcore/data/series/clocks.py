"""Clocks: how the times of a file are read (day or month first, time zone), and how they are displayed."""

import re
import zoneinfo
from dataclasses import dataclass, replace
from datetime import timedelta, timezone

import numpy as np
import pandas as pd

from dlcore.core.errors import ConfigError
from dlcore.data.series.date_formats import NAT

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
_ABBREVIATIONS = {
    0: "z utc gmt wet",
    60: "west bst cet mez",
    120: "cest mesz eet",
    180: "eest msk",
    540: "jst",
    600: "aest",
    660: "aedt",
    -240: "edt",
    -300: "est cdt",
    -360: "cst mdt",
    -420: "mst pdt",
    -480: "pst",
}
ABBREVIATIONS = {name: minutes for minutes, names in _ABBREVIATIONS.items() for name in names.split()}
"""Zone abbreviations: minutes east of UTC."""
CANDIDATES = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Athens",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Halifax",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "America/Santiago",
)
"""Zones with different clock changes: a file is compared with each."""
_OFFSET = re.compile(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)


@dataclass(frozen=True)
class Clock:
    """How times are written: `day_first` (None if no cell needs it), and the zone.

    `zone` is an IANA name, `UTC`, an offset such as `+02:00`, `+01:00/+02:00` where it changes, or empty if unknown;
    times without a zone are stored as if they were UTC. `changes` holds (epoch milliseconds, offset in minutes) from
    which on each offset applies.
    """

    day_first: bool | None = None
    zone: str = ""
    changes: tuple[tuple[int, int], ...] = ()

    def format(self, milliseconds: int) -> str:
        """Format epoch milliseconds as ISO 8601: local time with its offset if the zone is known."""
        if not self.zone:
            text = str(np.datetime64(int(milliseconds), "ms"))
            return text.removesuffix(".000")
        stamp = pd.Timestamp(int(milliseconds), unit="ms", tz="UTC")
        if is_zone(self.zone):
            return str(stamp.tz_convert(self.zone).isoformat())
        offsets = [minutes for start, minutes in self.changes if start <= milliseconds]
        minutes = offsets[-1] if offsets else self.changes[0][1]
        return str(stamp.tz_convert(timezone(timedelta(minutes=minutes))).isoformat())

    def to_utc(self, local: np.ndarray) -> np.ndarray:
        """Convert local microseconds (N,) to UTC; a repeated hour is its first occurrence, a skipped one shifts."""
        if not self.zone or self.zone == "UTC":
            return local
        if is_zone(self.zone):
            stamps = pd.DatetimeIndex(local.astype("datetime64[us]"))
            zoned = stamps.tz_localize(self.zone, ambiguous=np.ones(len(stamps), bool), nonexistent="shift_forward")
            return zoned.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
        starts = np.array([start * 1000 + minutes * MINUTE_US for start, minutes in self.changes])
        at = np.maximum(np.searchsorted(starts, local, side="right") - 1, 0)
        return local - np.array([minutes for _, minutes in self.changes])[at] * MINUTE_US

    def with_offsets(self, utc: np.ndarray, offsets: np.ndarray) -> "Clock":
        """Return the clock of UTC microseconds (N,) whose cells had these offsets in minutes (N,)."""
        order = np.argsort(utc, kind="stable")
        utc, offsets = utc[order], offsets[order]
        starts = np.r_[True, np.diff(offsets) != 0] if len(offsets) else np.zeros(0, bool)
        changes = tuple((int(t) // 1000, int(m)) for t, m in zip(utc[starts], offsets[starts], strict=True))
        names = sorted({format_offset(minutes) for _, minutes in changes})
        return replace(self, zone="UTC" if names == ["+00:00"] else "/".join(names[:4]), changes=changes)


def format_offset(minutes: int) -> str:
    """Format an offset in minutes: `+02:00`."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def parse_offset(zone: str) -> int | None:
    """Parse `Z`, `+02:00` or `CEST` to minutes east of UTC; None for anything else."""
    first = zone.split(" ")[0].lower()
    offset = _OFFSET.fullmatch(first)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return minutes if offset[1] == "+" else -minutes
    return ABBREVIATIONS.get(first)


def is_zone(name: str) -> bool:
    """Return whether a name is an IANA time zone."""
    if name == "UTC":
        return True
    if not re.fullmatch(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}", name):
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def require_zone(name: str) -> str:
    """Return the name if it is an IANA time zone.

    Raises:
        ConfigError: There is no such zone.
    """
    if not is_zone(name):
        raise ConfigError(f"--repair time_zone={name[:40]}: no such time zone; write one as Europe/Berlin, or as_is.")
    return name


def localize(local: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Convert local microseconds (N,) in file order to UTC, NAT where no such time exists.

    Of a time that comes twice where the clocks go back, the first is daylight-saving time (the last one in a file with
    the newest first). Returns the times and whether each lies in a repeated hour (N,).
    """
    known = local != NAT
    stamps = pd.DatetimeIndex(np.where(known, local, 0).astype("datetime64[us]"))
    zoned = [
        stamps.tz_localize(zone, ambiguous=np.full(len(stamps), is_dst), nonexistent="NaT")
        .tz_convert("UTC")
        .tz_localize(None)
        .to_numpy()
        .astype("datetime64[us]")
        for is_dst in (True, False)
    ]
    repeated = (zoned[0] != zoned[1]) & ~np.isnat(zoned[0])
    order = local[::-1] if _is_descending(local[known]) else local
    count = pd.Series(order).groupby(order).cumcount().to_numpy()
    count = count[::-1] if order is not local else count
    utc = np.where(repeated & (count > 0), zoned[1], zoned[0])
    result = np.where(np.isnat(utc) | ~known, NAT, utc.astype(np.int64))
    return result, repeated


def find_zones(local: np.ndarray) -> tuple[str, ...]:
    """Return the zones whose clock changes explain the hours that are skipped or come twice in local times (N,)."""
    ordered = local[local != NAT]
    if len(ordered) < 3:
        return ()
    ordered = ordered[::-1] if _is_descending(ordered) else ordered
    steps = np.diff(ordered)
    step = np.median(steps)
    skips = np.flatnonzero(np.abs(steps - step - HOUR_US) < step / 2) if step <= HOUR_US * 6 else np.zeros(0, int)
    returns = np.flatnonzero((steps <= 0) & (steps >= -HOUR_US))
    is_shuffled = (steps < -HOUR_US).sum() > len(steps) / 100
    if is_shuffled or not len(skips) + len(returns) or step <= 0 or step > HOUR_US * 6:
        return ()
    return tuple(zone for zone in CANDIDATES if _explains(ordered, skips, returns, zone))


def _explains(ordered: np.ndarray, skips: np.ndarray, returns: np.ndarray, zone: str) -> bool:
    """Whether the zone removes at least one skip or return, and every time exists in it."""
    utc, _ = localize(ordered, zone)
    if (utc == NAT).any():
        return False
    steps = np.diff(utc)
    usual = np.median(steps)
    fixed = np.abs(steps[np.r_[skips, returns].astype(int)] - usual) < usual / 2
    return bool(fixed.any())


def _is_descending(local: np.ndarray) -> bool:
    return len(local) > 1 and bool((np.diff(local) < 0).mean() > 0.5)
