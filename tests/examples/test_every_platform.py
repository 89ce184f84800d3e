"""exploration 2"""

import json
from pathlib import Path

import pytest

from platforms import configured
from tests.examples import people
from tests.examples.conftest import Played
from tests.examples.shown import SHOWN


@pytest.mark.timeout(900)
async def test_x(played: Played):
    w = played.world
    print("AGAIN", played.again)
    for k, n in sorted(played.heard.items()):
        print(n, k)
    Path("/tmp/books.json").write_text(json.dumps({v: await w.books(v) for v in configured()}, indent=1))
    names = {await people.referral_of(w, v): v for v in people.VERDICTS}
    for k, (v, f) in SHOWN.items():
        try:
            print(k, sorted((names[r], s) for r, s in f(await w.books(v))))
        except Exception as e:
            print(k, repr(e))
    rows = await w.sql("select effect,platform,status,reason,count(*) n from effects group by 1,2,3,4 order by 1,2")
    for r in rows:
        print(tuple(r))
    print([(m["text"][:90]) for m in (await w.books("slack"))["messages"] if "needs a person" not in m["text"]])
    print([tuple(r) for r in await w.sql("select * from strays")])
