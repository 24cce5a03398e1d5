"""Which run the page shows, and what can be done with it now."""

from dataclasses import dataclass

from minigpt_core.store.runs import LIVE, Run
from ui import resources, state

RESUMABLE = ("stopped", "interrupted", "failed")  # ended before its last step: can go on from its checkpoint


@dataclass(frozen=True)
class RunState:
    """The run that the page shows, if any, and who may do what with it."""

    run: Run | None
    mine: bool = True
    """It was started from this browser, so it may be steered from here; or prepared, and one like it may be started."""

    here: bool = False
    """It waits or is trained in this server."""

    reached: bool = False
    """The command line trains it, outside this server, and hears what is asked of it here."""

    stop_requested: bool = False
    pause_requested: bool = False
    position: int | None = None
    """Place in the queue, 1 is next."""

    @property
    def live(self) -> bool:
        """Somebody is at work on it, here or elsewhere."""
        return self.run is not None and self.run.status in LIVE

    @property
    def stopping(self) -> bool:
        """Stop was pressed and has not happened yet."""
        return self.live and self.stop_requested

    @property
    def pausing(self) -> bool:
        """Pause was pressed, and what the run is at is not done yet."""
        return self.status == "running" and self.pause_requested and not self.stopping

    @property
    def steerable(self) -> bool:
        """Who has it hears this server, and it may be touched from this browser."""
        return self.live and self.mine and (self.here or self.reached) and not self.stopping

    @property
    def status(self) -> str | None:
        """The status of the run."""
        return self.run.status if self.run else None

    @property
    def can_start(self) -> bool:
        """A new run may begin."""
        return self.mine and not (self.live and self.here)

    @property
    def can_pause(self) -> bool:
        """It is going on, and nobody has asked for it yet."""
        return self.steerable and self.status == "running" and not self.pausing

    @property
    def can_go_on(self) -> bool:
        """It is paused, or was left before its last step."""
        return (self.steerable and self.status == "paused") or (self.mine and self.status in RESUMABLE)

    @property
    def can_stop(self) -> bool:
        """It is going on, paused or waiting."""
        return self.steerable

    @property
    def can_restart(self) -> bool:
        """It goes on and may be begun again. One that has ended leaves that to Start."""
        return self.steerable and self.here


def current() -> RunState:
    """The shown run and its state now. Raises `StoreError` if the store cannot be read."""
    jobs = resources.jobs()  # before its runs: a server that comes back goes on with them
    run = state.current_run()
    if run is None:
        return RunState(None)
    here = jobs.controls(run.id)
    if run.status in LIVE and not here:
        run = resources.run(run.id)  # it may have ended between the two looks
    return RunState(
        run=run,
        mine=state.owns(run) or run.prepared,
        here=here,
        reached=run.status in LIVE and jobs.reaches(run.id),
        stop_requested=jobs.is_stopping(run.id),
        pause_requested=jobs.is_pausing(run.id),
        position=jobs.position(run.id),
    )
