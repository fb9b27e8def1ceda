"""Readers of tabular files: CSV and its relatives, JSON, Excel and Parquet, as text cells."""
