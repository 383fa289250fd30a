"""The pages: plain modules, no build. The gateway serves the softphone, backoffice the console (`admin/`)."""
