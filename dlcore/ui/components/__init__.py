"""Custom Streamlit components with their browser code."""
