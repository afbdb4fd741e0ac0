"""What a run has to say: measured on rows that training has not seen, and laid out for people."""
