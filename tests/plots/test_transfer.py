from dlcore.plots.transfer import LearningCurvePoint, learning_curve


def test_each_way_to_start_is_a_line_in_order_of_its_photos_with_its_interval():
    lines = {
        "taken over": [LearningCurvePoint(40, 0.8, 0.7, 0.9), LearningCurvePoint(10, 0.6, 0.5, 0.7)],
        "anew": [LearningCurvePoint(10, 0.2, 0.1, 0.3)],
    }
    figure = learning_curve(lines, chance=0.1)
    first, second = figure.data
    assert first.x == (10, 40) and [round(y) for y in first.y] == [60, 80] and second.name == "anew"
    assert [round(e) for e in first.error_y.array] == [10, 10] and figure.layout.xaxis.type == "log"
