"""The staff from `staff.toml`, read again when the file changes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from activities.ports import Notice, Recipient
from centre.files import CentreFileError, Document, read
from centre.on_call import recipients
from centre.staff import Staff
from centre.staff_checks import errors
from domain.people import Colleague
from domain.sites import all_sites
from domain.values import Instant

log = structlog.get_logger(__name__)

Stamp = tuple[int, int, int] | None


def read_staff(file: Path, sites: Collection[str] | None = None) -> Staff:
    """Reads the staff from `file`. `sites` are the ids of the centre's sites, if known.

    Raises:
        CentreFileError: The file cannot be used; names the first error.
    """
    staff, faults = examine(read(file), sites)
    if faults:
        raise faults[0]
    return staff


def examine(document: Document, sites: Collection[str] | None = None) -> tuple[Staff, list[CentreFileError]]:
    """Reads the staff and finds all errors in the list as a whole.

    Raises:
        CentreFileError: It does not have the form of a staff list.
    """
    staff = document.read_as(Staff)
    return staff, [document.error(path, reason) for path, reason in errors(staff, sites)]


def zone_of(site: str | None) -> ZoneInfo:
    """The time zone of `site`; that of the centre's first site if the site is not known."""
    sites = {each.id: each for each in all_sites()}
    return ZoneInfo(sites.get(site or "", next(iter(sites.values()))).calendar.zone)


def site_ids() -> tuple[str, ...]:
    """The ids of the centre's sites."""
    return tuple(each.id for each in all_sites())


class StaffFile:
    """The roster for a worker's mail. A changed file is used without a restart.

    If a changed file cannot be used, the last good one stays in use. Then an error is logged for each notice and each
    notice says so, because it may go to the wrong people.
    """

    def __init__(
        self, file: Path, zone: Callable[[str | None], ZoneInfo] = zone_of, sites: Collection[str] | None = None
    ) -> None:
        """Reads the file.

        Args:
            zone: Gives the time zone of a site.
            sites: The ids of the centre's sites, if known.

        Raises:
            CentreFileError: The file cannot be used now.
        """
        self._file, self._zone, self._sites = file, zone, sites
        self._stamp = _stamp(file)
        self._staff = read_staff(file, sites)
        self._trouble: CentreFileError | None = None

    def current(self) -> Staff:
        """The staff in the file as it is now, or in the last version that could be used."""
        stamp = _stamp(self._file)  # before the file is read: a change during reading is seen the next time
        if stamp != self._stamp:
            self._stamp = stamp
            self._read_again()
        return self._staff

    def colleague(self, staff_id: str) -> Colleague | None:
        """As `domain.people.use_staff` wants it."""
        return self.current().colleague(staff_id)

    def recipients(self, notice: Notice, now: Instant) -> tuple[Recipient, ...]:
        """See `activities.ports.Roster`."""
        staff, zone = self.current(), self._zone(notice.site)
        found = recipients(staff, notice.to, notice.site, notice.channel, now, zone, notice.repeat, notice.person)
        if self._trouble is None:
            return found
        log.error("staff-file-unusable", reason=str(self._trouble), advice="correct it; the staff read before is used")
        note = f"The changed list of staff cannot be used ({self._trouble}). The one before is used: tell operations."
        return tuple(each.changed(note=note) for each in found)

    def _read_again(self) -> None:
        try:
            self._staff, self._trouble = read_staff(self._file, self._sites), None
        except CentreFileError as error:
            self._trouble = error
        else:
            log.info("staff-file-read-again", people=len(self._staff.people))


def _stamp(file: Path) -> Stamp:
    """A value that differs after the file has changed; None if there is no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
