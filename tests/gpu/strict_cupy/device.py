"""What goes between host and device, and what is launched: counted, and limited."""

import math
from contextlib import contextmanager


class Transferred(AssertionError):
    """Data went between host and device where that is forbidden."""


class Counts:
    """The launches, uploads and downloads inside a `with` block, and how many of the last two are allowed there."""

    def __init__(self, uploads, downloads):
        self.launches = self.uploads = self.downloads = 0
        self.limits = {"uploads": uploads, "downloads": downloads}


class Device:
    """The one device. Every synchronisation that code can fall into is a download, if only of a single number.

    `launches` counts the operations that launch a kernel; a few of CuPy's launch several.
    """

    def __init__(self):
        self.open = []

    def launch(self):
        """An operation runs on the device."""
        for counts in self.open:
            counts.launches += 1

    def upload(self, what):
        """Data comes from the host."""
        self._transfer("uploads", what)

    def download(self, what):
        """Data goes to the host, which waits for it."""
        self._transfer("downloads", what)

    @contextmanager
    def at_most(self, uploads=0, downloads=0):
        """Inside, one transfer more than these raises Transferred at its place. Gives the Counts."""
        counts = Counts(uploads, downloads)
        self.open.append(counts)
        try:
            yield counts
        finally:
            self.open.remove(counts)

    def counted(self):
        """The Counts of what happens inside, all of it allowed."""
        return self.at_most(math.inf, math.inf)

    def _transfer(self, kind, what):
        for counts in self.open:
            total = getattr(counts, kind) + 1
            setattr(counts, kind, total)
            if total > counts.limits[kind]:
                raise Transferred(f"{what}: number {total} of the {kind}, and {counts.limits[kind]} are allowed here.")


device = Device()
