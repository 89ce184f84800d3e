"""The command `ovation`."""

from typing import NoReturn

import typer

from starter.cli import (
    contact,
    demo,
    doctor,
    explain,
    import_,
    journey,
    platform,
    playbook,
    referral,
    reward,
    send,
    serve,
    up,
)
from starter.cli.ending import to_the_end
from starter.cli.speaking import Speaking

app = typer.Typer(
    cls=Speaking,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turns happy customers into advocates, and referrals into revenue.",
)
app.command()(demo.demo)
app.command()(up.up)
app.command()(serve.serve)
app.command()(serve.migrate)
app.command()(explain.explain)
app.command()(doctor.doctor)
app.command("import")(import_.import_file)
app.add_typer(playbook.app, name="playbook")
app.add_typer(journey.app, name="journey")
app.add_typer(referral.app, name="referral")
app.add_typer(reward.app, name="reward")
app.add_typer(contact.app, name="contact")
app.add_typer(platform.app, name="platform")
app.add_typer(send.webhook, name="webhook")
app.add_typer(send.event, name="event")


def main() -> NoReturn:
    """The console script, and `python -m starter.cli.main`."""
    to_the_end(app)


if __name__ == "__main__":
    main()
