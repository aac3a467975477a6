"""The colours of all figures, and what they are on a page."""

INK = "#1b1f24"
FAINT = "#c9ced6"
MUTED = "#6b7480"
"""Text and lines, grid lines, and what is in the background. A page replaces them by its own colours."""

POLICY_COLOUR = "#d55e00"
OTHER_COLOURS = ("#0072b2", "#009e73", "#cc79a7", "#3a9bd4", "#b97f00", "#8a63d2", "#7f6000")
"""Okabe and Ito, "Color Universal Design" (2008), without black and yellow, which vanish on one of the backgrounds;
sky blue and orange are darker here, to be seen as thin lines on white. The last two serve when there are more families
of methods than colours."""

THEMED = {INK: "ink", FAINT: "line", MUTED: "muted", "#ffffff": "page", POLICY_COLOUR: "policy"} | {
    colour: f"method-{number}" for number, colour in enumerate(OTHER_COLOURS)
}
"""The variables of `page.css` that stand for them in the light and in the dark."""
