"""The tests. Whatever starts here knows the policies of the example centre."""

from centre.loading import load

load()
