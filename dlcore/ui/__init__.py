"""The Streamlit user interface: shell, panels, forms and live charts."""
