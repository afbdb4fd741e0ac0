"""Tables: what is read from files, frames and arrays, column by column."""
