"""The softphone page: plain modules, no build. `services.gateway.doors.page_files` serves them."""
