"""Sign-in on a shared server, through Streamlit's OpenID Connect (`[auth]` in `.streamlit/secrets.toml`)."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dlcore.core import access, shared_server
from dlcore.core.markdown import as_text


def prepare() -> None:
    """Let the pages act for the person who signed in to the session of the running script."""
    if access.is_shared():
        shared_server.load()  # fail at the start of the server, not at the first visit
        access.use_sessions(signed_in)


def signed_in() -> str:
    """Return the name of the person signed in to this session; "" for no one, and outside a session."""
    if get_script_run_ctx(suppress_warning=True) is None or not st.user.get("is_logged_in"):
        return ""
    if st.user.get("email_verified") is False and shared_server.load().claim == "email":
        return ""
    name = st.user.get(shared_server.load().claim)
    return name if isinstance(name, str) else ""


def is_administrator() -> bool:
    """Return whether the page Administration is in the menu."""
    return access.is_shared() and shared_server.is_administrator()


def require() -> bool:
    """Return whether the script may draw pages; if no one is signed in, draw the sign-in instead."""
    if not access.is_shared() or access.current().name or access.current().sees_all:
        return True
    st.title("Sign in", anchor=False)
    if st.user.get("is_logged_in"):
        claim = shared_server.load().claim
        st.error(f"Your account has no verified {claim}: ask the administrator.", icon=":material/error:")
        st.button("Sign out", on_click=st.logout)
        return False
    if not _is_configured():
        st.error(
            "Sign-in is not configured: add \\[auth\\] to .streamlit/secrets.toml (docs/deployment.md).",
            icon=":material/error:",
        )
        return False
    st.markdown("This workbench is shared. Each person sees their own runs and those that others share.")
    st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
    return False


def _is_configured() -> bool:
    try:
        return bool(st.secrets.get("auth"))
    except FileNotFoundError:
        return False


def show_person() -> None:
    """Draw who is signed in, and the button that ends the session."""
    if access.is_shared():
        with st.popover(as_text(access.current().name), icon=":material/person:", key="person", type="tertiary"):
            st.button("Sign out", icon=":material/logout:", on_click=st.logout)
