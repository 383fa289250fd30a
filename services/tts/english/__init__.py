"""English as it is written, turned into English as it is said. Pure; knows no voice."""
