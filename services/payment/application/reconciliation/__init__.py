"""Use cases of reconciliation: the PSP's reports, matched with the books."""
