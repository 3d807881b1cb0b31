"""What the runner of guides takes for a block, for output, and for a failure."""

import pytest
from guides import running
from guides.running import IPython, Python, Shell, blocks_of, matches, run_guide

PAGE = """# A guide

```sh
export WORD=hello; mkdir -p inside; cd inside
```

<!-- not run: it waits for ever -->
```sh
sleep infinity
```

```sh
echo $WORD; basename $PWD
```

```text
hello
inside
```

Words between.

```python
x = 40
x + 2
```

```text
42
```
"""


@pytest.fixture
def guides(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "GUIDES", tmp_path)
    return tmp_path


def test_blocks_run_in_order_and_share_what_they_set(guides):
    (guides / "page.md").write_text(PAGE, encoding="utf-8")
    run_guide("page.md", {"sh": Shell(guides), "python": Python()})


def test_a_block_that_prints_something_else_fails_and_can_be_written_anew(guides):
    page = guides / "page.md"
    page.write_text(PAGE.replace("42", "41").replace("hello\n", "hallo\n"), encoding="utf-8")
    runners = {"sh": Shell(guides), "python": Python()}
    with pytest.raises(AssertionError, match=r"docs/guides/page\.md:12 prints\nhello"):
        run_guide("page.md", runners)
    run_guide("page.md", {"sh": Shell(guides), "python": Python()}, update=True)

    assert page.read_text(encoding="utf-8") == PAGE


def test_a_block_that_fails_or_has_no_runner_fails_the_guide(guides):
    (guides / "page.md").write_text("```sh\ntrue; false\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="ends with 1"):
        run_guide("page.md", {"sh": Shell(guides)})
    with pytest.raises(AssertionError, match="no runner for `sh`"):
        run_guide("page.md", {})
    with pytest.raises(ZeroDivisionError):
        IPython()("1 / 0")


def test_addresses_of_the_guide_are_replaced_both_ways(guides):
    (guides / "page.md").write_text("```echo\nsee host:8000\n```\n\n```text\nsee host:8000\n```\n", encoding="utf-8")
    seen = []

    def echo(text):
        seen.append(text)
        return text

    run_guide("page.md", {"echo": echo}, replace={"host:8000": "127.0.0.1:41234"})

    assert seen == ["see 127.0.0.1:41234\n"]


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a\nb\n", "a  \nb", True),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\nd\n", "a\nd\n", True),
        ("took ... s\n", "took 0.3 s\n", True),
        ("a\n...\n", "b\nc\n", False),
        ("a.c\n", "abc\n", False),
        ("a\n", "a\nb\n", False),
    ],
)
def test_dots_stand_for_anything(expected, printed, same):
    assert matches(expected, printed) is same


def test_a_shell_of_ipython_keeps_its_names():
    shell = IPython(y=1)
    shell("x = y + 1")

    assert shell("print('seen')\nx") == "seen\n2\n"
    assert [block.language for block in blocks_of(PAGE)] == ["sh", "sh", "python"]
