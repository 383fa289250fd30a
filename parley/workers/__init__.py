"""Worker processes of a service: started, listened to, started again when they die."""
