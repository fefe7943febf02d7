"""The error rates of the scorers as Markdown, from the figures that come with the package."""

from collections.abc import Mapping
from typing import Final

from tracelm.scorers.measured import Measured, Rate, measured

_SAID: Final[Mapping[str, str]] = {
    "pii": "A piece counts as found when it is covered whole and has the right type. The texts hold no US social "
    "security number, no other identity number and no date that is marked as one of birth: nothing is said about "
    "those. Names, streets and places, most of what the texts hold, are not looked for: that is "
    "`NamesAndAddresses`. The first version of these patterns was written with all texts in sight: expect less on "
    "texts of another make.",
    "names_and_addresses": "With the default model, the small one of English. A piece counts as found when it is "
    "covered whole, by whatever type; of the addresses about half are found in part. The texts are English sentences "
    "with made-up names from many countries, which is hard for a small model. Only the forms of streets were made "
    "with the other half in sight. `humaneval` is code.",
    "secrets": "No public text here holds labelled secrets, so recall is not measured: only how often ordinary texts "
    "are refused.",
    "code_injection": "No public text here holds labelled injections of code, so recall is not measured: only how "
    "often ordinary texts are refused.",
    "prompt_injection": "`injection_indirect_task` is an ordinary task put into an e-mail: it is not found. "
    "`unsafe_request` is a harmful question that attacks nothing. Long technical documents are refused more often than "
    "these texts, about one in ten. Recall at 1 % false positives takes the threshold at which at most 1 % of the "
    "prompts without an attack are refused.",
}
_NOTHING: Final = "It compares with what you give and guesses nothing: there is no error rate to measure."
_ELSEWHERE: Final = "What it says is the model's verdict: its provider publishes how good that is."


def error_rates(name: str) -> str:
    """Return the section of a scorer, by its name such as `pii`."""
    found = measured(name)
    if found is None:
        return _ELSEWHERE if name == "open_ai_moderation" else _NOTHING
    files = ", ".join(f"`{each}`" for each in found.data)
    lines = [
        f"**Error rates**, on {found.rows:,} texts of the half for measuring ({files}; see "
        "[how the safety figures came about](../explanation/safety-figures.md)):",
        "",
        "| what | share | 95 % interval | cases |",
        "|---|---|---|---|",
        *(f"| {what} | {_cells(rate)} |" for what, rate in _rows(found)),
        "",
        f"Latency a text: p50 {found.latency_p50_ms:g} ms, p95 {found.latency_p95_ms:g} ms on two shared cores.",
        "",
        _SAID[name],
    ]
    if found.threshold_at_1_percent is not None:
        lines[-1] += (
            f" Here that is a risk above {found.threshold_at_1_percent:.3f}; the default threshold is stricter."
        )
    return "\n".join(lines)


def _rows(found: Measured) -> list[tuple[str, Rate]]:
    rows = [(f"recall, {kind}", rate) for kind, rate in found.recall.items()]
    if found.precision is not None:
        rows.append(("precision", found.precision))
    rows += [(f"false positives, {kind}", rate) for kind, rate in found.false_positives.items()]
    rows += [(f"recall at 1 % false positives, {kind}", rate) for kind, rate in found.recall_at_1_percent.items()]
    return rows


def _cells(rate: Rate) -> str:
    if rate.share is None or rate.low is None or rate.high is None:
        return f"| | {rate.count} of {rate.of}"
    return f"{rate.share:.3f} | {rate.low:.3f}–{rate.high:.3f} | {rate.count:,} of {rate.of:,}"
