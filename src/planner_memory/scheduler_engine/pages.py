"""The pages that a person sees in the browser when a calendar was connected, or was not. They load nothing and hold no secret."""

from html import escape
from string import Template

# nothing may be loaded, framed or sent on; the address of the page holds the vendor's code
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_MARKS = {
    "done": '<path d="M20 33.5 28.5 42 45 24.5"/>',
    "stopped": '<path d="M23 23 42 42M42 23 23 42"/>',
}
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title · planner-memory</title>
<style>
  :root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #fff; --ground: #eef1f5; --line: #dfe4ea;
          --done: #1f7a4d; --stopped: #b3452f; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e8ecf1; --soft: #9aa6b5; --paper: #1b2129; --ground: #12161c; --line: #2c3541; --done: #5cc894; --stopped: #ef8a72; }
  }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink);
         font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
  main { width: min(30rem, 100%); background: var(--paper); border: 1px solid var(--line); border-radius: 1rem; padding: 2.5rem 2.25rem 1.5rem; }
  svg { width: 4rem; height: 4rem; display: block; fill: none; stroke: var(--$mark); stroke-width: 3.5; stroke-linecap: round;
        stroke-linejoin: round; }
  circle { opacity: .3; }
  h1 { font-size: 1.5rem; line-height: 1.25; margin: 1.1rem 0 .5rem; letter-spacing: -.01em; }
  p { margin: 0 0 .9rem; overflow-wrap: anywhere; }
  ul { margin: 0 0 .9rem; padding-left: 1.2rem; }
  code { font: .92em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
  footer { border-top: 1px solid var(--line); margin-top: 1.6rem; padding-top: .9rem; color: var(--soft); font-size: .875rem; }
</style>
</head>
<body>
<main>
<svg viewBox="0 0 65 65" aria-hidden="true"><circle cx="32.5" cy="32.5" r="29"/>$drawing</svg>
<h1>$title</h1>
$content
<footer>planner-memory</footer>
</main>
</body>
</html>
""")


def connected(missing: list[str], ends_on: str | None) -> str:
    """`missing` are permissions that were left out but can be done without; `ends_on` is the day on which the vendor ends the connection."""
    parts = ["<p>Your calendar is connected. Planned blocks go into a calendar of their own, and your other events are only read.</p>"]
    if missing:
        lines = "".join(f"<li>{escape(each)}</li>" for each in missing)
        parts.append(f"<p>You left these permissions out, so planner-memory does without:</p><ul>{lines}</ul>")
    if ends_on:
        parts.append(
            f"<p>Google ends this connection on {escape(ends_on)}, because the application is in testing. Publish it to keep it connected.</p>"
        )
    parts.append("<p>You can close this window.</p>")
    return _page("Calendar connected", "done", "\n".join(parts))


def stopped(title: str, detail: str) -> str:
    return _page(title, "stopped", f"<p>{_with_code(detail)}</p>\n<p>Nothing in your calendar was changed.</p>")


def _page(title: str, mark: str, content: str) -> str:
    return _PAGE.substitute(title=escape(title), mark=mark, drawing=_MARKS[mark], content=content)


def _with_code(text: str) -> str:
    """Escaped; what stands between backquotes is set as code."""
    return "".join(f"<code>{escape(part)}</code>" if n % 2 else escape(part) for n, part in enumerate(text.split("`")))
