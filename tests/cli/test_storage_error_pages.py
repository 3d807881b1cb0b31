"""The examples on the pages of storage errors cause their errors."""

import re
from pathlib import Path

import pytest

import btql
from btql_storage.errors import StorageError

PAGES = sorted((Path(__file__).parents[2] / "docs" / "errors").glob("S*.md"))
EXAMPLES = {
    page.stem: found[1] for page in PAGES if (found := re.search(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
}


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_causes_its_error(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    btql.connect("./db").close()
    with pytest.raises(StorageError) as caught:
        exec(EXAMPLES[code], {"btql": btql})

    assert caught.value.code == code
