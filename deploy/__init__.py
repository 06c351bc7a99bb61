"""Everything needed to run Waybill somewhere."""
