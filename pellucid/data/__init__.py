"""From anything with columns to arrays that a network learns from.

``table`` reads CSV and Parquet files, data frames and arrays into a :class:`~pellucid.data.tables.table.Table`;
``roles`` decides what each column is for, and ``task`` what is to be learned;
``dataset`` holds the arrays of examples, splits them and weighs them.
"""
