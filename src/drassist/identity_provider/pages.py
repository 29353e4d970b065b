"""The two pages of the development identity provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from string import Template
from urllib.parse import urlencode

from drassist.identity_provider.users import DevelopmentUser

__all__ = ["login_page", "refusal_page"]

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Dr. Assistant · sign in</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --ink:#16302b; --soft:#5d716c; --line:#d8e2df; --brand:#0f766e; --page:#f3f7f6; --card:#fff; }
@media (prefers-color-scheme: dark) { :root { --ink:#e4efec; --soft:#93aaa4; --line:#28403a; --brand:#2dd4bf; --page:#0e1a17; --card:#142520; } }
* { box-sizing:border-box } body { margin:0; font:16px/1.5 system-ui,sans-serif; color:var(--ink); background:var(--page); display:grid; place-items:center; min-height:100vh; padding:24px }
main { background:var(--card); border:1px solid var(--line); border-radius:16px; padding:32px; width:100%; max-width:460px; box-shadow:0 10px 40px #0f766e14 }
h1 { font-size:20px; margin:0 0 4px } p { color:var(--soft); margin:0 0 20px; font-size:14px }
label.user { display:flex; gap:12px; align-items:center; padding:10px 12px; border:1px solid var(--line); border-radius:10px; margin:0 0 8px; cursor:pointer }
label.user:has(:checked) { border-color:var(--brand); box-shadow:0 0 0 1px var(--brand) }
label.user b { display:block; font-weight:600 } label.user span { color:var(--soft); font-size:13px }
input[type=password] { width:100%; padding:10px 12px; font:inherit; border:1px solid var(--line); border-radius:10px; margin:8px 0 16px; background:transparent; color:inherit }
button { width:100%; padding:12px; border:0; border-radius:10px; background:var(--brand); color:#fff; font:600 16px system-ui; cursor:pointer }
.wrong { color:#b42318; font-size:14px } .note { font-size:12px; margin:16px 0 0 }
</style></head><body><main>$body</main></body></html>""")


def login_page(
    fields: Mapping[str, str], users: Iterable[DevelopmentUser], *, wrong: bool = False
) -> str:
    """Return the form that posts back to the same authorization request."""
    rows = "".join(
        f'<label class="user"><input type="radio" name="username" value="{escape(user.username)}"'
        f"{' checked' if number == 0 else ''}><div><b>{escape(user.name)}</b>"
        f"<span>{escape(user.role.replace('_', ' '))}: {escape(user.what)}</span></div></label>"
        for number, user in enumerate(users)
    )
    complaint = '<p class="wrong" role="alert">That is not the password.</p>' if wrong else ""
    body = (
        "<h1>Sign in to Dr. Assistant</h1><p>Development identity provider. Choose who you are."
        f'</p><form method="post" action="?{escape(urlencode(fields))}">{rows}{complaint}'
        '<input type="password" name="password" placeholder="Development password" '
        'aria-label="Development password" autocomplete="current-password" required>'
        "<button>Continue</button></form>"
        '<p class="note">The password was printed when the server started.</p>'
    )
    return _PAGE.substitute(body=body)


def refusal_page(code: str, description: str) -> str:
    """Return a page that says why an authorization request cannot go on."""
    return _PAGE.substitute(body=f"<h1>{escape(code)}</h1><p>{escape(description)}</p>")
