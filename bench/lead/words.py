"""An answer in words, and as a table."""

from __future__ import annotations

from bench.lead.episodes import quantiles
from bench.lead.evidence import DRAWS, Answer
from bench.lead.inquiry import Findings
from bench.lead.moments import Floats
from bench.report.lang import count, join, say, template
from bench.report.table import Cell, Column, Table

#: A peak within this many seconds of 0 counts as one at lead 0.
NEAR_ZERO = 60.0
WORDS = (
    template("found"),
    template("no evidence"),
    template("at the border"),
    template("not located"),
    template("yes"),
    template("no"),
)


def results(findings: Findings) -> Table:
    """Return one row an estimator; a lead is shown only where one was found, CSV and JSON hold every peak."""
    columns = (
        Column("estimator", say("Estimator")),
        Column("labels", say("Labels"), "word"),
        Column("recordings", say("Recordings"), "count"),
        Column("finding", say("Finding"), "word"),
        Column("lead", say("Lead, s"), "score", digits=0),
        Column("interval", say("95 % CI, s"), "interval", digits=0),
        Column("p", "p", "p"),
        Column("peak", say("Peak, s"), "score", detail=True, digits=1),
        Column("peak_interval", say("95 % CI of the peak, s"), "interval", detail=True, digits=1),
        Column("what", say("What its curve is"), detail=True),
    )
    rows = tuple(_row(each, findings) for each in findings.answers)
    notes = [
        say(
            "p: height of the mean curve against {draws} draws of mismatched pairs, each at its highest. "
            "CI: recordings resampled, percentiles. A peak at the border of the leads tried is none.",
            draws=DRAWS,
        )
    ]
    caption = say("How much earlier is the current? Data: {data}", data=findings.inquiry.source.title)
    return Table("lead", caption, columns, rows, tuple(notes))


def _row(answer: Answer, findings: Findings) -> tuple[Cell, ...]:
    located = answer.word == "found"
    what = next(each.summary for each in findings.kinds if each.name == answer.name)
    interval = (answer.low, answer.high)
    values = (
        answer.name,
        "yes" if answer.labels else "no",
        answer.recordings,
        answer.word,
        answer.lead if located else None,
        interval if located else None,
        answer.p if answer.paired else None,
        answer.lead,
        interval,
        say(what),
    )
    return tuple(Cell(value, strong=answer is findings.headline) for value in values)


def headline(answer: Answer) -> str:
    """Return what an estimator says, in one sentence."""
    leads = {"first": answer.leads[0], "last": answer.leads[-1]}
    if answer.word == "no evidence":
        return say(
            "No evidence that current and video go together at any lead from {first:.0f} to {last:.0f} s "
            "(p = {p:.3f}, {name}).",
            **leads,
            p=answer.p,
            name=answer.name,
        )
    if answer.word == "at the border":
        return say(
            "Lead not found: the curve of {name} is highest at the border of the leads tried ({first:.0f} to "
            "{last:.0f} s); widen --from and --to.",
            **leads,
            name=answer.name,
        )
    if answer.word == "not located":
        return say(
            "Current and video go together, but at which lead cannot be told: the 95 % interval of {name}, "
            "{low:.0f} to {high:.0f} s, spans more than half of the leads tried.",
            low=answer.low,
            high=answer.high,
            name=answer.name,
        )
    told = {"low": answer.low, "high": answer.high, "name": answer.name, "n": answer.groups}
    if answer.low > 0:
        return say(
            "The current precedes the video by {lead:.0f} s (95 % CI {low:.0f} to {high:.0f} s; {name}, {n} "
            "recordings held out).",
            lead=answer.lead,
            **told,
        )
    if answer.high < 0:
        return say(
            "The current follows the video by {lag:.0f} s (95 % CI of the lead {low:.0f} to {high:.0f} s; "
            "{name}, {n} recordings held out).",
            lag=-answer.lead,
            **told,
        )
    return say(
        "Whether the current is earlier cannot be told: lead {lead:.0f} s, 95 % CI {low:.0f} to {high:.0f} s "
        "({name}, {n} recordings held out).",
        lead=answer.lead,
        **told,
    )


def sentences(findings: Findings) -> list[str]:
    """Return everything that must be said, the answer first."""
    inquiry = findings.inquiry
    told = [headline(findings.headline)]
    leads = quantiles(findings.episodes)
    if leads is not None:
        told.append(_of_episodes(findings, leads))
    if findings.headline.labels:
        told.append(
            say("{name} looks at labels of the video of these recordings.", name=findings.headline.name)
        )
    fooled = [each.name for each in findings.answers if fooled_into_zero(each, findings.headline)]
    if fooled:
        told.append(
            say(
                "At lead 0 against {name}: {fooled}. What both modalities share at once, such as a "
                "set-point, gives such a peak; it is not the lead of the condition.",
                name=findings.headline.name,
                fooled=join(fooled),
            )
        )
    later = [each.name for each in findings.answers if _later(each, findings.headline)]
    if later:
        told.append(
            say(
                "Later than {name}: {later}. An estimator without labels follows the picture, in which a "
                "condition takes time to show.",
                name=findings.headline.name,
                later=join(later),
            )
        )
    if findings.skipped:
        told.append(
            say("Not asked, for want of labels of both classes: {names}.", names=join(findings.skipped))
        )
    if findings.spared:
        told.append(
            count(
                findings.spared,
                "{n} recording of the test part (split of seed 0) was not looked at; other seeds hold out "
                "others.",
                "{n} recordings of the test part (split of seed 0) were not looked at; other seeds hold out "
                "others.",
            )
        )
    else:
        told.append(
            say(
                "All recordings were looked at: a study that takes this lead has seen its test part "
                "through it."
            )
        )
    if findings.left_out:
        told.append(
            count(
                len(findings.left_out),
                "{n} recording is too short for the leads tried and was left out.",
                "{n} recordings are too short for the leads tried and were left out.",
            )
        )
    if inquiry.scan.block is not None:
        told.append(
            say(
                "Recordings were cut into blocks of {block:g} s that count as recordings; if they remember "
                "longer than that, the interval is too narrow.",
                block=inquiry.scan.block,
            )
        )
    return told


def _of_episodes(findings: Findings, leads: Floats) -> str:
    read = sum(episode.lead is not None for episode in findings.episodes)
    return say(
        "Read from single episodes ({read} of {all}): median {median:.0f} s, 80 % of them from {low:.0f} to "
        "{high:.0f} s. That spread is of the episodes and of the error of reading one, together.",
        read=read,
        all=len(findings.episodes),
        low=leads[0],
        median=leads[1],
        high=leads[2],
    )


def _later(answer: Answer, against: Answer) -> bool:
    """Whether an answer without labels lies beyond the interval of one with labels."""
    both = answer.word == against.word == "found"
    return both and against.labels and not answer.labels and answer.lead > against.high


def fooled_into_zero(answer: Answer, against: Answer) -> bool:
    """Whether an answer stands at lead 0 although the one it is compared with excludes that."""
    at_zero = answer.word == "found" and abs(answer.lead) < NEAR_ZERO
    return at_zero and against.word == "found" and (against.low > NEAR_ZERO or against.high < -NEAR_ZERO)
