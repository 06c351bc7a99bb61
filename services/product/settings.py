"""What the product service must be told to run."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Nothing beyond what every service is told.
    """
