"""`python -m tests.docs`: writes every generated part of the documentation anew, and says which pages changed."""

from tests.docs import pages
from tests.docs.parts import PARTS


def main() -> None:
    changed = [page for page in pages.all_pages() if pages.renew(page, PARTS)]
    for page in changed:
        print(f"written: {page.relative_to(pages.ROOT)}")
    print(f"{len(changed)} of {len(pages.all_pages())} pages changed")


if __name__ == "__main__":
    main()
