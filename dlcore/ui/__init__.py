"""The workbench's face: shell, panels, forms and live charts. The only package that imports streamlit."""
