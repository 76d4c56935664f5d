"""Ask for a changelog fragment when code that users run has changed since the main branch."""

import subprocess
import sys


def changed(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.split()


def main() -> int:
    base = changed("merge-base", "HEAD", "origin/main")
    paths = changed("diff", "--name-only", base[0] if base else "HEAD") + changed(
        "ls-files", "--others", "--exclude-standard"
    )
    code = [path for path in paths if path.startswith(("pixelrl/", "tasks/"))]
    told = [path for path in paths if path.startswith("changelog.d/") and path.endswith(".md")]
    if code and not told:
        print(
            "code that users run has changed; add changelog.d/NAME.added.md (or .changed, .fixed)"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
