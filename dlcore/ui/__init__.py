"""The face of the workbench: the shell, the five panels, forms and live charts. The only package that imports streamlit."""
