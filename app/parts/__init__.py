"""What pages are put together of: text, tables, legends, messages, rows of figures."""
