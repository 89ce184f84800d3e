"""`Referral`: one referred person, from the first word to revenue and reward. Its playbook has `about: referral`."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.journey import JourneyStart
    from workflows.journey import Journey


@workflow.defn
class Referral(Journey):
    """One referral's way. Its id is the referral's own: however often it is reported, it is followed once."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> str:
        return await self.live()
