"""exploration"""
import asyncio, json, time
from collections import Counter
from pathlib import Path
import pytest
from models.upkeep import UpkeepRun
from models.journey import WORKFLOW_QUEUE
from platforms import configured
from starter.set_up import set_up
from tests.world import World, until, world, PHONE
from tests.examples.people import *

ROOT = Path(__file__).parents[2] / "examples/every-platform"

async def test_x(temporal, database_url):
    t0=time.time()
    def say(*a): print(f"{time.time()-t0:6.1f}",*a,flush=True)
    async with world(temporal, database_url, scale=40000, program=ROOT/"program.yaml", playbooks=ROOT/"playbooks") as w:
      try:
        done = await set_up(w.engine, temporal, configured())
        async def marked(): return len(await w.sql("select 1 from marks")) >= len(done["scheduled"])
        await until(marked,"no marks", 40)
        say("marks")
        await advocates_answer(w)
        await settled(w)
        say("advocates")
        await friends_write(w)
        await asyncio.sleep(2)
        await settled(w)
        say("friends")
        await colleagues_decide(w)
        say("decided")
        await settled(w)
        say("settled")
        for e in (ADA,EVE):
            [g]=[g for g in await w.effects(effect="send_gift") if g.contact_id==await w.contact_id(e)]
            await w.move("boxli","ship",external_reference=g.key)
            await w.move("boxli","deliver",external_reference=g.key)
            if e==ADA: await w.move("boxli","scan",external_reference=g.key)
        await w.move("sendspark","view",contactEmail=ADA)
        await w.move("docusign","sign")
        [acc]=(await w.books("stripe"))["accounts"].keys()
        await w.move("stripe","onboard",account=acc)
        r=await referral_of(w,"salesforce")
        await w.move("dropbox","upload",referral=r)
        await w.move("asana","complete",effect=f"{r}/lead/assign@asana")
        await w.move("dynamics","complete",key=f"{r}/lead/assign@dynamics")
        await w.move("zendesk","ask",email=EVE)
        await settled(w)
        say("acts")
        async def paid(): return len(await w.effects(effect="pay_reward",status="done"))==5
        await until(paid,"not paid",60)
        await settled(w)
        say("paid")
        await everybody_leaves(w)
        say("left")
        await settled(w)
        before=Counter(await inbox(w))
        for job in done["scheduled"]:
            _,p,n=job.split("/")
            print(job, await temporal.execute_workflow("PlatformUpkeep",UpkeepRun(platform=p,name=n),id=f"again/{p}/{n}",task_queue=WORKFLOW_QUEUE))
        await settled(w)
        after=Counter(await inbox(w)); print("NEW", after-before)
      finally:
        say("END")
        rows=await w.sql("select effect,platform,status,reason,count(*) n from effects group by 1,2,3,4 order by 1,2")
        for r in rows: print(tuple(r))
        for k,n in sorted(Counter(await inbox(w)).items()): print(n,k)
        print([tuple(r) for r in await w.sql("select * from strays")])
        print(Counter((d["platform"],d["status"]) for d in (await w.http.get(w.sandbox+"/webhooks")).json()))
        print([d for d in (await w.http.get(w.sandbox+"/webhooks")).json() if d["status"] not in (200,202,204)][:5])
        print([tuple(x) for x in await w.sql("select key,request->>'title',request->>'text' from effects where effect='alert'")][:12])
        Path("/tmp/books.json").write_text(json.dumps({v:await w.books(v) for v in configured()},indent=1))
