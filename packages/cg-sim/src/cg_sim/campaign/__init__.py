"""Campaigns: tables of independent runs, done in any order by anyone, resumable after a kill at any moment."""

from cg_sim.campaign.collecting import collected, write_collected
from cg_sim.campaign.liquid import KINDS, Liquid, measured
from cg_sim.campaign.liquids import Liquids, read_liquids
from cg_sim.campaign.planning import Plan, plan, rate_here
from cg_sim.campaign.running import Tally, Work, run
from cg_sim.campaign.sources import Named, Splines
from cg_sim.campaign.status import Status, status

__all__ = [
    "KINDS", "Liquid", "Liquids", "Named", "Plan", "Splines", "Status", "Tally", "Work", "collected",
    "measured", "plan", "rate_here", "read_liquids", "run", "status", "write_collected",
]  # fmt: skip
