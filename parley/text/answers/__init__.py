"""What callers answer to a question: yes, no, or something put right. Pure."""
