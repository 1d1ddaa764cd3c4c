"""One module a page: what it shows, from one snapshot and what the address says."""
