"""`python -m tests.docs`: writes every generated part of the documentation anew, and says which files changed."""

from tests.docs import pages
from tests.docs.parts import PARTS
from tests.docs.pictures import redraw


def main() -> None:
    changed = [page for page in pages.all_pages() if pages.renew(page, PARTS)] + redraw()
    for path in changed:
        print(f"written: {path.relative_to(pages.ROOT)}")
    if not changed:
        print("everything was up to date")


if __name__ == "__main__":
    main()
