"""exploration"""
import asyncio, json, time
from collections import Counter
from pathlib import Path
import pytest
from temporalio.client import Client
from models.upkeep import UpkeepRun
from models.journey import WORKFLOW_QUEUE
from platforms import configured
from starter.set_up import set_up
from tests.world import World, until, world, PHONE
import re

ROOT = Path(__file__).parents[2] / "examples/every-platform"
ADA="ada@engines.example"; EVE="eve@looms.example"
VENDORS=["trello","airtable","notion","zendesk","pipedrive","zoho","dynamics","salesforce","hubspot"]
def friend(v): return f"bo@{v}-friends.example"

async def test_x(temporal, database_url):
    t0=time.time()
    def say(*a): print(f"{time.time()-t0:6.1f}",*a,flush=True)
    async with world(temporal, database_url, scale=20000, program=ROOT/"program.yaml", playbooks=ROOT/"playbooks") as w:
        done = await set_up(w.engine, temporal, configured())
        say(done["scheduled"])
        async def marked(): return len(await w.sql("select 1 from marks")) >= len(done["scheduled"])
        try: await until(marked,"no marks", 40)
        except AssertionError: say(await w.sql("select name from marks"))
        say("marks")
        for e,f in ((ADA,"Ada"),(EVE,"Eve")):
            await w.move("hubspot","contact",email=e,properties={"firstname":f,"lastname":"L","phone":"+1202555019"+str(len(f+e)%10)})
            await w.move("intercom","sign_up",email=e,role="user")
        await w.move("delighted","answer",email=ADA,score=10)
        await w.move("wootric","answer",email=EVE,score=9)
        async def two(): return len(await w.effects(effect="send_gift",status="done"))==2
        await until(two,"gifts",30)
        say("gifts")
        page=str(w.app.state.gateway.links.hub(await w.contact_id(ADA)))
        html=(await w.http.get(page,headers=PHONE)).text
        code=re.search(r"/r/([\w-]+)",html)[1]
        for n,v in enumerate(VENDORS):
            await w.report("referral.submitted",f"email:{friend(v)}",f"s-{v}",referral_code=code,person={"first_name":"Bo","last_name":v.title(),"company":f"{v} ltd","phone":f"+1202555010{n}"})
        async def quiet():
            rows=await w.sql("select count(*) n from effects where status not in ('done','withheld')")
            return rows
        for _ in range(60):
            await asyncio.sleep(1)
            rows=await w.sql("select status,count(*) n from effects group by 1")
            say([tuple(r) for r in rows])
            d=dict(tuple(r) for r in rows)
            if d.get("done",0)>=9*19+10: break
        rows=await w.sql("select effect,platform,status,reason,count(*) n from effects group by 1,2,3,4 order by 1,2")
        for r in rows: print(tuple(r))
        print(Counter((r.source,r.type) for r in await w.sql("select source,type from inbox")))
        print([tuple(r) for r in await w.sql("select * from strays")])
        print(Counter((d["platform"],d["status"]) for d in (await w.http.get(w.sandbox+"/webhooks")).json()))
        print([d for d in (await w.http.get(w.sandbox+"/webhooks")).json() if d["status"] not in (200,202,204)][:5])
        say("end")
