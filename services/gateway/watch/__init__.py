"""Who looks on: time line, waterfall, subtitles."""
