import numpy as np

from dlcore.plots import sequences


def test_cells_have_hover_text_and_the_color_scale_starts_at_zero():
    figure = sequences.over_source(
        np.array([[90.0, 10.0], [20.0, 80.0]]),
        ["a", "b"],
        ["b", "a"],
        title="t",
        unit="%",
        at=1,
        hover="{row} takes {value} of {column}",
    )
    (heat,) = figure.data
    assert (heat.zmin, heat.zmax) == (0, 90) and heat.customdata[1][1] == "a takes 80.0 of b"
    assert (figure.layout.shapes[0].y0, figure.layout.shapes[0].y1) == (0.5, 1.5)


def test_most_probable_symbols_come_first_and_include_the_decoded_one():
    names, shares = [chr(97 + place) for place in range(20)], np.arange(20.0)
    (bars,) = sequences.next_symbols(names, shares, decoded=2, title="t").data
    assert list(bars.x) == [*names[:10:-1], "c"] and bars.y[0] == 19
    assert [place for place, color in enumerate(bars.marker.color) if color == sequences.VERMILLION] == [9]


def test_lengths_beyond_training_are_marked():
    n = np.arange(2, 6)
    figure = sequences.by_length(n, 10.0 * n, 9.0 * n, 12.0 * n, longest=3, name="reversing")
    assert figure.layout.shapes[0].x0 == 3.5 and list(figure.data[0].error_y.array) == [4, 6, 8, 10]
