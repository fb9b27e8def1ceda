"""The curves component."""
