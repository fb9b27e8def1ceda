"""Labels of a series or table on import: a column of the file, or labeled windows in a second one."""

from dlcore.core.errors import DataError
from dlcore.data.custom.importer import NO_COLUMN, attachment, column
from dlcore.data.repairs import Repairs
from dlcore.data.series import window_file
from dlcore.data.series.columns import Sheet
from dlcore.data.series.reading import Reading
from dlcore.data.series.samples import format_time
from dlcore.data.series.series import LabeledWindow
from dlcore.data.tabular.cells import plural

LABEL = column("A column with 1 where the value is anomalous and 0 elsewhere; none for no labels.", optional=True)
WINDOWS = attachment(
    "Labeled windows, used instead of a label column: CSV or JSON of start, end, name.",
    suffixes=("csv", "json"),
    byte_limit=window_file.BYTES_LIMIT,
)


def choose_label(sheet: Sheet, requested: str, time: str, *values: str) -> str:
    """Return the label column, empty for none: the requested one, or one with a usual name; `none` for none.

    Raises:
        DataError: There is no such column, or a column has two roles.
    """
    label = "" if requested == NO_COLUMN and NO_COLUMN not in sheet.columns else requested
    names = [sheet.file.known(name) for name in (time, *values, label) if name]
    if twice := [name for name in names if names.count(name) > 1]:
        raise DataError(f"column '{twice[0]}' is used twice: time, values and label must be different columns.")
    if label or requested == NO_COLUMN:
        return label
    return sheet.find_label((*sheet.find_times(time).names, *values))


def read_windows(reading: Reading, attached: bytes | None, repairs: Repairs) -> tuple[LabeledWindow, ...]:
    """Return the labeled windows of a reading: those of the attached file, else of its label column.

    Raises:
        DataError: The file is invalid, or a window contains no point.
    """
    samples = reading.samples
    if attached is not None:
        windows = window_file.parse(attached, clock=reading.clock, repairs=repairs)
        windows = _leave_out_cut_windows(windows, reading, repairs)
    else:
        windows = window_file.from_labels(samples.times, samples.labels) if samples.labels is not None else ()
    window_file.check_windows(windows, samples.times)
    return windows


def _leave_out_cut_windows(
    windows: tuple[LabeledWindow, ...], reading: Reading, repairs: Repairs
) -> tuple[LabeledWindow, ...]:
    """Leave out windows that lie in rows that a repair cut off."""
    times, (first, last) = reading.samples.times, reading.span
    inside = tuple(window for window in windows if window.end >= times[0] and window.start <= times[-1])
    cut = [window for window in windows if window not in inside and window.end >= first and window.start <= last]
    if cut:
        repairs.note(
            "windows_cut_off",
            f"{plural(len(cut), 'window')} in rows that were cut off left out, first {format_time(cut[0].start)}",
            count=len(cut),
            example=cut[0].name,
        )
    return tuple(window for window in windows if window not in cut)
