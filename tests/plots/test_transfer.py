from dlcore.plots.transfer import LearningCurvePoint, learning_curve


def test_learning_curve_has_a_sorted_line_with_intervals_per_initialization():
    lines = {
        "pretrained": [LearningCurvePoint(40, 0.8, 0.7, 0.9), LearningCurvePoint(10, 0.6, 0.5, 0.7)],
        "from scratch": [LearningCurvePoint(10, 0.2, 0.1, 0.3)],
    }
    figure = learning_curve(lines, chance=0.1)
    first, second = figure.data
    assert first.x == (10, 40) and [round(y) for y in first.y] == [60, 80] and second.name == "from scratch"
    assert [round(e) for e in first.error_y.array] == [10, 10] and figure.layout.xaxis.type == "log"
