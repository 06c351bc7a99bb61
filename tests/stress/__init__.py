"""The event backbone under faults: processes die and freeze, servers fall, nothing is lost."""
